#include <orkestra/retrieval/hybrid_search.h>
#include <orkestra/retrieval/vectors.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

namespace orkestra::retrieval {
namespace {

constexpr std::size_t kMaxQueryTerms = 64;     // different ones, the first of the text
constexpr std::size_t kLeastCandidates = 200;  // of each side
constexpr std::size_t kAgreementDepth = 20;    // chunks of each side that are compared

std::vector<WeightedTerm> query_terms(TermReader& reader, std::string_view query) {
  std::vector<WeightedTerm> out;
  for (std::string& term : reader.read(query)) {
    const auto at = std::find_if(out.begin(), out.end(),
                                 [&](const WeightedTerm& each) { return each.term == term; });
    if (at != out.end()) {
      at->weight += 1;
    } else if (out.size() < kMaxQueryTerms) {
      out.push_back({std::move(term), 1});
    }
  }
  return out;
}

// Rocchio: the terms that weigh most in the best chunks join the query; the first of them weighs
// `weight`, as much as a word that was asked for when that is 1.
void expand(std::vector<WeightedTerm>& query, StoreFile& store, TermReader& reader,
            std::span<const HybridHit> best, std::size_t chunks, double weight,
            std::size_t most_terms) {
  std::map<std::string, double> weights;
  std::unordered_map<std::string, double> rarity;
  for (const HybridHit& hit : best) {
    std::map<std::string, double> times;
    for (std::string& term : reader.read(store.chunk_text(hit.chunk))) ++times[std::move(term)];
    double length = 0;
    for (auto& [term, n] : times) {
      const auto [known, fresh] = rarity.try_emplace(term, 0);
      if (fresh) {
        const auto with = static_cast<double>(store.lexical().chunks_with(term));
        known->second = std::log((static_cast<double>(chunks) + 1) / (with + 0.5));
      }
      n = (1 + std::log(n)) * known->second;
      length += n * n;
    }
    length = std::sqrt(length);
    for (const auto& [term, n] : times) {
      if (length > 0) weights[term] += n / length;
    }
  }
  std::vector<std::pair<double, std::string>> ranked;  // lightest last, ties by term
  for (const auto& [term, n] : weights) {
    if (n > 0) ranked.emplace_back(-n, term);
  }
  std::sort(ranked.begin(), ranked.end());
  if (ranked.size() > most_terms) ranked.resize(most_terms);
  for (const auto& [n, term] : ranked) {
    const double added = weight * n / ranked.front().first;
    const auto at = std::find_if(query.begin(), query.end(),
                                 [&](const WeightedTerm& each) { return each.term == term; });
    if (at != query.end()) {
      at->weight += added;
    } else {
      query.push_back({term, added});
    }
  }
}

struct Sides {
  std::vector<ScoredChunk> words;    // every chunk with one of the terms, best first
  std::vector<ScoredChunk> meaning;  // the nearest, best first
};

double best_of(const std::vector<ScoredChunk>& side) {
  return side.empty() ? 0 : side.front().score;
}

// Each side's scores as shares of its best, added up.
std::vector<HybridHit> fuse(const Sides& sides, const SemanticIndex& semantics,
                            std::span<const float> vector, std::size_t candidates,
                            double semantic_share) {
  std::unordered_map<std::int64_t, HybridHit> hits;
  for (const ScoredChunk& each : sides.meaning) hits[each.chunk].semantic = each.score;
  for (std::size_t i = 0; i < std::min(candidates, sides.words.size()); ++i) {
    const auto [at, fresh] = hits.try_emplace(sides.words[i].chunk);
    if (fresh) at->second.semantic = semantics.similarity(sides.words[i].chunk, vector);
  }
  for (const ScoredChunk& each : sides.words) {
    if (const auto at = hits.find(each.chunk); at != hits.end()) at->second.lexical = each.score;
  }
  const double best_words = best_of(sides.words);
  const double best_meaning = best_of(sides.meaning);
  std::vector<HybridHit> out;
  for (auto& [chunk, hit] : hits) {
    hit.chunk = chunk;
    const double words = best_words > 0 ? hit.lexical / best_words : 0;
    const double meaning = best_meaning > 0 ? std::max(0.0, hit.semantic) / best_meaning : 0;
    hit.score = semantic_share * meaning + (1 - semantic_share) * words;
    if (hit.score > 0) out.push_back(hit);
  }
  std::sort(out.begin(), out.end(), [](const HybridHit& a, const HybridHit& b) {
    return a.score != b.score ? a.score > b.score : a.chunk < b.chunk;
  });
  return out;
}

// How many of the first chunks of one side are among the first of the other, 0..1.
double agreement(const Sides& sides) {
  const std::size_t depth = std::min({kAgreementDepth, sides.words.size(), sides.meaning.size()});
  if (depth == 0) return 0;
  std::set<std::int64_t> words;
  for (std::size_t i = 0; i < depth; ++i) words.insert(sides.words[i].chunk);
  std::size_t both = 0;
  for (std::size_t i = 0; i < depth; ++i) both += words.count(sides.meaning[i].chunk);
  return static_cast<double>(both) / static_cast<double>(depth);
}

// The vector moves towards the mean of the best chunks', `weight` of the way's length.
void move_towards(std::vector<float>& vector, const SemanticIndex& semantics,
                  std::span<const HybridHit> best, double weight) {
  std::vector<float> mean(vector.size());
  for (const HybridHit& hit : best) {
    const std::span<const float> row = semantics.row(hit.chunk);
    for (std::size_t i = 0; i < std::min(row.size(), mean.size()); ++i) mean[i] += row[i];
  }
  scale_to_unit(mean.data(), mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) vector[i] += static_cast<float>(weight) * mean[i];
  scale_to_unit(vector.data(), vector.size());
}

}  // namespace

std::vector<HybridHit> search_hybrid(StoreFile& store, SemanticIndex& semantics, TermReader& reader,
                                     std::string_view query, std::size_t count,
                                     const HybridOptions& options) {
  const std::size_t candidates = std::max(count, kLeastCandidates);
  const std::size_t chunks = store.count_chunks();
  std::vector<WeightedTerm> terms = query_terms(reader, query);
  std::vector<float> vector = semantics.embed(query);
  Sides sides{store.lexical().search(terms), semantics.search(vector, candidates)};
  std::vector<HybridHit> hits = fuse(sides, semantics, vector, candidates, options.semantic_share);
  // Where the sides disagree, the best chunks are as likely wrong as right: stay with the query.
  const double weight = options.feedback * std::sqrt(agreement(sides));
  const std::size_t trusted = std::min({hits.size(), options.feedback_chunks, chunks / 20});
  if (weight > 0 && trusted > 0) {
    const std::span<const HybridHit> best(hits.data(), trusted);
    expand(terms, store, reader, best, chunks, weight, options.feedback_terms);
    move_towards(vector, semantics, best, weight / 2);
    sides = {store.lexical().search(terms), semantics.search(vector, candidates)};
    hits = fuse(sides, semantics, vector, candidates, options.semantic_share);
  }
  if (hits.size() > count) hits.resize(count);
  return hits;
}

}  // namespace orkestra::retrieval
