#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

// Pairs (2i, 2i + 1), four in a register.
void rotate_neighbours(float* head, const float* cosines, const float* sines, std::int64_t n) {
  const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
  for (std::int64_t i = 0; i < n; i += kLanes / 2) {
    const std::int64_t left = n - i;
    const __m256 cosine = _mm256_permutevar8x32_ps(load_first(cosines + i, left), twice);
    const __m256 sine = _mm256_permutevar8x32_ps(load_first(sines + i, left), twice);
    const __m256 x = load_first(head + 2 * i, 2 * left);
    const __m256 swapped = _mm256_permute_ps(x, 0xB1);
    // even lanes: a cos - b sin; odd lanes: b cos + a sin
    store_first(head + 2 * i, _mm256_fmaddsub_ps(x, cosine, _mm256_mul_ps(swapped, sine)),
                2 * left);
  }
}

// Pairs (i, i + n).
void rotate_halves(float* head, const float* cosines, const float* sines, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    const __m256 cosine = load_first(cosines + i, left);
    const __m256 sine = load_first(sines + i, left);
    const __m256 a = load_first(head + i, left);
    const __m256 b = load_first(head + n + i, left);
    store_first(head + i, _mm256_fmsub_ps(a, cosine, _mm256_mul_ps(b, sine)), left);
    store_first(head + n + i, _mm256_fmadd_ps(b, cosine, _mm256_mul_ps(a, sine)), left);
  }
}

}  // namespace

void rotate(const Kernels::RotateArgs& args, std::int64_t token_begin, std::int64_t token_end) {
  for (std::int64_t t = token_begin; t < token_end; ++t) {
    const float* cosines = args.cosines + t * args.n_pairs;
    const float* sines = args.sines + t * args.n_pairs;
    for (std::int64_t h = 0; h < args.n_heads; ++h) {
      float* head = args.x + t * args.x_stride + h * args.head_dim;
      if (args.interleaved) {
        rotate_neighbours(head, cosines, sines, args.n_pairs);
      } else {
        rotate_halves(head, cosines, sines, args.n_pairs);
      }
    }
  }
}

}  // namespace orkestra::model::avx2
