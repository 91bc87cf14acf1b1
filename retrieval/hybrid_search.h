// Hybrid search: the lexical and the semantic order of a store's chunks as one. Plain functions
// over the two indexes; call inside a snapshot, on the store's thread.
#pragma once

#include <orkestra/retrieval/semantic_index.h>
#include <orkestra/retrieval/store_file.h>
#include <orkestra/retrieval/terms.h>

#include <string_view>
#include <vector>

namespace orkestra::retrieval {

struct HybridOptions {
  double semantic_share = 0.6;  // of the score; the lexical side has the rest
  // Pseudo-relevance feedback: the query moves towards the best chunks, in words and in meaning, as
  // far as the two sides agree on which those are (0: not at all).
  double feedback = 1;
  std::size_t feedback_chunks = 10;  // at most, and never more than one in twenty of the store's
  std::size_t feedback_terms = 20;
};

struct HybridHit {
  std::int64_t chunk = 0;
  double score = 0;     // 0..1
  double lexical = 0;   // BM25
  double semantic = 0;  // cosine
};

// The best `count`, best first, ties by id.
std::vector<HybridHit> search_hybrid(StoreFile& store, SemanticIndex& semantics, TermReader& reader,
                                     std::string_view query, std::size_t count,
                                     const HybridOptions& options = {});

}  // namespace orkestra::retrieval
