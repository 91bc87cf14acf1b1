// Avx512: the vectors of AVX-512 with VNNI as packed_formats.h and packed_products.h use them.
// Included by AVX-512 kernel files only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

namespace {

struct Avx512 {
  using Ints = __m512i;  // 16 lanes of 32 bits, or 32 of 16
  using Floats = __m512;
  static constexpr int kLanes = 16;
  // Three tokens times four vectors of rows: integer and float sums fit the 32 registers.
  static constexpr int kTile = 3;
  static constexpr int kPanelVectors = 4;
  static constexpr bool kSumsInRegisters = true;
  static constexpr bool kTiles = true;  // few tokens go by packed_tile.h
  static constexpr int kChains = 2;     // sums in turn that hide dot()'s latency

  static Ints load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, Ints v) { _mm512_storeu_si512(p, v); }
  static Ints ints(std::int32_t value) { return _mm512_set1_epi32(value); }
  // `value` in both 16-bit halves of every lane.
  static Ints pairs(std::int32_t value) { return _mm512_set1_epi16(static_cast<short>(value)); }
  static Ints both(Ints a, Ints b) { return _mm512_and_si512(a, b); }
  static Ints either(Ints a, Ints b) { return _mm512_or_si512(a, b); }
  static Ints subtract16(Ints a, Ints b) { return _mm512_sub_epi16(a, b); }
  static Ints multiply16(Ints a, Ints b) { return _mm512_mullo_epi16(a, b); }
  static Ints multiply32(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
  // table[i] for every byte i, 0 <= i < 16.
  static Ints lookup(const std::int8_t* table, Ints i) {
    const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), i);
  }
  static Ints add32(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  template <int n>
  static Ints right16(Ints v) {
    return _mm512_srli_epi16(v, n);
  }
  template <int n>
  static Ints left16(Ints v) {
    return _mm512_slli_epi16(v, n);
  }
  template <int n>
  static Ints signed_right16(Ints v) {
    return _mm512_srai_epi16(v, n);
  }
  template <int n>
  static Ints right32(Ints v) {
    return _mm512_srli_epi32(v, n);
  }
  template <int n>
  static Ints left32(Ints v) {
    return _mm512_slli_epi32(v, n);
  }
  template <int n>
  static Ints signed_right32(Ints v) {
    return _mm512_srai_epi32(v, n);
  }
  // sums + the products of a lane's two 16-bit numbers. By hand, because GCC would rather copy and
  // spill the sums of a tile than add to them in place.
  static Ints dot(Ints sums, Ints a, Ints b) {
    asm("vpdpwssd %1, %2, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }

  // The same with the two numbers at `p` in every lane.
  static Ints dot_pair(Ints sums, Ints a, const std::int16_t* p) {
    asm("vpdpwssd %1%{1to16%}, %2, %0"
        : "+v"(sums)
        : "m"(*reinterpret_cast<const std::int32_t*>(p)), "v"(a));
    return sums;
  }

  // Loads that GCC does not repeat wherever the value is used.
  static Ints fetch(const void* p) {
    Ints v;
    asm("vmovdqu64 %1, %0" : "=v"(v) : "m"(*static_cast<const Ints*>(p)));
    return v;
  }
  static Ints fetch_pair(const std::int16_t* p) {
    Ints v;
    asm("vpbroadcastd %1, %0" : "=v"(v) : "m"(*reinterpret_cast<const std::int32_t*>(p)));
    return v;
  }

  static Floats floats(float value) { return _mm512_set1_ps(value); }
  static Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
  static void store_floats(float* p, Floats v) { _mm512_storeu_ps(p, v); }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats subtract_product(Floats c, Floats a, Floats b) { return _mm512_fnmadd_ps(a, b, c); }
  // kLanes half floats at `p`, or in the low halves of the lanes.
  static Floats halves(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Floats low_halves(Ints v) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v)); }
};

}  // namespace

}  // namespace orkestra::model
