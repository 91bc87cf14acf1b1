// The directions in which the rows of a sparse matrix vary most: the span of its leading right
// singular vectors, by randomised subspace iteration (Halko, Martinsson, Tropp 2011, section 4.5).
// Pure; the same input gives the same bits on one machine whatever else runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

namespace orkestra::retrieval {

struct SparseMatrix {
  std::size_t columns = 0;
  std::vector<std::size_t> row_begin{0};  // [rows + 1]
  std::vector<std::uint32_t> column;      // [entries]
  std::vector<float> value;               // [entries]
  std::size_t rows() const { return row_begin.size() - 1; }
};

struct SubspaceOptions {
  std::size_t dimension = 256;
  int iterations = 4;
  std::uint64_t seed = 1;
};

struct Subspace {
  std::size_t dimension = 0;  // less than asked for when the matrix has a lower rank
  std::vector<float> basis;   // [columns, dimension], orthonormal
};

// Inner products after projection do not depend on which basis of the span is taken, so no
// singular value is computed. Throws Error{kCancelled} when stopped.
Subspace leading_subspace(const SparseMatrix& matrix, const SubspaceOptions& options,
                          std::stop_token stop = {});

}  // namespace orkestra::retrieval
