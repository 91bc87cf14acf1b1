// What a hybrid layer does besides products: normalisation, gates, convolution, scan.
// Elements and channels go through the eight lanes lane by lane; a sum over a row ends in
// sum_lanes. So nothing depends on how channels or tokens are split over calls.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>
#include <orkestra/model/kernels/sequence_lanes.h>

namespace orkestra::model::avx2 {

namespace {

inline std::int64_t lanes_from(std::int64_t begin, std::int64_t end) {
  return end - begin < kLanes ? end - begin : kLanes;
}

// sum_i a[i] * b[i]
inline float dot(const float* a, const float* b, std::int64_t n) {
  __m256 even = _mm256_setzero_ps();
  __m256 odd = _mm256_setzero_ps();
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    even = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), even);
    odd = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + kLanes), _mm256_loadu_ps(b + i + kLanes), odd);
  }
  for (; i < n; i += kLanes) {
    const std::int64_t left = lanes_from(i, n);
    even = _mm256_fmadd_ps(load_first(a + i, left), load_first(b + i, left), even);
  }
  return sum_lanes(_mm256_add_ps(even, odd));
}

struct Lanes8 {
  using Floats = __m256;
  static constexpr std::int64_t kLanes = 8;

  // The first `n` (at most 8) floats at `p`, zeros after them; memory beyond is not touched.
  static Floats load(const float* p, std::int64_t n) { return load_first(p, n); }
  static void store(float* p, Floats v, std::int64_t n) { store_first(p, v, n); }
  static Floats floats(float value) { return _mm256_set1_ps(value); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  // out[j][i] <- in[i][j], both kLanes rows of kLanes, so many floats apart.
  static void transpose(const float* in, std::int64_t in_stride, float* out,
                        std::int64_t out_stride) {
    Floats v[8];
    for (int i = 0; i < 8; ++i) v[i] = _mm256_loadu_ps(in + i * in_stride);
    Floats w[8];
    for (int i = 0; i < 8; i += 4) {
      const Floats a = _mm256_unpacklo_ps(v[i], v[i + 1]);
      const Floats b = _mm256_unpackhi_ps(v[i], v[i + 1]);
      const Floats c = _mm256_unpacklo_ps(v[i + 2], v[i + 3]);
      const Floats d = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
      w[i] = _mm256_shuffle_ps(a, c, 0x44);
      w[i + 1] = _mm256_shuffle_ps(a, c, 0xEE);
      w[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
      w[i + 3] = _mm256_shuffle_ps(b, d, 0xEE);
    }
    for (int c = 0; c < 4; ++c) {
      _mm256_storeu_ps(out + c * out_stride, _mm256_permute2f128_ps(w[c], w[4 + c], 0x20));
      _mm256_storeu_ps(out + (c + 4) * out_stride, _mm256_permute2f128_ps(w[c], w[4 + c], 0x31));
    }
  }
  // Short rows go float by float.
  static bool split(const float*, std::int64_t, float (*)[kLanes]) { return false; }
  static bool join(const float (*)[kLanes], std::int64_t, float*) { return false; }
  static Floats exp(Floats x) { return exp8(x); }
  static Floats softplus(Floats x) { return softplus8(x); }
  static Floats silu(Floats x) { return silu8(x); }
};

}  // namespace

void rms_norm(const float* x, std::int64_t x_stride, const float* weight, float eps,
              std::int64_t n_tokens, std::int64_t dim, float* y, std::int64_t y_stride) {
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    const float* in = x + t * x_stride;
    float* out = y + t * y_stride;
    const float mean = dot(in, in, dim) / static_cast<float>(dim);
    const __m256 scale = _mm256_set1_ps(1.0F / __builtin_sqrtf(mean + eps));
    for (std::int64_t i = 0; i < dim; i += kLanes) {
      const std::int64_t n = lanes_from(i, dim);
      const __m256 normed = _mm256_mul_ps(load_first(in + i, n), scale);
      store_first(out + i, _mm256_mul_ps(normed, load_first(weight + i, n)), n);
    }
  }
}

void silu_multiply(float* gate, const float* up, std::int64_t n) {
  silu_multiply_lanes<Lanes8>(gate, up, n);
}

void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  causal_conv_silu_lanes<Lanes8>(x, x_stride, state, weight, bias, d_conv, n_tokens, c_begin, c_end,
                                 y, y_stride);
}

void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end) {
  selective_scan_lanes<Lanes8>(args, c_begin, c_end);
}

}  // namespace orkestra::model::avx2
