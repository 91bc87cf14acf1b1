// Avx2: the vectors of AVX2 as packed_formats.h and packed_products.h use them. Included by AVX2
// kernel files only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

namespace {

struct Avx2 {
  using Ints = __m256i;  // 8 lanes of 32 bits, or 16 of 16
  using Floats = __m256;
  static constexpr int kLanes = 8;
  // Four tokens times two vectors of rows: only the integer sums fit the 16 registers.
  static constexpr int kTile = 4;
  static constexpr int kPanelVectors = 2;
  static constexpr bool kSumsInRegisters = false;
  static constexpr bool kTiles = false;
  static constexpr int kChains = 1;  // sums in turn that hide dot()'s latency

  static Ints load(const void* p) { return _mm256_loadu_si256(static_cast<const Ints*>(p)); }
  static void store(void* p, Ints v) { _mm256_storeu_si256(static_cast<Ints*>(p), v); }
  static Ints ints(std::int32_t value) { return _mm256_set1_epi32(value); }
  // `value` in both 16-bit halves of every lane.
  static Ints pairs(std::int32_t value) { return _mm256_set1_epi16(static_cast<short>(value)); }
  static Ints both(Ints a, Ints b) { return _mm256_and_si256(a, b); }
  static Ints either(Ints a, Ints b) { return _mm256_or_si256(a, b); }
  static Ints subtract16(Ints a, Ints b) { return _mm256_sub_epi16(a, b); }
  static Ints multiply16(Ints a, Ints b) { return _mm256_mullo_epi16(a, b); }
  static Ints multiply32(Ints a, Ints b) { return _mm256_mullo_epi32(a, b); }
  // table[i] for every byte i, 0 <= i < 16.
  static Ints lookup(const std::int8_t* table, Ints i) {
    const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), i);
  }
  static Ints add32(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
  template <int n>
  static Ints right16(Ints v) {
    return _mm256_srli_epi16(v, n);
  }
  template <int n>
  static Ints left16(Ints v) {
    return _mm256_slli_epi16(v, n);
  }
  template <int n>
  static Ints signed_right16(Ints v) {
    return _mm256_srai_epi16(v, n);
  }
  template <int n>
  static Ints right32(Ints v) {
    return _mm256_srli_epi32(v, n);
  }
  template <int n>
  static Ints left32(Ints v) {
    return _mm256_slli_epi32(v, n);
  }
  template <int n>
  static Ints signed_right32(Ints v) {
    return _mm256_srai_epi32(v, n);
  }
  // sums + the products of a lane's two 16-bit numbers. By hand, because GCC would rather copy and
  // spill the sums of a tile than add to them in place.
  static Ints dot(Ints sums, Ints a, Ints b) {
    Ints products;
    asm("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0" : "+x"(sums), "=&x"(products) : "x"(a), "x"(b));
    return sums;
  }

  // Loads that GCC does not repeat wherever the value is used.
  static Ints fetch(const void* p) {
    Ints v;
    asm("vmovdqu %1, %0" : "=x"(v) : "m"(*static_cast<const Ints*>(p)));
    return v;
  }
  static Ints fetch_pair(const std::int16_t* p) {
    Ints v;
    asm("vpbroadcastd %1, %0" : "=x"(v) : "m"(*reinterpret_cast<const std::int32_t*>(p)));
    return v;
  }

  static Floats floats(float value) { return _mm256_set1_ps(value); }
  static Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
  static void store_floats(float* p, Floats v) { _mm256_storeu_ps(p, v); }
  static Floats to_floats(Ints v) { return _mm256_cvtepi32_ps(v); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats subtract_product(Floats c, Floats a, Floats b) { return _mm256_fnmadd_ps(a, b, c); }
  // kLanes half floats at `p`, or in the low halves of the lanes.
  static Floats halves(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Floats low_halves(Ints v) {
    const Ints low = _mm256_and_si256(v, _mm256_set1_epi32(0xFFFF));
    return _mm256_cvtph_ps(
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
  }
};

}  // namespace

}  // namespace orkestra::model
