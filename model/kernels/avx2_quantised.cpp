// Products of quantised weights with activations of 16 bits.
//
// An output element is, in this order whatever the call's tokens and rows: for each block of 32 an
// exact integer sum in 8 lanes; one FMA per block, by the product of both scales, into 8 float
// lanes; for formats with minima one FMA per group of 256 into 8 more; at the end the difference
// of the two, and sum_lanes.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_formats.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

constexpr std::int64_t kTokens = 4;          // in registers together
constexpr std::int64_t kTokenBlock = 32;     // that one unpacked row serves; they stay in the cache
constexpr std::int64_t kUnpackCols = 16384;  // longer rows are not unpacked ahead

// Where the activations of one token begin.
struct Token {
  const std::int16_t* integers;
  const float* scales;
  const float* sums;
};

inline Token token(const Activations& x, std::int64_t t) {
  const std::int64_t blocks = x.cols / kActivationBlock;
  return {x.integers + t * x.cols, x.scales + t * blocks, x.sums + t * blocks};
}

template <typename Format, int kN, int s>
inline void add_block(const Format& group, std::int64_t block, const Token* tokens, __m256* sums) {
  const Weights32 w = group.template weights<s>();
  const __m256 scale = _mm256_set1_ps(group.scale(s));
  for (int i = 0; i < kN; ++i) {
    const std::int16_t* x = tokens[i].integers + 32 * (block + s);
    const __m256i exact = _mm256_add_epi32(_mm256_madd_epi16(w.first, load32(x)),
                                           _mm256_madd_epi16(w.second, load32(x + 16)));
    const __m256 both = _mm256_mul_ps(scale, _mm256_set1_ps(tokens[i].scales[block + s]));
    sums[i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(exact), both, sums[i]);
  }
}

// One row times kN tokens. out: [kN], `stride` apart.
template <typename Format, int kN>
void row_times_tokens(const std::byte* row, std::int64_t cols, const Token* tokens, float* out,
                      std::int64_t stride) {
  __m256 sums[kN];
  __m256 minima[kN];
  for (int i = 0; i < kN; ++i) sums[i] = minima[i] = _mm256_setzero_ps();
  const std::int64_t blocks = cols / 32;
  for (std::int64_t b = 0; b < blocks; b += Format::kBlocks, row += Format::kBytes) {
    const Format group(row);
    add_block<Format, kN, 0>(group, b, tokens, sums);
    if constexpr (Format::kBlocks == 8) {
      add_block<Format, kN, 1>(group, b, tokens, sums);
      add_block<Format, kN, 2>(group, b, tokens, sums);
      add_block<Format, kN, 3>(group, b, tokens, sums);
      add_block<Format, kN, 4>(group, b, tokens, sums);
      add_block<Format, kN, 5>(group, b, tokens, sums);
      add_block<Format, kN, 6>(group, b, tokens, sums);
      add_block<Format, kN, 7>(group, b, tokens, sums);
    }
    if constexpr (Format::kMinima) {
      for (int i = 0; i < kN; ++i) {
        minima[i] = _mm256_fmadd_ps(group.minima(), _mm256_loadu_ps(tokens[i].sums + b), minima[i]);
      }
    }
  }
  for (int i = 0; i < kN; ++i) {
    const __m256 total = Format::kMinima ? _mm256_sub_ps(sums[i], minima[i]) : sums[i];
    out[i * stride] = sum_lanes(total);
  }
}

// One row times tokens [begin, end), four at a time. y: the output of token 0 for this row.
template <typename Format>
void row_times(const std::byte* row, const Activations& x, std::int64_t begin, std::int64_t end,
               float* y, std::int64_t y_stride) {
  std::int64_t t = begin;
  for (; t + kTokens <= end; t += kTokens) {
    const Token tokens[kTokens] = {token(x, t), token(x, t + 1), token(x, t + 2), token(x, t + 3)};
    row_times_tokens<Format, kTokens>(row, x.cols, tokens, y + t * y_stride, y_stride);
  }
  for (; t < end; ++t) {
    const Token one = token(x, t);
    row_times_tokens<Format, 1>(row, x.cols, &one, y + t * y_stride, y_stride);
  }
}

template <typename Format, int s>
inline void unpack_block(const Format& group, UnpackedGroup<Format>& out) {
  const Weights32 w = group.template weights<s>();
  _mm256_store_si256(reinterpret_cast<__m256i*>(out.weights + 32 * s), w.first);
  _mm256_store_si256(reinterpret_cast<__m256i*>(out.weights + 32 * s + 16), w.second);
  out.scales[s] = group.scale(s);
}

