#include <orkestra/bench/retrieval/collection.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace orkestra::bench {
namespace {

std::ifstream open(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file.string() + ": can't be read");
  return in;
}

}  // namespace

std::vector<Record> read_records(const std::filesystem::path& file) {
  std::ifstream in = open(file);
  std::vector<Record> out;
  char field = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.size() >= 2 && line[0] == '.' && line[1] >= 'A' && line[1] <= 'Z' &&
        (line.size() == 2 || line[2] == ' ' || line[2] == '\r')) {
      field = line[1];
      if (field == 'I') out.push_back({.id = std::stoi(line.substr(2))});
      continue;
    }
    if (!out.empty()) out.back().fields[field].append(line).append("\n");
  }
  return out;
}

std::map<int, std::set<int>> read_judgements(const std::filesystem::path& file) {
  std::ifstream in = open(file);
  std::map<int, std::set<int>> out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream columns(line);
    int query = 0;
    int document = 0;
    if (columns >> query >> document) out[query].insert(document);
  }
  return out;
}

Figures measure(const std::vector<int>& ranking, const std::set<int>& relevant) {
  Figures out;
  const auto all = static_cast<double>(relevant.size());
  double found = 0;
  double ideal = 0;
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const double rank = static_cast<double>(i) + 1;
    if (!relevant.contains(ranking[i])) continue;
    ++found;
    out.map += found / rank / all;
    if (i < 10) out.ndcg10 += 1 / std::log2(rank + 1);
    if (i < 100) out.recall100 += 1 / all;
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(10, relevant.size()); ++i) {
    ideal += 1 / std::log2(static_cast<double>(i) + 2);
  }
  if (ideal > 0) out.ndcg10 /= ideal;
  return out;
}

}  // namespace orkestra::bench
