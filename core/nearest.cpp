#include <orkestra/core/nearest.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace orkestra {
namespace {

constexpr std::size_t kMost = 64;

std::string folded(std::string_view text) {
  std::string out(text.substr(0, kMost));
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  const std::string x = folded(a), y = folded(b);
  // Optimal string alignment; three rows: the one in work and the two before it.
  std::array<std::array<int, kMost + 1>, 3> rows{};
  for (std::size_t j = 0; j <= y.size(); ++j) rows[0][j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= x.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    const auto& above2 = rows[(i + 1) % 3];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= y.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (x[i - 1] != y[j - 1])});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1]) {
        row[j] = std::min(row[j], above2[j - 2] + 1);
      }
    }
  }
  return rows[x.size() % 3][y.size()];
}

std::vector<std::string> nearest(std::string_view word, std::span<const std::string> candidates,
                                 std::size_t most) {
  const std::string part = folded(word);
  const int limit = std::max(1, static_cast<int>(part.size()) / 3);
  std::vector<std::pair<int, const std::string*>> near;
  for (const std::string& candidate : candidates) {
    const auto longer = static_cast<int>(std::min(candidate.size(), kMost));
    const int difference = std::abs(longer - static_cast<int>(part.size()));
    int distance = difference <= limit ? edit_distance(word, candidate) : limit + 1;
    if (distance > limit && part.size() >= 3 && folded(candidate).find(part) != std::string::npos) {
      distance = limit;
    }
    if (distance <= limit) near.emplace_back(distance, &candidate);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (const auto& [distance, candidate] : near) {
    if (out.size() == most) break;
    out.push_back(*candidate);
  }
  return out;
}

}  // namespace orkestra
