// Eight floats at a time: loads of a tail, sums in one fixed order, exp and its kin. Included by
// the AVX2 kernel files only; everything has internal linkage (avx2.h says why).
//
// The functions work lane by lane, so an element's result does not depend on its position; tails
// go through them too, in lanes loaded with zeros.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace orkestra::model::avx2 {

namespace {

constexpr std::int64_t kLanes = 8;

// All bits set in the first `n` lanes, 0 <= n <= 8.
inline __m256i first_lanes(std::int64_t n) {
  alignas(64) static const std::int32_t kEdge[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                     0,  0,  0,  0,  0,  0,  0,  0};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kEdge + 8 - n));
}

// The first `n` (at most 8) floats at `p`, zeros after them; memory beyond is not touched.
inline __m256 load_first(const float* p, std::int64_t n) {
  return n >= kLanes ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, first_lanes(n));
}

inline void store_first(float* p, __m256 v, std::int64_t n) {
  if (n >= kLanes) {
    _mm256_storeu_ps(p, v);
  } else {
    _mm256_maskstore_ps(p, first_lanes(n), v);
  }
}

// ((v0 + v4) + (v2 + v6)) + ((v1 + v5) + (v3 + v7)), always.
inline float sum_lanes(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline __m256 horner(__m256 polynomial, __m256 x, float coefficient) {
  return _mm256_fmadd_ps(polynomial, x, _mm256_set1_ps(coefficient));
}

// e^x with a relative error of about 1e-7: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor series of
// degree 7 in r (remainder 5e-9), exponent shifted by n. 0 below -87.33 (the result would be
// subnormal), e^88.37 above it; NaN stays NaN.
inline __m256 exp8(__m256 x) {
  const __m256 lowest = _mm256_set1_ps(-87.33F);
  const __m256 vanishes = _mm256_cmp_ps(x, lowest, _CMP_LT_OQ);
  // min and max return their second operand when one is NaN.
  x = _mm256_max_ps(lowest, _mm256_min_ps(_mm256_set1_ps(88.37F), x));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 = 355/512 - 2.12194440e-4: n * 355/512 is exact.
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F), r);
  __m256 p = _mm256_set1_ps(1.0F / 5040.0F);
  p = horner(p, r, 1.0F / 720.0F);
  p = horner(p, r, 1.0F / 120.0F);
  p = horner(p, r, 1.0F / 24.0F);
  p = horner(p, r, 1.0F / 6.0F);
  p = horner(p, r, 0.5F);
  p = horner(p, r, 1.0F);
  p = horner(p, r, 1.0F);
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  const __m256 result = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
  const __m256 nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
  return _mm256_blendv_ps(_mm256_andnot_ps(vanishes, result), x, nan);
}

// log(1 + t) for t in [0, 1] = 2 atanh(s), s = t / (2 + t) <= 1/3; odd series to s^17.
inline __m256 log1p8(__m256 t) {
  const __m256 s = _mm256_div_ps(t, _mm256_add_ps(t, _mm256_set1_ps(2.0F)));
  const __m256 s2 = _mm256_mul_ps(s, s);
  __m256 p = _mm256_set1_ps(2.0F / 17.0F);
  p = horner(p, s2, 2.0F / 15.0F);
  p = horner(p, s2, 2.0F / 13.0F);
  p = horner(p, s2, 2.0F / 11.0F);
  p = horner(p, s2, 2.0F / 9.0F);
  p = horner(p, s2, 2.0F / 7.0F);
  p = horner(p, s2, 2.0F / 5.0F);
  p = horner(p, s2, 2.0F / 3.0F);
  p = horner(p, s2, 2.0F);
  return _mm256_mul_ps(p, s);
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
inline __m256 softplus8(__m256 x) {
  const __m256 minus_magnitude = _mm256_or_ps(x, _mm256_set1_ps(-0.0F));
  return _mm256_add_ps(_mm256_max_ps(_mm256_setzero_ps(), x), log1p8(exp8(minus_magnitude)));
}

// x / (1 + e^-x)
inline __m256 silu8(__m256 x) {
  const __m256 minus_x = _mm256_xor_ps(x, _mm256_set1_ps(-0.0F));
  return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0F), exp8(minus_x)));
}

}  // namespace

}  // namespace orkestra::model::avx2
