// SemanticIndex: the vectors of a store's chunks and the embedder they were made by, kept up with
// the store: from memory, from the file beside it, or computed anew. Owned by one Store, used by
// one thread at a time.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/retrieval/embedder.h>
#include <orkestra/retrieval/lexical_index.h>
#include <orkestra/retrieval/store_file.h>
#include <orkestra/retrieval/vector_cache.h>
#include <orkestra/retrieval/vector_index.h>

#include <functional>
#include <memory>
#include <unordered_map>

namespace orkestra::retrieval {

// Chunks embedded so far, of how many.
using EmbedProgress = std::function<void(std::size_t done, std::size_t total)>;

class SemanticIndex {
 public:
  // Without an embedder, one is fitted to the store's own text, anew whenever the text changes.
  SemanticIndex(std::filesystem::path cache, std::unique_ptr<Embedder> given);

  // Brings the index to the store's state; cheap when it is there. Call inside a snapshot. Throws
  // Error{kCancelled, kDeadline}; the index is then as it was.
  void refresh(StoreFile& store, const Limits& limits, const EmbedProgress& progress);

  std::vector<float> embed(std::string_view query);
  // The `count` nearest, best first, ties by id.
  std::vector<ScoredChunk> search(std::span<const float> query, std::size_t count);
  double similarity(std::int64_t chunk, std::span<const float> query) const;  // 0 for unknown ones
  std::span<const float> row(std::int64_t chunk) const;                       // empty likewise

  // What the file beside the store is worth now: fills in the three last members of StoreStats.
  void describe(const std::string& state, StoreStats& stats) const;

 private:
  void load(VectorCache cache);

  std::filesystem::path file_;
  std::unique_ptr<Embedder> given_;
  std::unique_ptr<Embedder> fitted_;
  std::string state_;
  bool loaded_ = false;
  std::vector<std::int64_t> chunks_;  // of each row, ascending
  std::unique_ptr<VectorIndex> index_;
  std::unordered_map<std::int64_t, std::size_t> position_;
};

}  // namespace orkestra::retrieval
