// Random weights of a given spread, made directly in a tensor type: random quantised fields under
// sane scales, so that gigabytes take seconds. Deterministic in the seed.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace orkestra::bench {

// SplitMix64 (Steele et al. 2014).
class RandomBits {
 public:
  explicit RandomBits(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  // Uniform in [0, 1).
  float uniform() { return static_cast<float>(next() >> 40U) * 0x1p-24F; }
  // Mean 0, standard deviation 1, near enough normal: a sum of four uniforms.
  float normal() { return (uniform() + uniform() + uniform() + uniform() - 2.0F) * 1.7320508F; }

 private:
  std::uint64_t state_;
};

// Fills `out`, whole blocks of `type`, with weights of mean about 0 and standard deviation about
// `deviation`. Types: F32, F16, BF16, Q8_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K; Error{kUnsupported}
// otherwise.
void fill_random(model::TensorType type, float deviation, RandomBits& random,
                 std::span<std::byte> out);

}  // namespace orkestra::bench
