// What a hybrid layer does besides products: normalisation, gates, convolution, scan.
// Elements, channels and states go through the eight lanes lane by lane; sums over a row or over
// states end in sum_lanes. So nothing depends on how channels or tokens are split over calls.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

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

// p[0], p[stride], ..., `n` (at most 8) of them, zeros after.
inline __m256 load_strided(const float* p, std::int64_t stride, std::int64_t n) {
  alignas(32) float lanes[kLanes] = {};
  for (std::int64_t i = 0; i < n; ++i) lanes[i] = p[i * stride];
  return _mm256_load_ps(lanes);
}

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
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = lanes_from(i, n);
    const __m256 product =
        _mm256_mul_ps(silu8(load_first(gate + i, left)), load_first(up + i, left));
    store_first(gate + i, product, left);
  }
}

void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  const std::int64_t history = d_conv - 1;
  for (std::int64_t c = c_begin; c < c_end; c += kLanes) {
    const std::int64_t n = lanes_from(c, c_end);
    __m256 taps[kMaxTaps];
    for (std::int64_t j = 0; j < d_conv; ++j) {
      taps[j] = load_strided(weight + c * d_conv + j, d_conv, n);
    }
    // The inputs `i` tokens after the call's first; before it for negative i.
    const auto input = [&](std::int64_t i) {
      return i < 0 ? load_strided(state + c * history + history + i, history, n)
                   : load_first(x + i * x_stride + c, n);
    };
    const __m256 offset = load_first(bias + c, n);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      __m256 sum = offset;
      for (std::int64_t j = 0; j < d_conv; ++j) {
        sum = _mm256_fmadd_ps(taps[j], input(t - history + j), sum);
      }
      store_first(y + t * y_stride + c, silu8(sum), n);
    }
    // In ascending order each slot is filled from a later one or from x.
    for (std::int64_t i = 0; i < history; ++i) {
      alignas(32) float lanes[kLanes];
      _mm256_store_ps(lanes, input(n_tokens - history + i));
      for (std::int64_t l = 0; l < n; ++l) state[(c + l) * history + i] = lanes[l];
    }
  }
}

void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end) {
  for (std::int64_t c = c_begin; c < c_end; c += kLanes) {
    const std::int64_t n = lanes_from(c, c_end);
    const __m256 dt_bias = load_first(args.dt_bias + c, n);
    const __m256 d = load_first(args.d + c, n);
    for (std::int64_t t = 0; t < args.n_tokens; ++t) {
      const float* b = args.b + t * args.bc_stride;
      const float* c_row = args.c + t * args.bc_stride;
      const __m256 x = load_first(args.x + t * args.x_stride + c, n);
      const __m256 dt =
          softplus8(_mm256_add_ps(load_first(args.dt + t * args.dt_stride + c, n), dt_bias));
      alignas(32) float dts[kLanes];  // [channels of this group]
      alignas(32) float dt_xs[kLanes];
      alignas(32) float outputs[kLanes] = {};
      _mm256_store_ps(dts, dt);
      _mm256_store_ps(dt_xs, _mm256_mul_ps(dt, x));
      for (std::int64_t l = 0; l < n; ++l) {
        const float* a = args.a + (c + l) * args.d_state;
        float* state = args.state + (c + l) * args.d_state;
        const __m256 step = _mm256_set1_ps(dts[l]);
        const __m256 in = _mm256_set1_ps(dt_xs[l]);
        __m256 sum = _mm256_setzero_ps();
        for (std::int64_t i = 0; i < args.d_state; i += kLanes) {
          const std::int64_t left = lanes_from(i, args.d_state);
          const __m256 decay = exp8(_mm256_mul_ps(step, load_first(a + i, left)));
          const __m256 s = _mm256_fmadd_ps(decay, load_first(state + i, left),
                                           _mm256_mul_ps(in, load_first(b + i, left)));
          store_first(state + i, s, left);
          sum = _mm256_fmadd_ps(s, load_first(c_row + i, left), sum);
        }
        outputs[l] = sum_lanes(sum);
      }
      const __m256 y = _mm256_fmadd_ps(d, x, _mm256_load_ps(outputs));
      const __m256 gate = silu8(load_first(args.z + t * args.z_stride + c, n));
      store_first(args.y + t * args.y_stride + c, _mm256_mul_ps(y, gate), n);
    }
  }
}

}  // namespace orkestra::model::avx2
