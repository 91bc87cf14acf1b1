// Packing: a weight matrix rearranged so that sixteen rows lie side by side, lane by lane, ready
// for products whose vector lanes are output rows. Done once, when a model is loaded.
//
// Rows are taken in groups of sixteen; a last group is filled up with rows of zeros. Within a group
// each block of the file's format is cut into units of 4 bytes (of 2 for half floats), and unit u
// of the sixteen rows' blocks is stored as sixteen consecutive values:
//
//   packed[group][block][u][row]      then, where a block has an odd half float: [row] halves
//
// The bits of a unit stay as they are in the file: so one routine packs every format, a packed
// matrix has the size of the file's, and a fast kernel sees the same unit of eight or sixteen rows
// in the lanes of one register. Stateless; any thread.
#pragma once

#include <orkestra/model/kernels/kernels.h>

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

inline constexpr std::int64_t kRowGroup = 16;

// How a format's block is cut up.
struct BlockCut {
  std::int64_t elements = 1;  // of a block
  std::size_t bytes = 0;      // of a block in the file
  std::size_t unit = 4;       // bytes of a unit
  std::size_t first = 0;      // where the units begin in a block
  std::size_t units = 0;
  bool odd_half = false;  // there is a half float apart from the units...
  std::size_t half = 0;   // ...here
};
BlockCut block_cut(TensorType type);

// Bytes of one packed group of rows of `cols` elements.
std::size_t packed_group_bytes(TensorType type, std::int64_t cols);
// Bytes of the whole packed matrix.
std::size_t packed_bytes(const Matrix& w);

// Packs groups [group_begin, group_end) of `w`; `out` is where the packed matrix begins.
void pack_rows(const Matrix& w, std::int64_t group_begin, std::int64_t group_end, std::byte* out);

}  // namespace orkestra::model
