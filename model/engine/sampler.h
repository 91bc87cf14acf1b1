// Sampler: picks the next token from logits under a mask. One per sequence, owned by it. The same
// seed and logits give the same tokens on every platform: the generator is our own.
#pragma once

#include <orkestra/model/language_model.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstdint>
#include <span>
#include <vector>

namespace orkestra::model {

// xoshiro256** (Blackman & Vigna 2018), seeded through splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  double uniform();  // [0, 1), 53 bits

 private:
  std::uint64_t state_[4];
};

struct SampledToken {
  TokenId id = -1;
  double log_probability = 0.0;  // among the allowed tokens at temperature 1
};

class Sampler {
 public:
  // Throws Error{kInvalid} naming the setting that makes no sense.
  explicit Sampler(const Sampling& sampling);

  // `allowed` has one entry per token, 0 = forbidden. Greedy when the temperature is 0: the
  // lowest id among equals. Otherwise temperature, then top-k, top-p and min-p on what it gives.
  // A logit that is not finite counts as impossible. Throws Error{kInternal} when nothing is
  // allowed, {kCorrupt} when no allowed logit is a number.
  SampledToken sample(std::span<const float> logits, std::span<const std::uint8_t> allowed);

 private:
  void cut_to_heaviest();
  // sum_at_1: becomes the sum of the weights at temperature 1.
  TokenId draw(std::span<const float> logits, std::span<const std::uint8_t> allowed, float highest,
               double& sum_at_1);

  struct Candidate {
    TokenId id;
    double weight;
  };
  // Of n candidates a random one, each as often as its weight says; total: of all weights.
  template <typename Weight, typename Id>
  TokenId pick(std::size_t n, double total, const Weight& weight, const Id& id);
  Sampling sampling_;
  Random random_;
  std::vector<Candidate> candidates_;
  std::vector<TokenId> ids_;  // of the tokens that are possible
  std::vector<float> values_;
  std::vector<double> weights_;
};

// log softmax of `token` among the allowed tokens.
double log_probability(std::span<const float> logits, std::span<const std::uint8_t> allowed,
                       TokenId token);

}  // namespace orkestra::model
