// Products of F32, F16 and BF16 weights with float activations.
//
// An output element is, in this order whatever the call's tokens and rows: FMAs of 8 columns at a
// time into two sets of 8 lanes in turn, the last columns padded with zeros; the two sets added;
// sum_lanes.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

constexpr std::int64_t kTokens = 4;  // in registers together

struct WeightsF32 {
  static constexpr std::int64_t kBytes = 4;
  static __m256 load(const std::byte* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
};

struct WeightsF16 {
  static constexpr std::int64_t kBytes = 2;
  static __m256 load(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
};

struct WeightsBF16 {
  static constexpr std::int64_t kBytes = 2;
  static __m256 load(const std::byte* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
};

// The first n < 8 weights at `p`, zeros after them.
template <typename Weights>
__m256 load_tail(const std::byte* p, std::int64_t n) {
  std::byte padded[32] = {};
  __builtin_memcpy(padded, p, static_cast<std::size_t>(n * Weights::kBytes));
  return Weights::load(padded);
}

// One row times kN tokens. x: the first token's activations, `x_stride` apart.
template <typename Weights, int kN>
void row_times_tokens(const std::byte* row, std::int64_t cols, const float* x,
                      std::int64_t x_stride, float* out, std::int64_t stride) {
  __m256 even[kN];
  __m256 odd[kN];
  for (int i = 0; i < kN; ++i) even[i] = odd[i] = _mm256_setzero_ps();
  std::int64_t k = 0;
  for (; k + 2 * kLanes <= cols; k += 2 * kLanes) {
    const __m256 first = Weights::load(row + k * Weights::kBytes);
    const __m256 second = Weights::load(row + (k + kLanes) * Weights::kBytes);
    for (int i = 0; i < kN; ++i) {
      const float* values = x + i * x_stride + k;
      even[i] = _mm256_fmadd_ps(first, _mm256_loadu_ps(values), even[i]);
      odd[i] = _mm256_fmadd_ps(second, _mm256_loadu_ps(values + kLanes), odd[i]);
    }
  }
  if (k + kLanes <= cols) {
    const __m256 w = Weights::load(row + k * Weights::kBytes);
    for (int i = 0; i < kN; ++i) {
      even[i] = _mm256_fmadd_ps(w, _mm256_loadu_ps(x + i * x_stride + k), even[i]);
    }
    k += kLanes;
  }
  if (k < cols) {
    const __m256 w = load_tail<Weights>(row + k * Weights::kBytes, cols - k);
    for (int i = 0; i < kN; ++i) {
      odd[i] = _mm256_fmadd_ps(w, load_first(x + i * x_stride + k, cols - k), odd[i]);
    }
  }
  for (int i = 0; i < kN; ++i) out[i * stride] = sum_lanes(_mm256_add_ps(even[i], odd[i]));
}

template <typename Weights>
void matmul(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    const std::byte* row = w.data + r * w.cols * Weights::kBytes;
    std::int64_t t = 0;
    for (; t + kTokens <= x.n_tokens; t += kTokens) {
      row_times_tokens<Weights, kTokens>(row, w.cols, x.values + t * x.cols, x.cols,
                                         y + t * y_stride + r, y_stride);
    }
    for (; t < x.n_tokens; ++t) {
      row_times_tokens<Weights, 1>(row, w.cols, x.values + t * x.cols, x.cols, y + t * y_stride + r,
                                   y_stride);
    }
  }
}

}  // namespace

void matmul_float(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
                  std::int64_t row_begin, std::int64_t row_end) {
  if (w.type == TensorType::kF32) return matmul<WeightsF32>(w, x, y, y_stride, row_begin, row_end);
  if (w.type == TensorType::kF16) return matmul<WeightsF16>(w, x, y, y_stride, row_begin, row_end);
  matmul<WeightsBF16>(w, x, y, y_stride, row_begin, row_end);
}

}  // namespace orkestra::model::avx2
