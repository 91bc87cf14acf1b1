// The quantised blocks of GGUF files (ggml's block layouts), byte for byte. Plain data without
// functions, so that kernel files of every instruction set may include it. Blocks lie in the file
// at odd addresses: all members are bytes, half floats are two of them, low byte first.
#pragma once

#include <cstdint>

namespace orkestra::model {

inline constexpr int kBlock32 = 32;
inline constexpr int kBlock256 = 256;

// x[i] = d * q[i]
struct BlockQ8_0 {
  std::uint8_t d[2];  // half float
  std::int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34 && alignof(BlockQ8_0) == 1);

// x[i] = d * (q[i] - 16); q[i] has its low four bits in `low` (elements 0..15 in the low nibbles,
// 16..31 in the high ones) and its fifth in bit i of `high`, a little-endian 32-bit word.
struct BlockQ5_0 {
  std::uint8_t d[2];  // half float
  std::uint8_t high[4];
  std::uint8_t low[16];
};
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 1);

// Eight sub-blocks of 32: x = d * scale[s] * q - dmin * minimum[s]. `q` holds 64 elements in each
// 32 bytes: the low nibbles are the even sub-block, the high nibbles the odd one.
// `scales` packs eight 6-bit scales and eight 6-bit minima:
//   s < 4:  scale = scales[s] & 63                minimum = scales[s + 4] & 63
//   s >= 4: scale = scales[s + 4] & 15 | (scales[s - 4] >> 6) << 4
//           minimum = scales[s + 4] >> 4 | (scales[s] >> 6) << 4
struct BlockQ4_K {
  std::uint8_t d[2];     // half float
  std::uint8_t dmin[2];  // half float
  std::uint8_t scales[12];
  std::uint8_t q[128];
};
static_assert(sizeof(BlockQ4_K) == 144 && alignof(BlockQ4_K) == 1);

// Sixteen sub-blocks of 16: x = d * scale[s] * (q - 32). In each half of 128 elements, element
// 32 g + l (g in 0..3, l in 0..31) has its low four bits in low[64 half + 32 (g % 2) + l], the low
// nibble for g < 2, the high one otherwise, and its upper two in bits 2g, 2g+1 of
// high[32 half + l].
struct BlockQ6_K {
  std::uint8_t low[128];
  std::uint8_t high[64];
  std::int8_t scales[16];
  std::uint8_t d[2];  // half float
};
static_assert(sizeof(BlockQ6_K) == 210 && alignof(BlockQ6_K) == 1);

}  // namespace orkestra::model
