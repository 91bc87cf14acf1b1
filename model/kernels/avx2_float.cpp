// Products of packed F32, F16 and BF16 weights with float activations.
//
// Output rows lie in the lanes. An element is, in this order whatever the call's tokens and rows:
// for each group of 64 columns one FMA per column, added to the total.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

constexpr int kGroup = 64;  // columns summed before they join the total: shorter sums round less
constexpr int kRows = 16;
constexpr std::int64_t kTile = 4;         // tokens in registers together
constexpr std::int64_t kTokenBlock = 64;  // tokens that share weights read from memory

// [k][16 rows] of each type.
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

// n columns of sixteen rows times kN tokens, added to totals ([kN][16]). x: [kN], x_stride apart.
template <typename Weights, int kN>
inline void columns_times_tokens(const std::byte* w, std::int64_t n, const float* x,
                                 std::int64_t x_stride, float* totals) {
  __m256 sums[kN][2];
  for (int t = 0; t < kN; ++t) sums[t][0] = sums[t][1] = _mm256_setzero_ps();
  for (std::int64_t k = 0; k < n; ++k, w += kRows * Weights::kBytes) {
    const __m256 low = Weights::load(w);
    const __m256 high = Weights::load(w + 8 * Weights::kBytes);
    for (int t = 0; t < kN; ++t) {
      const __m256 value = _mm256_set1_ps(x[t * x_stride + k]);
      sums[t][0] = _mm256_fmadd_ps(low, value, sums[t][0]);
      sums[t][1] = _mm256_fmadd_ps(high, value, sums[t][1]);
    }
  }
  for (int t = 0; t < kN; ++t) {
    float* total = totals + t * kRows;
    _mm256_storeu_ps(total, _mm256_add_ps(_mm256_loadu_ps(total), sums[t][0]));
    _mm256_storeu_ps(total + 8, _mm256_add_ps(_mm256_loadu_ps(total + 8), sums[t][1]));
  }
}

// Sixteen rows times tokens [begin, end), at most kTokenBlock. y: the first row's output of token
// 0.
template <typename Weights>
void rows_times_tokens(const std::byte* rows, const Activations& x, std::int64_t begin,
                       std::int64_t end, std::int64_t n_rows, float* y, std::int64_t y_stride) {
  alignas(32) float totals[kTokenBlock * kRows] = {};
  for (std::int64_t k = 0; k < x.cols; k += kGroup) {
    const std::int64_t n = x.cols - k < kGroup ? x.cols - k : kGroup;
    const std::byte* w = rows + k * kRows * Weights::kBytes;
    std::int64_t t = begin;
    for (; t + kTile <= end; t += kTile) {
      columns_times_tokens<Weights, kTile>(w, n, x.values + t * x.cols + k, x.cols,
                                           totals + (t - begin) * kRows);
    }
    for (; t < end; ++t) {
      columns_times_tokens<Weights, 1>(w, n, x.values + t * x.cols + k, x.cols,
                                       totals + (t - begin) * kRows);
    }
  }
  for (std::int64_t t = begin; t < end; ++t) {
    for (std::int64_t r = 0; r < n_rows; ++r) {
      y[t * y_stride + r] = totals[(t - begin) * kRows + r];
    }
  }
}

template <typename Weights>
void matmul(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
            std::int64_t row_begin, std::int64_t row_end) {
  const std::int64_t group_bytes = w.cols * kRows * Weights::kBytes;
  for (std::int64_t t = 0; t < x.n_tokens; t += kTokenBlock) {
    const std::int64_t t_end = t + kTokenBlock < x.n_tokens ? t + kTokenBlock : x.n_tokens;
    for (std::int64_t r = row_begin; r < row_end; r += kRows) {
      const std::int64_t n = w.rows - r < kRows ? w.rows - r : kRows;
      rows_times_tokens<Weights>(w.data + r / kRows * group_bytes, x, t, t_end, n, y + r, y_stride);
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
