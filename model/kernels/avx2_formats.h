// The quantised formats as the AVX2 products see them: blocks of 32 weights, widened to 16 bits in
// two registers, with one float scale each, in groups as they lie in a file. Included by
// avx2_quantised.cpp only; everything has internal linkage (avx2.h says why).
//
// A format has: kBlocks, the 32-blocks of a group; kBytes, the bytes of a group; kMinima, whether
// there is a minimum to subtract per block; a constructor that reads a group's scales; weights<s>,
// scale(s) and minima().
//
// Exactness. A lane of the 32-bit sums takes 4 products of a block (two vpmaddwd of two products).
// Activations are within +-32767, or -32768 where NaN was converted, so a lane stays below
//   Q8_0: 4 * 128 * 32768 = 2^24     Q5_0: 4 * 16 * 32768     Q4_K: 4 * 15 * 32768
//   Q6_K, whose 8-bit scale is multiplied in: 4 * (32 * 128) * 32768 = 2^29
// all under 2^31: the integer sums of a block are exact.
#pragma once

#include <immintrin.h>
#include <orkestra/model/format/blocks.h>

#include <cstdint>

namespace orkestra::model::avx2 {

namespace {

// Elements 0..15 and 16..31 of a block.
struct Weights32 {
  __m256i first;
  __m256i second;
};

inline __m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline float half_to_float(const std::uint8_t* p) {
  return _cvtsh_ss(static_cast<unsigned short>(p[0] | (p[1] << 8)));
}

inline std::uint32_t word(const std::uint8_t* p) {
  std::uint32_t value;
  __builtin_memcpy(&value, p, sizeof value);
  return value;
}

inline Weights32 widen_signed(__m256i bytes) {
  return {_mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)),
          _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1))};
}

inline Weights32 widen_unsigned(__m256i bytes) {
  return {_mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes)),
          _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes, 1))};
}

// What formats of one block a group have in common.
struct OneScale {
  float d;
  float scale(int) const { return d; }
  __m256 minima() const { return _mm256_setzero_ps(); }
};

struct FormatQ8_0 : OneScale {
  static constexpr int kBlocks = 1;
  static constexpr std::int64_t kBytes = sizeof(BlockQ8_0);
  static constexpr bool kMinima = false;

  explicit FormatQ8_0(const std::byte* p)
      : OneScale{half_to_float(reinterpret_cast<const BlockQ8_0*>(p)->d)},
        block(reinterpret_cast<const BlockQ8_0*>(p)) {}
  template <int>
  Weights32 weights() const {
    return widen_signed(load32(block->q));
  }
  const BlockQ8_0* block;
};

struct FormatQ5_0 : OneScale {
  static constexpr int kBlocks = 1;
  static constexpr std::int64_t kBytes = sizeof(BlockQ5_0);
  static constexpr bool kMinima = false;

  explicit FormatQ5_0(const std::byte* p)
      : OneScale{half_to_float(reinterpret_cast<const BlockQ5_0*>(p)->d)},
        block(reinterpret_cast<const BlockQ5_0*>(p)) {}
  template <int>
  Weights32 weights() const {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block->low));
    const __m256i nibbles =
        _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(low, 4), low), _mm256_set1_epi8(15));
    // Byte i gets byte i / 8 of the word, and of it bit i % 8.
    const __m256i spread = _mm256_shuffle_epi8(
        _mm256_set1_epi32(static_cast<std::int32_t>(word(block->high))),
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
    const __m256i bit = _mm256_set1_epi64x(static_cast<std::int64_t>(0x8040201008040201ULL));
    const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    // q - 16: the nibble where the fifth bit is set, nibble - 16 (0xF0 | nibble) where it isn't.
    return widen_signed(
        _mm256_or_si256(nibbles, _mm256_andnot_si256(is_set, _mm256_set1_epi8(-16))));
  }
  const BlockQ5_0* block;
};

struct FormatQ4_K {
  static constexpr int kBlocks = 8;
  static constexpr std::int64_t kBytes = sizeof(BlockQ4_K);
  static constexpr bool kMinima = true;

