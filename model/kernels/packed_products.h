// Products of packed quantised weights (packing.h) with activations of 16 bits, over V, the vectors
// of an instruction set. Included by the quantised kernel files; everything has internal linkage.
//
// Output rows lie in the lanes, so every element is reduced by itself, in this order whatever the
// call's tokens and rows and whatever the width of a vector. For each group of 256 columns:
//   products = the parts' exact integer sums as floats, part by part in the format's order: each
//     times its scale, by one FMA; or, with integer scales, run by run, added, and at the group's
//     end times the block's factor
//   minima = the parts' minima times the sums of their activations, by one FMA each
//   products - minima; with integer minima, minus minima times the block's other factor, by one FMA
// and one more FMA adds that times the group's activation scale to the total.
#pragma once

#include <orkestra/model/kernels/packed_panel.h>
#include <orkestra/model/kernels/packed_rows.h>
#include <orkestra/model/kernels/packed_tile.h>

namespace orkestra::model {

namespace {

template <typename V, typename Format>
void multiply_rows(const Matrix& w, const avx2::Activations& x, float* y, std::int64_t y_stride,
                   std::int64_t row_begin, std::int64_t row_end) {
  if (x.n_tokens == 1) {
    const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
    for (std::int64_t row = row_begin; row < row_end; row += kPackedRows) {
      float sums[kPackedRows];
      RowsTimesToken<V, Format>::run(w.data + row / kPackedRows * group_bytes, x, 0, sums);
      store_rows(sums, y + row, w.rows - row);
    }
    return;
  }
  if constexpr (V::kTiles) {
    using Tile = TileTimesRows<V, Format>;
    if (x.n_tokens <= Tile::kMostTokens) {
      for (std::int64_t row = row_begin; row < row_end; row += kRowBlock) {
        const std::int64_t end = row + kRowBlock < row_end ? row + kRowBlock : row_end;
        Tile::run(w, row, end, x, y, y_stride);
      }
      return;
    }
  }
  for (std::int64_t t = 0; t < x.n_tokens; t += kTokenBlock) {
    const std::int64_t t_end = t + kTokenBlock < x.n_tokens ? t + kTokenBlock : x.n_tokens;
    for (std::int64_t row = row_begin; row < row_end; row += kRowBlock) {
      const std::int64_t end = row + kRowBlock < row_end ? row + kRowBlock : row_end;
      PanelTimesTokens<V, Format>::run(w, row, end, x, t, t_end, y, y_stride);
    }
  }
}

// Products of any quantised type.
template <typename V>
void multiply_quantised(const Matrix& w, const avx2::Activations& x, float* y,
                        std::int64_t y_stride, std::int64_t row_begin, std::int64_t row_end) {
  switch (w.type) {
    case TensorType::kQ4_0:
      return multiply_rows<V, FormatQ4_0<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ4_1:
      return multiply_rows<V, FormatQ4_1<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ5_0:
      return multiply_rows<V, FormatQ5_0<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ5_1:
      return multiply_rows<V, FormatQ5_1<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ8_0:
      return multiply_rows<V, FormatQ8_0<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ2_K:
      return multiply_rows<V, FormatQ2_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ3_K:
      return multiply_rows<V, FormatQ3_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ4_K:
      return multiply_rows<V, FormatQ4_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ5_K:
      return multiply_rows<V, FormatQ5_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ6_K:
      return multiply_rows<V, FormatQ6_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kIQ4_NL:
      return multiply_rows<V, FormatIQ4_NL<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kIQ4_XS:
      return multiply_rows<V, FormatIQ4_XS<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kF32:
    case TensorType::kF16:
    case TensorType::kBF16:
      return;  // not this function's: x86_kernels.cpp
  }
}

}  // namespace

}  // namespace orkestra::model
