#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/packing.h>

#include <algorithm>
#include <cstring>

namespace orkestra::model {
namespace {

constexpr auto kRows = static_cast<std::size_t>(kRowGroup);

// units [n][16] <- rows[r][first + unit * i]
template <typename Unit>
std::byte* interleave(const std::byte* const* blocks, const BlockCut& cut, std::byte* out) {
  for (std::size_t i = 0; i < cut.units; ++i) {
    Unit side_by_side[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      std::memcpy(&side_by_side[r], blocks[r] + cut.first + i * sizeof(Unit), sizeof(Unit));
    }
    std::memcpy(out, side_by_side, sizeof side_by_side);
    out += sizeof side_by_side;
  }
  return out;
}

}  // namespace

BlockCut block_cut(TensorType type) {
  const TensorTypeInfo& format = info(type);
  BlockCut cut{.elements = format.block_elements, .bytes = format.block_bytes};
  if (cut.bytes == 2) cut.unit = 2;
  if (cut.bytes % cut.unit != 0) {
    // Formats of one scale have it in front of a block, the K formats behind it.
    cut.odd_half = true;
    cut.first = cut.elements == 32 ? 2 : 0;
    cut.half = cut.elements == 32 ? 0 : cut.bytes - 2;
  }
  cut.units = cut.bytes / cut.unit;
  return cut;
}

std::size_t packed_group_bytes(TensorType type, std::int64_t cols) {
  return row_bytes(type, cols) * kRows;
}

std::size_t packed_bytes(const Matrix& w) {
  const auto groups = static_cast<std::size_t>((w.rows + kRowGroup - 1) / kRowGroup);
  return groups * packed_group_bytes(w.type, w.cols);
}

void pack_rows(const Matrix& w, std::int64_t group_begin, std::int64_t group_end, std::byte* out) {
  const BlockCut cut = block_cut(w.type);
  const std::size_t stride = row_bytes(w.type, w.cols);
  const std::int64_t blocks = w.cols / cut.elements;
  // Stands for the rows that fill up the last group; no block is longer.
  static constexpr std::byte kZeros[512] = {};
  out += static_cast<std::size_t>(group_begin) * packed_group_bytes(w.type, w.cols);
  for (std::int64_t g = group_begin; g < group_end; ++g) {
    const std::byte* at[kRows];
    std::size_t step[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto row = static_cast<std::size_t>(g) * kRows + r;
      const bool there = row < static_cast<std::size_t>(w.rows);
      at[r] = there ? w.data + row * stride : kZeros;
      step[r] = there ? cut.bytes : 0;
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
      out = cut.unit == 2 ? interleave<std::uint16_t>(at, cut, out)
                          : interleave<std::uint32_t>(at, cut, out);
      if (cut.odd_half) {
        for (std::size_t r = 0; r < kRows; ++r) std::memcpy(out + 2 * r, at[r] + cut.half, 2);
        out += 2 * kRows;
      }
      for (std::size_t r = 0; r < kRows; ++r) at[r] += step[r];
    }
  }
}

}  // namespace orkestra::model