  explicit FormatQ4_K(const std::byte* p) : block(reinterpret_cast<const BlockQ4_K*>(p)) {
    const std::uint32_t a = word(block->scales);
    const std::uint32_t b = word(block->scales + 4);
    const std::uint32_t c = word(block->scales + 8);
    const std::uint32_t scales_low = a & 0x3F3F3F3FU;
    const std::uint32_t scales_high = (c & 0x0F0F0F0FU) | ((a >> 2) & 0x30303030U);
    const std::uint32_t minima_low = b & 0x3F3F3F3FU;
    const std::uint32_t minima_high = ((c >> 4) & 0x0F0F0F0FU) | ((b >> 2) & 0x30303030U);
    // Half float times six bits: exact.
    _mm256_store_ps(scales, scaled(block->d, scales_low, scales_high));
    minima_ = scaled(block->dmin, minima_low, minima_high);
  }
  template <int s>
  Weights32 weights() const {
    const __m256i both = load32(block->q + 32 * (s / 2));
    const __m256i nibbles = s % 2 == 0 ? both : _mm256_srli_epi16(both, 4);
    return widen_unsigned(_mm256_and_si256(nibbles, _mm256_set1_epi8(15)));
  }
  float scale(int s) const { return scales[s]; }
  __m256 minima() const { return minima_; }

  static __m256 scaled(const std::uint8_t* half, std::uint32_t low, std::uint32_t high) {
    const __m128i bytes =
        _mm_set_epi32(0, 0, static_cast<std::int32_t>(high), static_cast<std::int32_t>(low));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                         _mm256_set1_ps(half_to_float(half)));
  }

  const BlockQ4_K* block;
  alignas(32) float scales[8];
  __m256 minima_;
};

struct FormatQ6_K : OneScale {
  static constexpr int kBlocks = 8;
  static constexpr std::int64_t kBytes = sizeof(BlockQ6_K);
  static constexpr bool kMinima = false;

  explicit FormatQ6_K(const std::byte* p)
      : OneScale{half_to_float(reinterpret_cast<const BlockQ6_K*>(p)->d)},
        block(reinterpret_cast<const BlockQ6_K*>(p)) {}
  template <int s>
  Weights32 weights() const {
    constexpr int kHalf = s / 4;
    constexpr int kGroup = s % 4;
    const __m256i packed = load32(block->low + 64 * kHalf + 32 * (kGroup % 2));
    const __m256i nibbles = kGroup < 2 ? packed : _mm256_srli_epi16(packed, 4);
    const __m256i low = _mm256_and_si256(nibbles, _mm256_set1_epi8(15));
    const __m256i upper = load32(block->high + 32 * kHalf);
    // Bits 2g and 2g + 1 of each byte to bits 4 and 5.
    const __m256i moved = kGroup == 0   ? _mm256_slli_epi16(upper, 4)
                          : kGroup == 1 ? _mm256_slli_epi16(upper, 2)
                          : kGroup == 2 ? upper
                                        : _mm256_srli_epi16(upper, 2);
    const __m256i high = _mm256_and_si256(moved, _mm256_set1_epi8(0x30));
    const Weights32 q =
        widen_signed(_mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32)));
    // At most 32 * 128: exact in 16 bits.
    return {_mm256_mullo_epi16(q.first, _mm256_set1_epi16(block->scales[2 * s])),
            _mm256_mullo_epi16(q.second, _mm256_set1_epi16(block->scales[2 * s + 1]))};
  }
  const BlockQ6_K* block;
};

// A group of `Format`, unpacked: read once from the file's layout, used for many tokens.
template <typename Format>
struct alignas(32) UnpackedGroup {
  std::int16_t weights[Format::kBlocks * 32];
  float scales[Format::kBlocks];
  float minima[Format::kMinima ? 8 : 1];
};

// The same group as a format of its own.
template <typename Format>
struct Unpacked {
  static constexpr int kBlocks = Format::kBlocks;
  static constexpr std::int64_t kBytes = sizeof(UnpackedGroup<Format>);
  static constexpr bool kMinima = Format::kMinima;

  explicit Unpacked(const std::byte* p)
      : group(reinterpret_cast<const UnpackedGroup<Format>*>(p)) {}
  template <int s>
  Weights32 weights() const {
    return {load32(group->weights + 32 * s), load32(group->weights + 32 * s + 16)};
  }
  float scale(int s) const { return group->scales[s]; }
  __m256 minima() const { return _mm256_loadu_ps(group->minima); }
  const UnpackedGroup<Format>* group;
};

}  // namespace

}  // namespace orkestra::model::avx2