// out: [cols / 32 / kBlocks]
template <typename Format>
void unpack_row(const std::byte* row, std::int64_t cols, UnpackedGroup<Format>* out) {
  const std::int64_t groups = cols / 32 / Format::kBlocks;
  for (std::int64_t g = 0; g < groups; ++g, row += Format::kBytes) {
    const Format group(row);
    unpack_block<Format, 0>(group, out[g]);
    if constexpr (Format::kBlocks == 8) {
      unpack_block<Format, 1>(group, out[g]);
      unpack_block<Format, 2>(group, out[g]);
      unpack_block<Format, 3>(group, out[g]);
      unpack_block<Format, 4>(group, out[g]);
      unpack_block<Format, 5>(group, out[g]);
      unpack_block<Format, 6>(group, out[g]);
      unpack_block<Format, 7>(group, out[g]);
    }
    if constexpr (Format::kMinima) _mm256_storeu_ps(out[g].minima, group.minima());
  }
}

template <typename Format>
void matmul(const Matrix& w, std::int64_t row_bytes, const Activations& x, float* y,
            std::int64_t y_stride, std::int64_t row_begin, std::int64_t row_end) {
  if (x.n_tokens <= kTokens || x.cols > kUnpackCols) {
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      row_times<Format>(w.data + r * row_bytes, x, 0, x.n_tokens, y + r, y_stride);
    }
    return;
  }
  UnpackedGroup<Format> unpacked[kUnpackCols / 32 / Format::kBlocks];
  for (std::int64_t t = 0; t < x.n_tokens; t += kTokenBlock) {
    const std::int64_t end = t + kTokenBlock < x.n_tokens ? t + kTokenBlock : x.n_tokens;
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      unpack_row<Format>(w.data + r * row_bytes, x.cols, unpacked);
      row_times<Unpacked<Format>>(reinterpret_cast<const std::byte*>(unpacked), x, t, end, y + r,
                                  y_stride);
    }
  }
}

// Sum of 8 lanes of 32-bit integers.
inline std::int32_t sum_integers(__m256i v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

// x: [32]
void quantise_block(const float* x, std::int16_t* integers, float* scale, float* sum) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  __m256 v[4];
  __m256 largest = _mm256_setzero_ps();
  __m256 nan = _mm256_setzero_ps();
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_loadu_ps(x + 8 * i);
    largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, v[i]));
    nan = _mm256_or_ps(nan, _mm256_cmp_ps(v[i], v[i], _CMP_UNORD_Q));
  }
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  const float amax = _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  // Below 1e-30 the quotients would overflow; such a block is zero for every purpose.
  const bool vanishes = amax < 1e-30F;
  const __m256 inverse = _mm256_set1_ps(vanishes ? 0.0F : 32767.0F / amax);
  __m256i q[4];
  __m256i total = _mm256_setzero_si256();
  for (int i = 0; i < 4; ++i) {
    q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
    total = _mm256_add_epi32(total, q[i]);
  }
  // packs works within 128-bit halves; the permutation restores the order.
  for (int i = 0; i < 2; ++i) {
    const __m256i packed = _mm256_packs_epi32(q[2 * i], q[2 * i + 1]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(integers + 16 * i),
                        _mm256_permute4x64_epi64(packed, 0xD8));
  }
  const bool has_nan = _mm256_movemask_ps(nan) != 0;
  *scale = has_nan ? __builtin_nanf("") : vanishes ? 0.0F : amax / 32767.0F;
  *sum = *scale * static_cast<float>(sum_integers(total));
}

}  // namespace

void quantise(const float* x, std::int64_t n_tokens, std::int64_t cols, std::int16_t* integers,
              float* scales, float* sums) {
  const std::int64_t blocks = n_tokens * (cols / kActivationBlock);
  for (std::int64_t b = 0; b < blocks; ++b) {
    quantise_block(x + b * kActivationBlock, integers + b * kActivationBlock, scales + b, sums + b);
  }
}

void matmul_quantised(const Matrix& w, std::int64_t row_bytes, const Activations& x, float* y,
                      std::int64_t y_stride, std::int64_t row_begin, std::int64_t row_end) {
  switch (w.type) {
    case TensorType::kQ8_0:
      return matmul<FormatQ8_0>(w, row_bytes, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ5_0:
      return matmul<FormatQ5_0>(w, row_bytes, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ4_K:
      return matmul<FormatQ4_K>(w, row_bytes, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ6_K:
      return matmul<FormatQ6_K>(w, row_bytes, x, y, y_stride, row_begin, row_end);
    default:
      return;  // not this function's: avx2_kernels.cpp
  }
}

}  // namespace orkestra::model::avx2
