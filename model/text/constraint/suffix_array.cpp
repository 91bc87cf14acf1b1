#include <orkestra/model/text/constraint/suffix_array.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace orkestra::model {
namespace {

constexpr std::uint32_t kEmpty = UINT32_MAX;

// Sorts the suffixes of letters below `alphabet_`. A suffix is small when it is less than the next
// one, else large; a small one behind a large one is a seed. From sorted seeds the order of all
// others follows in two passes; seeds are sorted by the same means, as letters of a shorter text.
class InducedSort {
 public:
  InducedSort(std::span<const std::uint32_t> text, std::uint32_t alphabet)
      : text_(text), small_(text.size(), false), heads_(alphabet + 1, 0) {
    for (std::size_t i = text.size(); i-- > 1;) {
      small_[i - 1] = text[i - 1] < text[i] || (text[i - 1] == text[i] && small_[i]);
    }
    for (const std::uint32_t letter : text) ++heads_[letter + 1];
    for (std::size_t i = 1; i < heads_.size(); ++i) heads_[i] += heads_[i - 1];
  }

  std::vector<std::uint32_t> run() {
    std::vector<std::uint32_t> seeds;
    for (std::uint32_t i = 1; i < text_.size(); ++i) {
      if (is_seed(i)) seeds.push_back(i);
    }
    induce(seeds);
    if (seeds.size() > 1) {
      sort(seeds);
      induce(seeds);
    }
    return std::move(order_);
  }

 private:
  bool is_seed(std::size_t i) const { return i > 0 && small_[i] && !small_[i - 1]; }

  void induce(const std::vector<std::uint32_t>& seeds) {
    const std::size_t n = text_.size();
    order_.assign(n, kEmpty);
    if (n == 0) return;
    std::vector<std::uint32_t> at(heads_.begin() + 1, heads_.end());  // ends of buckets
    for (std::size_t i = seeds.size(); i-- > 0;) order_[--at[text_[seeds[i]]]] = seeds[i];
    at.assign(heads_.begin(), heads_.end() - 1);
    const auto place_large = [&](std::size_t i) {
      order_[at[text_[i]]++] = static_cast<std::uint32_t>(i);
    };
    place_large(n - 1);  // only the end follows it, which is less than any letter
    for (std::size_t k = 0; k < n; ++k) {
      const std::uint32_t i = order_[k];
      if (i != kEmpty && i > 0 && !small_[i - 1]) place_large(i - 1);
    }
    at.assign(heads_.begin() + 1, heads_.end());
    for (std::size_t k = n; k-- > 0;) {
      const std::uint32_t i = order_[k];
      if (i != kEmpty && i > 0 && small_[i - 1]) order_[--at[text_[i - 1]]] = i - 1;
    }
  }

  // Whether the stretches from two seeds to the seeds after them are the same.
  bool same_stretch(std::size_t a, std::size_t b) const {
    for (std::size_t k = 0;; ++k) {
      const bool a_over = a + k >= text_.size();
      const bool b_over = b + k >= text_.size();
      if (a_over || b_over) return false;  // only one of them gets to the end
      if (text_[a + k] != text_[b + k] || small_[a + k] != small_[b + k]) return false;
      if (k > 0 && (is_seed(a + k) || is_seed(b + k))) return is_seed(a + k) && is_seed(b + k);
    }
  }

  // `order_` has the seeds sorted by their stretches; those that share one are told apart by what
  // comes after it.
  void sort(std::vector<std::uint32_t>& seeds) {
    std::vector<std::uint32_t> names(text_.size(), kEmpty);
    std::uint32_t count = 0;
    std::uint32_t before = kEmpty;
    for (const std::uint32_t i : order_) {
      if (i == kEmpty || !is_seed(i)) continue;
      if (before == kEmpty || !same_stretch(before, i)) ++count;
      names[i] = count - 1;
      before = i;
    }
    std::vector<std::uint32_t> shorter;
    for (const std::uint32_t i : seeds) shorter.push_back(names[i]);
    names = {};
    const std::vector<std::uint32_t> in_order = InducedSort(shorter, count).run();
    std::vector<std::uint32_t> sorted;
    for (const std::uint32_t k : in_order) sorted.push_back(seeds[k]);
    seeds = std::move(sorted);
  }

  std::span<const std::uint32_t> text_;
  std::vector<bool> small_;
  std::vector<std::uint32_t> heads_;  // [alphabet + 1] where a letter's suffixes begin
  std::vector<std::uint32_t> order_;
};

}  // namespace

std::vector<std::uint32_t> suffix_array(std::string_view text) {
  std::vector<std::uint32_t> letters;
  letters.reserve(text.size());
  for (const char c : text) letters.push_back(static_cast<std::uint8_t>(c));
  return InducedSort(letters, 256).run();
}

}  // namespace orkestra::model
