#include <orkestra/core/error.h>
#include <orkestra/model/engine/sampler.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

namespace orkestra::model {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

// The highest allowed logit's token, -1 when there is none; the lowest id among equals.
TokenId best_token(std::span<const float> logits, std::span<const std::uint8_t> allowed) {
  TokenId best = -1;
  float highest = kImpossible;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (allowed[i] != 0 && std::isfinite(logits[i]) && logits[i] > highest) {
      highest = logits[i];
      best = static_cast<TokenId>(i);
    }
  }
  return best;
}

}  // namespace

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    word = z ^ (z >> 31U);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double Random::uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

double log_probability(std::span<const float> logits, std::span<const std::uint8_t> allowed,
                       TokenId token) {
  const TokenId best = best_token(logits, allowed);
  const auto at = static_cast<std::size_t>(token);
  if (best < 0 || allowed[at] == 0 || !std::isfinite(logits[at])) return kImpossible;
  const double highest = logits[static_cast<std::size_t>(best)];
  double sum = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (allowed[i] != 0 && std::isfinite(logits[i])) sum += std::exp(logits[i] - highest);
  }
  return logits[at] - highest - std::log(sum);
}

Sampler::Sampler(const Sampling& sampling) : sampling_(sampling), random_(sampling.seed) {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw Error(ErrorCode::kInvalid, std::string("sampling: ") + what);
  };
  require(std::isfinite(sampling.temperature) && sampling.temperature >= 0.0,
          "temperature must be 0 or more");
  require(sampling.top_k >= 0, "top_k must be 0 (off) or more");
  require(sampling.top_p > 0.0 && sampling.top_p <= 1.0, "top_p must be above 0 and at most 1");
  require(sampling.min_p >= 0.0 && sampling.min_p <= 1.0, "min_p must be from 0 to 1");
}

SampledToken Sampler::sample(std::span<const float> logits, std::span<const std::uint8_t> allowed) {
  const TokenId best = best_token(logits, allowed);
  if (best < 0) {
    if (std::find_if(allowed.begin(), allowed.end(), [](auto a) { return a != 0; }) ==
        allowed.end()) {
      throw Error(ErrorCode::kInternal,
                  "the vocabulary has no token that the constraint allows next");
    }
    throw Error(ErrorCode::kCorrupt, "the model's logits are not numbers: its weights are broken");
  }
  const TokenId id = sampling_.temperature == 0.0
                         ? best
                         : draw(logits, allowed, logits[static_cast<std::size_t>(best)]);
  return {.id = id, .log_probability = log_probability(logits, allowed, id)};
}

TokenId Sampler::draw(std::span<const float> logits, std::span<const std::uint8_t> allowed,
                      float highest) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (allowed[i] == 0 || !std::isfinite(logits[i])) continue;
    const double difference = static_cast<double>(logits[i]) - highest;
    const double weight = difference == 0.0 ? 1.0 : std::exp(difference / sampling_.temperature);
    candidates_.push_back({.id = static_cast<TokenId>(i), .weight = weight});
  }
  const bool cut = sampling_.top_k > 0 || sampling_.top_p < 1.0;
  if (cut) {
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
    });
    if (sampling_.top_k > 0 && candidates_.size() > static_cast<std::size_t>(sampling_.top_k)) {
      candidates_.resize(static_cast<std::size_t>(sampling_.top_k));
    }
    double total = 0.0;
    for (const Candidate& c : candidates_) total += c.weight;
    double sum = 0.0;
    std::size_t n = 0;
    while (n < candidates_.size() && (n == 0 || sum < sampling_.top_p * total)) {
      sum += candidates_[n++].weight;
    }
    candidates_.resize(n);
  }
  // The best candidate's weight is 1, so min-p compares with it directly.
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < sampling_.min_p; });
  double total = 0.0;
  for (const Candidate& c : candidates_) total += c.weight;
  double left = random_.uniform() * total;
  for (const Candidate& c : candidates_) {
    if (left < c.weight) return c.id;
    left -= c.weight;
  }
  // Rounding can leave a crumb: the last candidate that has any weight takes it.
  for (std::size_t i = candidates_.size(); i-- > 0;) {
    if (candidates_[i].weight > 0.0) return candidates_[i].id;
  }
  return candidates_.front().id;
}

}  // namespace orkestra::model
