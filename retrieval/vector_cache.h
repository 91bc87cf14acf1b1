// The vectors of a store's chunks, kept in a file beside it. A cache: it can be deleted at any
// time, and a file that is damaged or of another state is never used. Plain functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orkestra::retrieval {

struct VectorCache {
  std::string state;     // StoreFile::state() of the chunks
  std::string embedder;  // Embedder::id()
  std::string fitted;    // what a fitted embedder needs to come back; "" for the others
  std::size_t dimension = 0;
  std::vector<std::int64_t> chunks;
  std::vector<std::string> hashes;  // ChunkText::hash of each
  std::vector<float> rows;          // [chunks, dimension]
};

// STORE.vectors
std::filesystem::path vector_cache_path(const std::filesystem::path& store);

// Throws Error: kNotFound, kCorrupt (not exactly what was written), kUnavailable.
VectorCache read_vector_cache(const std::filesystem::path& file);

// The file is there as a whole or as it was before; it needs no sync, because a torn one shows.
// Throws Error{kUnavailable}.
void write_vector_cache(const std::filesystem::path& file, const VectorCache& cache);

}  // namespace orkestra::retrieval
