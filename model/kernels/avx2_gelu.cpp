// x (1 + tanh(u)) / 2 = x / (1 + e^-2u): one exponential and one division.

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

void gelu_multiply(float* gate, const float* up, std::int64_t n) {
  // -2 sqrt(2 / pi), and that times 0.044715
  const __m256 linear = _mm256_set1_ps(-1.59576912F);
  const __m256 cubic = _mm256_set1_ps(-0.0713548163F);
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    const __m256 x = load_first(gate + i, left);
    const __m256 slope = _mm256_fmadd_ps(cubic, _mm256_mul_ps(x, x), linear);
    const __m256 below = _mm256_add_ps(_mm256_set1_ps(1.0F), exp8(_mm256_mul_ps(x, slope)));
    store_first(gate + i, _mm256_mul_ps(_mm256_div_ps(x, below), load_first(up + i, left)), left);
  }
}

}  // namespace orkestra::model::avx2
