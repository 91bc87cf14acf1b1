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
