// LexicalIndex: which chunks hold which terms, scored by BM25. FTS5 is the first implementation: it
// lives in the store's file, so that it changes in the same transactions as the chunks.
// Used by one thread at a time.
#pragma once

#include <orkestra/core/database.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace orkestra::retrieval {

struct WeightedTerm {
  std::string term;  // from a TermReader
  double weight = 1;
};

struct ScoredChunk {
  std::int64_t chunk = 0;
  double score = 0;
};

class LexicalIndex {
 public:
  virtual ~LexicalIndex() = default;
  virtual void put(std::int64_t chunk, std::span<const std::string> terms) = 0;
  virtual void erase(std::int64_t chunk) = 0;
  // Every chunk with at least one of the terms, best first, ties by id. The score is the sum over
  // terms of weight times BM25 (k1 1.2, b 0.75).
  virtual std::vector<ScoredChunk> search(std::span<const WeightedTerm> terms) = 0;
  virtual std::size_t chunks_with(const std::string& term) = 0;
  // What is wrong with the index, "" when nothing is.
  virtual std::string damage() = 0;
};

inline constexpr const char* kFtsSchema = R"sql(
CREATE VIRTUAL TABLE lexical USING fts5(terms, tokenize = 'ascii');
CREATE VIRTUAL TABLE lexical_terms USING fts5vocab('lexical', 'row');
)sql";

// `database` has the tables of kFtsSchema and outlives the index.
std::unique_ptr<LexicalIndex> make_fts_index(Database& database);

}  // namespace orkestra::retrieval
