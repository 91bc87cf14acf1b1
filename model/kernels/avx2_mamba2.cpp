// The recurrence of Mamba-2. A channel's state goes through a block of tokens while it is in the
// first-level cache.

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

constexpr std::int64_t kBlockTokens = 32;

inline std::int64_t at_most(std::int64_t n, std::int64_t most) { return n < most ? n : most; }

// What one token brings to every channel of a head.
struct Token {
  const float* b;
  const float* c;
  float dt;
  float decay;
};

inline float channel(float* state, const Token& token, float x, float d, std::int64_t d_state) {
  const __m256 decay = _mm256_set1_ps(token.decay);
  const __m256 in = _mm256_set1_ps(token.dt * x);
  __m256 sum = _mm256_setzero_ps();
  for (std::int64_t i = 0; i < d_state; i += kLanes) {
    const std::int64_t left = d_state - i;
    const __m256 s = _mm256_fmadd_ps(decay, load_first(state + i, left),
                                     _mm256_mul_ps(in, load_first(token.b + i, left)));
    store_first(state + i, s, left);
    sum = _mm256_fmadd_ps(s, load_first(token.c + i, left), sum);
  }
  return sum_lanes(sum) + d * x;
}

}  // namespace

void mamba2_scan(const Kernels::Mamba2Args& args, std::int64_t h_begin, std::int64_t h_end) {
  for (std::int64_t h = h_begin; h < h_end; ++h) {
    const std::int64_t group = h / args.heads_per_group * args.d_state;
    const __m256 dt_bias = _mm256_set1_ps(args.dt_bias[h]);
    const __m256 a = _mm256_set1_ps(args.a[h]);
    for (std::int64_t begin = 0; begin < args.n_tokens; begin += kBlockTokens) {
      const std::int64_t n = at_most(args.n_tokens - begin, kBlockTokens);
      alignas(32) float dts[kBlockTokens] = {};
      alignas(32) float decays[kBlockTokens];
      for (std::int64_t t = 0; t < n; ++t) dts[t] = args.dt[(begin + t) * args.dt_stride + h];
      for (std::int64_t t = 0; t < n; t += kLanes) {
        const __m256 dt = softplus8(_mm256_add_ps(_mm256_load_ps(dts + t), dt_bias));
        _mm256_store_ps(dts + t, dt);
        _mm256_store_ps(decays + t, exp8(_mm256_mul_ps(dt, a)));
      }
      for (std::int64_t p = h * args.head_dim; p < (h + 1) * args.head_dim; ++p) {
        float* state = args.state + p * args.d_state;
        for (std::int64_t t = 0; t < n; ++t) {
          const std::int64_t row = begin + t;
          const Token token{.b = args.b + row * args.bc_stride + group,
                            .c = args.c + row * args.bc_stride + group,
                            .dt = dts[t],
                            .decay = decays[t]};
          args.y[row * args.y_stride + p] =
              channel(state, token, args.x[row * args.x_stride + p], args.d[h], args.d_state);
        }
      }
    }
  }
}

}  // namespace orkestra::model::avx2
