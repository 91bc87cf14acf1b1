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

// x[i] = d * (q[i] - 8); elements 0..15 in the low nibbles, 16..31 in the high ones.
struct BlockQ4_0 {
  std::uint8_t d[2];  // half float
  std::uint8_t q[16];
};
static_assert(sizeof(BlockQ4_0) == 18 && alignof(BlockQ4_0) == 1);

// x[i] = d * q[i] + m; nibbles as in Q4_0.
struct BlockQ4_1 {
  std::uint8_t d[2];  // half float
  std::uint8_t m[2];  // half float
  std::uint8_t q[16];
};
static_assert(sizeof(BlockQ4_1) == 20 && alignof(BlockQ4_1) == 1);

// x[i] = d * (q[i] - 16); q[i] has its low four bits in `low` (elements 0..15 in the low nibbles,
// 16..31 in the high ones) and its fifth in bit i of `high`, a little-endian 32-bit word.
struct BlockQ5_0 {
  std::uint8_t d[2];  // half float
  std::uint8_t high[4];
  std::uint8_t low[16];
};
static_assert(sizeof(BlockQ5_0) == 22 && alignof(BlockQ5_0) == 1);

// x[i] = d * q[i] + m; q as in Q5_0.
struct BlockQ5_1 {
  std::uint8_t d[2];  // half float
  std::uint8_t m[2];  // half float
  std::uint8_t high[4];
  std::uint8_t low[16];
};
static_assert(sizeof(BlockQ5_1) == 24 && alignof(BlockQ5_1) == 1);

// The sixteen values that a nibble of the IQ4 types stands for.
inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

// x[i] = d * kIq4Values[q[i]]; nibbles as in Q4_0.
struct BlockIQ4_NL {
  std::uint8_t d[2];  // half float
  std::uint8_t q[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18 && alignof(BlockIQ4_NL) == 1);

// Eight sub-blocks of 32: x = d * (scale[s] - 32) * kIq4Values[q]; the nibbles of sub-block s are
// q[16 s .. 16 s + 15], as in Q4_0. A scale has its low four bits in scales_low[s / 2] (low nibble
// for even s) and its upper two in bits 2s, 2s+1 of `scales_high`, a little-endian 16-bit word.
struct BlockIQ4_XS {
  std::uint8_t d[2];  // half float
  std::uint8_t scales_high[2];
  std::uint8_t scales_low[4];
  std::uint8_t q[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136 && alignof(BlockIQ4_XS) == 1);

// Sixteen sub-blocks of 16: x = d * (scales[s] & 15) * q - dmin * (scales[s] >> 4). In each half of
// 128 elements, element 32 g + l (g in 0..3, l in 0..31) is bits 2g, 2g+1 of q[32 half + l].
struct BlockQ2_K {
  std::uint8_t scales[16];
  std::uint8_t q[64];
  std::uint8_t d[2];     // half float
  std::uint8_t dmin[2];  // half float
};
static_assert(sizeof(BlockQ2_K) == 84 && alignof(BlockQ2_K) == 1);

// Sixteen sub-blocks of 16: x = d * (scale[s] - 32) * (q - 4). The low two bits of q lie as in
// Q2_K; the third of element 32 g + l of a half is bit 4 half + g of high[l].
//   scale[s]: low four bits in scales[s % 8], the low nibble for s < 8, the high one otherwise;
//             upper two in bits 2 (s / 4), 2 (s / 4) + 1 of scales[8 + s % 4]
struct BlockQ3_K {
  std::uint8_t high[32];
  std::uint8_t low[64];
  std::uint8_t scales[12];
  std::uint8_t d[2];  // half float
};
static_assert(sizeof(BlockQ3_K) == 110 && alignof(BlockQ3_K) == 1);

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

// As Q4_K with a fifth bit: that of element l of sub-block s is bit s of high[l].
struct BlockQ5_K {
  std::uint8_t d[2];     // half float
  std::uint8_t dmin[2];  // half float
  std::uint8_t scales[12];
  std::uint8_t high[32];
  std::uint8_t low[128];
};
static_assert(sizeof(BlockQ5_K) == 176 && alignof(BlockQ5_K) == 1);

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
