#include <orkestra/core/error.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/kernels/exponentials.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

namespace orkestra::model {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();
constexpr std::size_t kAtOnce = 256;  // exponentials

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

// The highest allowed logit's token, -1 when there is none; the lowest id among equals.
TokenId best_token(std::span<const float> logits, std::span<const std::uint8_t> allowed) {
  TokenId best = -1;
  float highest = kImpossible;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > highest && allowed[i] != 0 && std::isfinite(logits[i])) {
      highest = logits[i];
      best = static_cast<TokenId>(i);
    }
  }
  return best;
}

// sum over the allowed of exp(logit - highest), in the order of ids.
double sum_of_weights(std::span<const float> logits, std::span<const std::uint8_t> allowed,
                      float highest) {
  float values[kAtOnce];
  double weights[kAtOnce];
  double sum = 0.0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kAtOnce) {
    const std::size_t end = std::min(begin + kAtOnce, logits.size());
    std::size_t n = 0;
    for (std::size_t i = begin; i < end; ++i) {
      values[n] = logits[i];
      n += allowed[i] != 0 && std::isfinite(logits[i]) ? 1 : 0;
    }
    exponentials(values, static_cast<std::int64_t>(n), highest, 1.0, weights);
    for (std::size_t i = 0; i < n; ++i) sum += weights[i];
  }
  return sum;
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
  const float highest = logits[static_cast<std::size_t>(best)];
  return static_cast<double>(logits[at]) - highest -
         std::log(sum_of_weights(logits, allowed, highest));
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
  const float highest = logits[static_cast<std::size_t>(best)];
  double sum = 0.0;
  TokenId id = best;
  if (sampling_.temperature == 0.0) {
    sum = sum_of_weights(logits, allowed, highest);
  } else {
    id = draw(logits, allowed, highest, sum);
  }
  return {.id = id,
          .log_probability =
              static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest - std::log(sum)};
}

// The heaviest first, as far as top-k and top-p reach.
void Sampler::cut_to_heaviest() {
  double total = 0.0;
  for (const Candidate& c : candidates_) total += c.weight;
  const std::size_t most =
      sampling_.top_k > 0 ? std::min(candidates_.size(), static_cast<std::size_t>(sampling_.top_k))
                          : candidates_.size();
  const auto heavier = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
  if (most < candidates_.size()) {
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(candidates_.begin(), end, candidates_.end(), heavier);
    candidates_.resize(most);
    total = 0.0;
    for (const Candidate& c : candidates_) total += c.weight;
  }
  // Mostly a few are enough, so no more are sorted than are looked at.
  double sum = 0.0;
  std::size_t n = 0;
  for (std::size_t sorted = 0; sorted < most;) {
    const std::size_t more = std::min(most, std::max<std::size_t>(64, sorted * 8));
    std::partial_sort(candidates_.begin() + static_cast<std::ptrdiff_t>(sorted),
                      candidates_.begin() + static_cast<std::ptrdiff_t>(more), candidates_.end(),
                      heavier);
    for (; n < more; ++n) {
      if (n > 0 && sum >= sampling_.top_p * total) return candidates_.resize(n);
      sum += candidates_[n].weight;
    }
    sorted = more;
  }
}

template <typename Weight, typename Id>
TokenId Sampler::pick(std::size_t n, double total, const Weight& weight, const Id& id) {
  double left = random_.uniform() * total;
  for (std::size_t i = 0; i < n; ++i) {
    if (left < weight(i)) return id(i);
    left -= weight(i);
  }
  // Rounding can leave a crumb: the last candidate that has any weight takes it.
  for (std::size_t i = n; i-- > 0;) {
    if (weight(i) > 0.0) return id(i);
  }
  return id(0);
}

TokenId Sampler::draw(std::span<const float> logits, std::span<const std::uint8_t> allowed,
                      float highest, double& sum_at_1) {
  ids_.resize(logits.size());
  values_.resize(logits.size());
  weights_.resize(logits.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    ids_[n] = static_cast<TokenId>(i);
    values_[n] = logits[i];
    n += allowed[i] != 0 && std::isfinite(logits[i]) ? 1 : 0;
  }
  // Two sums at once, because each addition waits for the one before.
  const double scale = std::min(1.0 / sampling_.temperature, 1e300);
  double total = 0.0;
  sum_at_1 = 0.0;
  for (std::size_t begin = 0; begin < n; begin += kAtOnce) {
    double at_1[kAtOnce];
    const std::size_t count = std::min(kAtOnce, n - begin);
    const float* values = values_.data() + begin;
    double* weights = weights_.data() + begin;
    exponentials(values, static_cast<std::int64_t>(count), highest, scale, weights);
    exponentials(values, static_cast<std::int64_t>(count), highest, 1.0, at_1);
    for (std::size_t i = 0; i < count; ++i) {
      total += weights[i];
      sum_at_1 += at_1[i];
    }
  }
  if (sampling_.top_k == 0 && sampling_.top_p == 1.0 && sampling_.min_p == 0.0) {
    return pick(
        n, total, [&](std::size_t i) { return weights_[i]; },
        [&](std::size_t i) { return ids_[i]; });
  }
  candidates_.resize(n);
  for (std::size_t i = 0; i < n; ++i) candidates_[i] = {.id = ids_[i], .weight = weights_[i]};
  if (sampling_.top_k > 0 || sampling_.top_p < 1.0) cut_to_heaviest();
  // The best candidate's weight is 1, so min-p compares with it directly.
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < sampling_.min_p; });
  total = 0.0;
  for (const Candidate& c : candidates_) total += c.weight;
  return pick(
      candidates_.size(), total, [&](std::size_t i) { return candidates_[i].weight; },
      [&](std::size_t i) { return candidates_[i].id; });
}

}  // namespace orkestra::model
