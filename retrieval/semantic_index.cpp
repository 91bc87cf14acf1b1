#include <orkestra/core/error.h>
#include <orkestra/retrieval/latent_semantics.h>
#include <orkestra/retrieval/semantic_index.h>
#include <orkestra/retrieval/vectors.h>

#include <algorithm>

namespace orkestra::retrieval {
namespace {

constexpr std::size_t kMaxFitted = 20'000;  // chunks the fit looks at; the others are projected
constexpr std::size_t kBatch = 64;          // texts embedded at a time

void check(const Limits& limits) {
  if (limits.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, "indexing was stopped; what was added is kept");
  }
  if (limits.expired()) {
    throw Error(
        ErrorCode::kDeadline,
        "the documents could not be indexed in time; add them beforehand: orkestra index add");
  }
}

std::unique_ptr<Embedder> fit_to(StoreFile& store, const Limits& limits) {
  // Every n-th chunk of a large store: evenly spread, the same ones every time.
  const std::size_t step = store.count_chunks() / kMaxFitted + 1;
  TermCounts counts;
  std::size_t seen = 0;
  store.each_chunk([&](const ChunkText& chunk) {
    check(limits);
    if (seen++ % step == 0) counts.add(chunk.text);
  });
  return LatentSemantics::fit(counts, {}, limits.stop);
}

// Whether the cache is of exactly the chunks the store has now.
bool matches(const VectorCache& cache, StoreFile& store) {
  if (cache.state != store.state()) return false;
  const auto chunks = store.chunk_hashes();
  if (chunks.size() != cache.chunks.size()) return false;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (chunks[i].first != cache.chunks[i] || chunks[i].second != cache.hashes[i]) return false;
  }
  return true;
}

// Vectors in `old` that are still good are not computed again.
VectorCache embed_all(Embedder& embedder, StoreFile& store, const VectorCache& old,
                      const Limits& limits, const EmbedProgress& progress) {
  const std::size_t dimension = embedder.dimension();
  VectorCache out{.state = store.state(), .embedder = embedder.id(), .dimension = dimension};
  // A fitted embedder is another one after every fit.
  std::unordered_map<std::string_view, std::size_t> known;
  if (old.fitted.empty() && old.embedder == out.embedder && old.dimension == dimension) {
    for (std::size_t i = 0; i < old.hashes.size(); ++i) known.emplace(old.hashes[i], i);
  }
  const std::size_t total = store.count_chunks();
  out.rows.reserve(total * dimension);
  std::vector<std::string> waiting;
  std::vector<std::size_t> places;
  const auto embed_waiting = [&] {
    check(limits);
    const std::vector<std::string_view> views(waiting.begin(), waiting.end());
    std::vector<float> rows = embedder.embed_documents(views);
    if (rows.size() != views.size() * dimension) {
      throw Error(ErrorCode::kInternal, "the embedder " + embedder.id() +
                                            " gave vectors of another dimension than it says");
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      scale_to_unit(rows.data() + i * dimension, dimension);
      std::copy_n(rows.data() + i * dimension, dimension, out.rows.data() + places[i] * dimension);
    }
    waiting.clear();
    places.clear();
    if (progress) progress(out.chunks.size(), total);
  };
  store.each_chunk([&](const ChunkText& chunk) {
    const std::size_t place = out.chunks.size();
    out.chunks.push_back(chunk.chunk);
    out.hashes.push_back(chunk.hash);
    out.rows.resize((place + 1) * dimension);
    if (const auto at = known.find(chunk.hash); at != known.end()) {
      std::copy_n(old.rows.data() + at->second * dimension, dimension,
                  out.rows.data() + place * dimension);
      return;
    }
    waiting.push_back(chunk.text);
    places.push_back(place);
    if (waiting.size() == kBatch) embed_waiting();
  });
  if (!waiting.empty()) embed_waiting();
  return out;
}

}  // namespace

SemanticIndex::SemanticIndex(std::filesystem::path cache, std::unique_ptr<Embedder> given)
    : file_(std::move(cache)), given_(std::move(given)) {}

void SemanticIndex::refresh(StoreFile& store, const Limits& limits, const EmbedProgress& progress) {
  const std::string state = store.state();
  if (loaded_ && state_ == state) return;
  VectorCache cache;
  std::unique_ptr<Embedder> fitted;
  bool usable = false;
  try {
    cache = read_vector_cache(file_);
    usable = matches(cache, store) &&
             cache.embedder == (given_ ? given_->id() : std::string(LatentSemantics::kVersion));
    if (usable && !given_) fitted = LatentSemantics::deserialise(cache.fitted);
    usable = usable && (given_ ? given_ : fitted)->dimension() == cache.dimension;
  } catch (const Error&) {
    usable = false;  // absent or damaged: the same to us
  }
  if (!usable) {
    if (!given_) fitted = fit_to(store, limits);
    cache = embed_all(*(given_ ? given_ : fitted), store, cache, limits, progress);
    if (fitted) cache.fitted = static_cast<const LatentSemantics&>(*fitted).serialise();
    try {
      write_vector_cache(file_, cache);
    } catch (const Error&) {
      // Where nothing can be written, the vectors are computed again next time.
    }
  }
  fitted_ = std::move(fitted);
  load(std::move(cache));
}

void SemanticIndex::load(VectorCache cache) {
  index_.reset();
  position_.clear();
  if (cache.dimension > 0 && !cache.chunks.empty()) {
    index_ = make_flat_index(cache.dimension);
    index_->add(cache.rows);
    for (std::size_t i = 0; i < cache.chunks.size(); ++i) position_.emplace(cache.chunks[i], i);
  }
  chunks_ = std::move(cache.chunks);
  state_ = std::move(cache.state);
  loaded_ = true;
}

std::vector<float> SemanticIndex::embed(std::string_view query) {
  Embedder* embedder = given_ ? given_.get() : fitted_.get();
  if (!embedder || !index_) return {};
  std::vector<float> row = embedder->embed_query(query);
  row.resize(embedder->dimension());
  scale_to_unit(row.data(), row.size());
  return row;
}

std::vector<ScoredChunk> SemanticIndex::search(std::span<const float> query, std::size_t count) {
  if (!index_ || query.empty()) return {};
  std::vector<ScoredChunk> out;
  for (const NearVector& near : index_->search(query, count)) {
    out.push_back({chunks_[near.position], near.score});
  }
  return out;
}

std::span<const float> SemanticIndex::row(std::int64_t chunk) const {
  const auto at = position_.find(chunk);
  if (at == position_.end()) return {};
  return index_->row(at->second);
}

double SemanticIndex::similarity(std::int64_t chunk, std::span<const float> query) const {
  const std::span<const float> vector = row(chunk);
  if (vector.empty() || query.size() != vector.size()) return 0;
  return dot(vector.data(), query.data(), query.size());
}

void SemanticIndex::describe(const std::string& state, StoreStats& stats) const {
  try {
    const VectorCache cache = read_vector_cache(file_);
    stats.embedder = cache.embedder;
    stats.dimension = cache.dimension;
    stats.vectors = cache.state == state ? "current" : "stale";
  } catch (const Error& e) {
    stats.vectors = e.code() == ErrorCode::kNotFound ? "absent" : "damaged";
  }
}

}  // namespace orkestra::retrieval
