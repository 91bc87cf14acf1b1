// A test collection in the format of CISI and Cranfield (".I", ".T", ".A", ".W" fields; judgements
// as columns), and the figures of a ranking over it. Plain functions.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace orkestra::bench {

struct Record {
  int id = 0;
  std::map<char, std::string> fields;  // by letter: 'T' title, 'A' author, 'W' text
};

// Throws std::runtime_error when the file can't be read.
std::vector<Record> read_records(const std::filesystem::path& file);
// Query -> the documents judged relevant to it.
std::map<int, std::set<int>> read_judgements(const std::filesystem::path& file);

struct Figures {
  double map = 0;     // mean average precision over the whole ranking
  double ndcg10 = 0;  // binary gains
  double recall100 = 0;
};
Figures measure(const std::vector<int>& ranking, const std::set<int>& relevant);

}  // namespace orkestra::bench
