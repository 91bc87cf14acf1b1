// Activations rounded to 16 bits, in the order the packed formats want them.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>

namespace orkestra::model::avx2 {

namespace {

inline std::int32_t sum_integers(__m256i v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

// x: [n], n at most 256 and a multiple of 32. sums: [kSums], all exact. Returns the scale.
float quantise_group(const float* x, std::int64_t n, std::int16_t* integers, float* sums) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  __m256 largest = _mm256_setzero_ps();
  __m256 nan = _mm256_setzero_ps();
  for (std::int64_t i = 0; i < n; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, v));
    nan = _mm256_or_ps(nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  }
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  const float amax = _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  // Below 1e-30 the quotients would overflow; such a group is zero for every purpose.
  const bool vanishes = amax < 1e-30F;
  const __m256 inverse = _mm256_set1_ps(vanishes ? 0.0F : 32767.0F / amax);
  for (std::int64_t i = 0; i < n; i += 16) {
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), inverse));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), inverse));
    sums[i / 16] = static_cast<float>(sum_integers(_mm256_add_epi32(low, high)));
    // packs works within 128-bit halves; the permutation restores the order, the shuffles make
    // 0 2 1 3 of every four.
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(integers + i),
                        _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(packed, 0xD8), 0xD8));
  }
  for (std::int64_t i = 0; i < n / 32; ++i) sums[kSums16 + i] = sums[2 * i] + sums[2 * i + 1];
  if (_mm256_movemask_ps(nan) != 0) return __builtin_nanf("");
  return vanishes ? 0.0F : amax / 32767.0F;
}

}  // namespace

void quantise(const QuantisedActivations& out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t t = begin; t < end; ++t) {
    for (std::int64_t k = 0; k < out.cols; k += kActivationGroup) {
      const std::int64_t width = out.cols - k < kActivationGroup ? out.cols - k : kActivationGroup;
      const std::int64_t at = k / kActivationGroup * out.n_tokens + t;
      out.scales[at] = quantise_group(out.values + t * out.cols + k, width,
                                      out.integers + at * kActivationGroup, out.sums + at * kSums);
    }
  }
}

}  // namespace orkestra::model::avx2
