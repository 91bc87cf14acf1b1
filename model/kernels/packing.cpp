#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/packing.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace orkestra::model {
namespace {

constexpr auto kRows = static_cast<std::size_t>(kRowGroup);

using Four = std::uint32_t __attribute__((vector_size(16)));
using Eight = std::uint16_t __attribute__((vector_size(16)));

Four load(const std::byte* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <typename Vector>
void store(std::byte* p, Vector v) {
  std::memcpy(p, &v, sizeof v);
}

// Four units of four rows, [row][unit], as [unit][row].
void transpose(Four (&v)[4]) {
  const Four a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
  const Four b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
  const Four c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
  const Four d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
  v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// out: [n][16] <- rows[r][n]
template <typename Unit>
std::byte* interleave_one_by_one(const std::byte* const* rows, std::size_t n, std::byte* out) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t r = 0; r < kRows; ++r) {
      std::memcpy(out, rows[r] + i * sizeof(Unit), sizeof(Unit));
      out += sizeof(Unit);
    }
  }
  return out;
}

// 16 bytes of sixteen rows at a time, `n` units of 4 bytes in all.
std::byte* interleave_4(const std::byte* const* rows, std::size_t n, std::byte* out) {
  const std::byte* at[kRows];
  std::copy_n(rows, kRows, at);
  for (; n >= 4; n -= 4) {
    for (std::size_t r = 0; r < kRows; r += 4) {
      Four v[4] = {load(at[r]), load(at[r + 1]), load(at[r + 2]), load(at[r + 3])};
      transpose(v);
      for (std::size_t i = 0; i < 4; ++i) store(out + 64 * i + 4 * r, v[i]);
    }
    for (const std::byte*& row : at) row += 16;
    out += 256;
  }
  return interleave_one_by_one<std::uint32_t>(at, n, out);
}

// The same with units of 2 bytes: pairs of them are laid side by side first.
std::byte* interleave_2(const std::byte* const* rows, std::size_t n, std::byte* out) {
  const std::byte* at[kRows];
  std::copy_n(rows, kRows, at);
  for (; n >= 8; n -= 8) {
    for (std::size_t r = 0; r < kRows; r += 8) {
      Four v[4] = {load(at[r]), load(at[r + 1]), load(at[r + 2]), load(at[r + 3])};
      Four w[4] = {load(at[r + 4]), load(at[r + 5]), load(at[r + 6]), load(at[r + 7])};
      transpose(v);
      transpose(w);
      for (std::size_t i = 0; i < 4; ++i) {
        const Eight a = reinterpret_cast<Eight>(v[i]);
        const Eight b = reinterpret_cast<Eight>(w[i]);
        store(out + 64 * i + 2 * r, __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14));
        store(out + 64 * i + 32 + 2 * r, __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15));
      }
    }
    for (const std::byte*& row : at) row += 16;
    out += 256;
  }
  return interleave_one_by_one<std::uint16_t>(at, n, out);
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
  // Where a block is one unit, a row is as good as one block.
  const bool whole = cut.units == 1 && !cut.odd_half;
  const std::int64_t blocks = whole ? 1 : w.cols / cut.elements;
  const std::size_t units = whole ? stride / cut.unit : cut.units;
  const std::size_t block_bytes = whole ? stride : cut.bytes;
  // Stands for the rows that fill up the last group.
  const std::vector<std::byte> zeros(w.rows % kRowGroup == 0 ? 0 : block_bytes);
  out += static_cast<std::size_t>(group_begin) * packed_group_bytes(w.type, w.cols);
  for (std::int64_t g = group_begin; g < group_end; ++g) {
    const std::byte* at[kRows];
    std::size_t step[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto row = static_cast<std::size_t>(g) * kRows + r;
      const bool there = row < static_cast<std::size_t>(w.rows);
      at[r] = there ? w.data + row * stride : zeros.data();
      step[r] = there ? block_bytes : 0;
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::byte* first[kRows];
      for (std::size_t r = 0; r < kRows; ++r) first[r] = at[r] + cut.first;
      out = cut.unit == 2 ? interleave_2(first, units, out) : interleave_4(first, units, out);
      if (cut.odd_half) {
        for (std::size_t r = 0; r < kRows; ++r) std::memcpy(out + 2 * r, at[r] + cut.half, 2);
        out += 2 * kRows;
      }
      for (std::size_t r = 0; r < kRows; ++r) at[r] += step[r];
    }
  }
}

}  // namespace orkestra::model
