// What products of packed weights with prepared activations share. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/packed_k_formats.h>

namespace orkestra::model {

namespace {

constexpr int kColumnGroup = avx2::kActivationGroup;
constexpr int kPackedRows = 16;
constexpr std::int64_t kTokenBlock = 512;  // tokens whose totals are kept at a time
constexpr std::int64_t kRowBlock = 64;     // rows whose totals lie side by side

// A group of up to 256 columns of the activations, of some token and those after it.
struct Group {
  const std::int16_t* integers;  // [tokens, 256]
  const float* scales;           // [tokens]
  const float* sums;             // [tokens, kSums]
};

inline Group group_of(const avx2::Activations& x, std::int64_t k, std::int64_t t) {
  const std::int64_t at = k / kColumnGroup * x.n_tokens + t;
  return {.integers = x.integers + at * kColumnGroup,
          .scales = x.scales + at,
          .sums = x.sums + at * avx2::kSums};
}

inline std::int64_t group_width(std::int64_t cols, std::int64_t k) {
  return cols - k < kColumnGroup ? cols - k : kColumnGroup;
}

// Where the sums of parts of `part` columns are, from the column `from` of a group on.
template <int part>
inline const float* part_sums(const float* sums, std::int64_t from) {
  static_assert(part == 16 || part == 32);
  return part == 16 ? sums + from / 16 : sums + avx2::kSums16 + from / 32;
}

template <typename Format>
constexpr std::int64_t block_bytes() {
  return kPackedRows * (4 * Format::kUnits + (Format::kOddHalf ? 2 : 0));
}

// kLanes rows of a packed block, from row `first` on.
template <typename V, typename Format>
inline Format opened(const std::byte* block, int first) {
  return Format(Units<V>{block + 4 * first}, block + 64 * Format::kUnits + 2 * first);
}

template <typename V>
inline typename V::Ints pair_of(const std::int16_t* x, int pair) {
  std::int32_t two;
  __builtin_memcpy(&two, x + 2 * pair, sizeof two);
  return V::ints(two);
}

// Where the weights are that will be wanted after those of columns [k, k + width), which begin at
// `block`: the same rows' next ones or, at their end, the first ones of the next row block.
template <typename Format>
inline const std::byte* block_after(const Matrix& w, const std::byte* block, std::int64_t k,
                                    std::int64_t width) {
  const std::int64_t bytes = width / Format::kElements * block_bytes<Format>();
  if (k + width < w.cols) return block + bytes;
  const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
  return block + bytes + (kRowBlock / kPackedRows - 1) * group_bytes;
}

// The first `n` of sixteen sums to y.
inline void store_rows(const float* sums, float* y, std::int64_t n) {
  if (n >= kPackedRows) {
    __builtin_memcpy(y, sums, kPackedRows * sizeof(float));
  } else {
    for (std::int64_t r = 0; r < n; ++r) y[r] = sums[r];
  }
}

// Totals of tokens [begin, end), kRowBlock apart, to rows [row_begin, row_end) of y.
inline void store_totals(const float* totals, std::int64_t n_rows, std::int64_t row_begin,
                         std::int64_t row_end, std::int64_t begin, std::int64_t end, float* y,
                         std::int64_t y_stride) {
  for (std::int64_t t = begin; t < end; ++t) {
    for (std::int64_t row = row_begin; row < row_end; row += kPackedRows) {
      store_rows(totals + (t - begin) * kRowBlock + (row - row_begin), y + t * y_stride + row,
                 n_rows - row);
    }
  }
}

}  // namespace

}  // namespace orkestra::model
