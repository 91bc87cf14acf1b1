// Lanes16: sixteen floats at a time, giving in each lane the bits that the functions of avx2_math.h
// give. Included by AVX-512 kernel files only; everything has internal linkage (avx2.h says why).
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace orkestra::model {

namespace {

struct Lanes16 {
  using Floats = __m512;
  static constexpr std::int64_t kLanes = 16;

  // The first `n` (at most 16) floats at `p`, zeros after them; memory beyond is not touched.
  static Floats load(const float* p, std::int64_t n) {
    return n >= kLanes ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(first(n), p);
  }
  static void store(float* p, Floats v, std::int64_t n) {
    if (n >= kLanes) {
      _mm512_storeu_ps(p, v);
    } else {
      _mm512_mask_storeu_ps(p, first(n), v);
    }
  }
  static Floats floats(float value) { return _mm512_set1_ps(value); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }

  // out[j][i] <- in[i][j], both kLanes rows of kLanes, so many floats apart.
  static void transpose(const float* in, std::int64_t in_stride, float* out,
                        std::int64_t out_stride) {
    Floats v[16];
    Floats w[16];
    for (int i = 0; i < 16; ++i) v[i] = _mm512_loadu_ps(in + i * in_stride);
    // Within 128 bits: four rows by four columns at a time.
    for (int i = 0; i < 16; i += 4) {
      const Floats a = _mm512_unpacklo_ps(v[i], v[i + 1]);
      const Floats b = _mm512_unpackhi_ps(v[i], v[i + 1]);
      const Floats c = _mm512_unpacklo_ps(v[i + 2], v[i + 3]);
      const Floats d = _mm512_unpackhi_ps(v[i + 2], v[i + 3]);
      w[i] = _mm512_shuffle_ps(a, c, 0x44);
      w[i + 1] = _mm512_shuffle_ps(a, c, 0xEE);
      w[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
      w[i + 3] = _mm512_shuffle_ps(b, d, 0xEE);
    }
    // w[4 g + c] has columns c, c + 4, c + 8, c + 12 of rows 4 g and on: now the same with
    // quarters.
    for (int c = 0; c < 4; ++c) {
      const Floats low = _mm512_shuffle_f32x4(w[c], w[4 + c], 0x88);
      const Floats high = _mm512_shuffle_f32x4(w[8 + c], w[12 + c], 0x88);
      const Floats low_odd = _mm512_shuffle_f32x4(w[c], w[4 + c], 0xDD);
      const Floats high_odd = _mm512_shuffle_f32x4(w[8 + c], w[12 + c], 0xDD);
      _mm512_storeu_ps(out + c * out_stride, _mm512_shuffle_f32x4(low, high, 0x88));
      _mm512_storeu_ps(out + (c + 4) * out_stride, _mm512_shuffle_f32x4(low_odd, high_odd, 0x88));
      _mm512_storeu_ps(out + (c + 8) * out_stride, _mm512_shuffle_f32x4(low, high, 0xDD));
      _mm512_storeu_ps(out + (c + 12) * out_stride, _mm512_shuffle_f32x4(low_odd, high_odd, 0xDD));
    }
  }
  // kLanes rows of 3 or 4 columns that lie one after the other, as columns, and back. False, and
  // nothing done, for another number of columns.
  static bool split(const float* rows, std::int64_t n_columns, float (*columns)[kLanes]) {
    if (n_columns != 3 && n_columns != 4) return false;
    const Floats first = _mm512_loadu_ps(rows);
    const Floats second = _mm512_loadu_ps(rows + 16);
    const Floats third = _mm512_loadu_ps(rows + 32);
    const Floats fourth = n_columns == 4 ? _mm512_loadu_ps(rows + 48) : third;
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const auto n = static_cast<int>(n_columns);
    __m512i from = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(n));
    for (int i = 0; i < n; ++i) {
      const __mmask16 later = _mm512_cmpge_epi32_mask(from, _mm512_set1_epi32(32));
      const Floats low = _mm512_permutex2var_ps(first, from, second);
      const Floats high = _mm512_permutex2var_ps(third, from, fourth);
      _mm512_storeu_ps(columns[i], _mm512_mask_mov_ps(low, later, high));
      from = _mm512_add_epi32(from, _mm512_set1_epi32(1));
    }
    return true;
  }
  static bool join(const float (*columns)[kLanes], std::int64_t n_columns, float* rows) {
    if (n_columns != 3) return false;
    // Of each float of three vectors its row, and 16 more when it is of the second column.
    alignas(64) static const std::int32_t kFrom[3][16] = {
        {0, 16, 0, 1, 17, 1, 2, 18, 2, 3, 19, 3, 4, 20, 4, 5},
        {21, 5, 6, 22, 6, 7, 23, 7, 8, 24, 8, 9, 25, 9, 10, 26},
        {10, 11, 27, 11, 12, 28, 12, 13, 29, 13, 14, 30, 14, 15, 31, 15}};
    static const __mmask16 kThird[3] = {0x4924, 0x2492, 0x9249};
    const Floats first = _mm512_loadu_ps(columns[0]);
    const Floats second = _mm512_loadu_ps(columns[1]);
    const Floats third = _mm512_loadu_ps(columns[2]);
    for (int i = 0; i < 3; ++i) {
      const __m512i from = _mm512_load_si512(kFrom[i]);
      const Floats both = _mm512_permutex2var_ps(first, from, second);
      _mm512_storeu_ps(rows + 16 * i, _mm512_mask_permutexvar_ps(both, kThird[i], from, third));
    }
    return true;
  }

  // As exp8.
  static Floats exp(Floats x) {
    const Floats lowest = floats(-87.33F);
    const __mmask16 stays = _mm512_cmp_ps_mask(x, lowest, _CMP_NLT_UQ);
    x = _mm512_max_ps(lowest, _mm512_min_ps(floats(88.37F), x));
    const Floats n = _mm512_roundscale_ps(multiply(x, floats(1.44269504F)),
                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    Floats r = _mm512_fnmadd_ps(n, floats(0.693359375F), x);
    r = _mm512_fnmadd_ps(n, floats(-2.12194440e-4F), r);
    Floats p = floats(1.0F / 5040.0F);
    p = multiply_add(p, r, floats(1.0F / 720.0F));
    p = multiply_add(p, r, floats(1.0F / 120.0F));
    p = multiply_add(p, r, floats(1.0F / 24.0F));
    p = multiply_add(p, r, floats(1.0F / 6.0F));
    p = multiply_add(p, r, floats(0.5F));
    p = multiply_add(p, r, floats(1.0F));
    p = multiply_add(p, r, floats(1.0F));
    const __m512i exponent = _mm512_slli_epi32(_mm512_cvtps_epi32(n), 23);
    const Floats result =
        _mm512_castsi512_ps(_mm512_maskz_add_epi32(stays, _mm512_castps_si512(p), exponent));
    return _mm512_mask_mov_ps(result, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
  }

  // As log1p8.
  static Floats log1p(Floats t) {
    const Floats s = _mm512_div_ps(t, add(t, floats(2.0F)));
    const Floats s2 = multiply(s, s);
    Floats p = floats(2.0F / 17.0F);
    p = multiply_add(p, s2, floats(2.0F / 15.0F));
    p = multiply_add(p, s2, floats(2.0F / 13.0F));
    p = multiply_add(p, s2, floats(2.0F / 11.0F));
    p = multiply_add(p, s2, floats(2.0F / 9.0F));
    p = multiply_add(p, s2, floats(2.0F / 7.0F));
    p = multiply_add(p, s2, floats(2.0F / 5.0F));
    p = multiply_add(p, s2, floats(2.0F / 3.0F));
    p = multiply_add(p, s2, floats(2.0F));
    return multiply(p, s);
  }
  static Floats softplus(Floats x) {
    const Floats minus_magnitude = _mm512_or_ps(x, floats(-0.0F));
    return add(_mm512_max_ps(_mm512_setzero_ps(), x), log1p(exp(minus_magnitude)));
  }
  static Floats silu(Floats x) {
    const Floats minus_x = _mm512_xor_ps(x, floats(-0.0F));
    return _mm512_div_ps(x, add(floats(1.0F), exp(minus_x)));
  }

 private:
  static __mmask16 first(std::int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
};

}  // namespace

}  // namespace orkestra::model
