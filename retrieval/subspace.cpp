#include <orkestra/core/error.h>
#include <orkestra/retrieval/subspace.h>
#include <orkestra/retrieval/vectors.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace orkestra::retrieval {
namespace {

// [rows, columns], row by row.
struct Dense {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> value;
  Dense(std::size_t r, std::size_t c) : rows(r), columns(c), value(r * c) {}
  float* row(std::size_t i) { return value.data() + i * columns; }
  const float* row(std::size_t i) const { return value.data() + i * columns; }
};

void add_scaled(float* to, const float* from, float scale, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] += scale * from[i];
}

Dense transposed(const Dense& from) {
  constexpr std::size_t kTile = 32;
  Dense to(from.columns, from.rows);
  for (std::size_t r = 0; r < from.rows; r += kTile) {
    for (std::size_t c = 0; c < from.columns; c += kTile) {
      for (std::size_t i = r; i < std::min(r + kTile, from.rows); ++i) {
        for (std::size_t j = c; j < std::min(c + kTile, from.columns); ++j) {
          to.row(j)[i] = from.row(i)[j];
        }
      }
    }
  }
  return to;
}

// matrix * right: [rows, right.columns].
Dense product(const SparseMatrix& matrix, const Dense& right) {
  Dense out(matrix.rows(), right.columns);
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t e = matrix.row_begin[r]; e < matrix.row_begin[r + 1]; ++e) {
      add_scaled(out.row(r), right.row(matrix.column[e]), matrix.value[e], right.columns);
    }
  }
  return out;
}

// transpose(matrix) * right: [columns, right.columns].
Dense transposed_product(const SparseMatrix& matrix, const Dense& right) {
  Dense out(matrix.columns, right.columns);
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    for (std::size_t e = matrix.row_begin[r]; e < matrix.row_begin[r + 1]; ++e) {
      add_scaled(out.row(matrix.column[e]), right.row(r), matrix.value[e], right.columns);
    }
  }
  return out;
}

// An orthonormal basis of the columns, by Gram-Schmidt done twice; columns that the ones before
// them explain are dropped.
Dense orthonormal(const Dense& of, std::stop_token stop) {
  constexpr float kExplained = 1e-4F;  // what is left of a column, of its length
  Dense columns = transposed(of);
  std::size_t kept = 0;
  for (std::size_t c = 0; c < columns.rows; ++c) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, "fitting the semantic index was stopped");
    }
    float* const column = columns.row(c);
    const float length = std::sqrt(dot(column, column, columns.columns));
    if (!(length > 0)) continue;
    add_scaled(column, column, 1 / length - 1, columns.columns);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t k = 0; k < kept; ++k) {
        const float along = dot(columns.row(k), column, columns.columns);
        add_scaled(column, columns.row(k), -along, columns.columns);
      }
    }
    const float left = std::sqrt(dot(column, column, columns.columns));
    if (left < kExplained) continue;
    float* const place = columns.row(kept++);
    for (std::size_t i = 0; i < columns.columns; ++i) place[i] = column[i] / left;
  }
  columns.value.resize(kept * columns.columns);
  columns.rows = kept;
  return transposed(columns);
}

}  // namespace

Subspace leading_subspace(const SparseMatrix& matrix, const SubspaceOptions& options,
                          std::stop_token stop) {
  const std::size_t wanted = std::min({options.dimension, matrix.rows(), matrix.columns});
  if (wanted == 0) return {};
  Dense probe(matrix.columns, wanted);
  std::mt19937_64 random(options.seed);
  for (float& each : probe.value) each = (random() & 1U) != 0 ? 1.0F : -1.0F;
  Dense rows = orthonormal(product(matrix, probe), stop);
  for (int i = 0; i < options.iterations; ++i) {
    rows = orthonormal(product(matrix, transposed_product(matrix, rows)), stop);
  }
  Dense basis = orthonormal(transposed_product(matrix, rows), stop);
  return {.dimension = basis.columns, .basis = std::move(basis.value)};
}

}  // namespace orkestra::retrieval
