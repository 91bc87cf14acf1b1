// Products of random shapes: every weight type, every table of kernels, against the reference and
// against themselves in other pieces.

#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

using namespace orkestra;
using namespace orkestra::tests;
using model::TensorType;

namespace {

// Mostly small, sometimes at the edge of what a kernel takes together (vectors of 8 and 16 rows,
// 64 rows of a panel, tiles of 3 and 4 tokens, 512 tokens of a block).
std::int64_t random_size(Random& random, std::initializer_list<std::int64_t> edges) {
  if (random() % 2 == 0) return 1 + static_cast<std::int64_t>(random() % 20);
  const std::int64_t edge = edges.begin()[random() % edges.size()];
  return std::max<std::int64_t>(1, edge - 1 + static_cast<std::int64_t>(random() % 3));
}

struct Case {
  Case(TensorType type, Random& random)
      : rows(random_size(random, {16, 32, 64, 80, 128})),
        cols(columns(type, random)),
        n_tokens(random_size(random, {3, 4, 8, 12, 64})),
        w(type, rows, cols, random),
        x(random_floats(n_tokens * cols, random, 2.0F)) {}

  static std::int64_t columns(TensorType type, Random& random) {
    const std::int64_t block = model::info(type).block_elements;
    if (block == 1) return random_size(random, {64, 128, 256});
    return block * random_size(random, block == 32 ? std::initializer_list<std::int64_t>{8, 16}
                                                   : std::initializer_list<std::int64_t>{1, 2});
  }

  std::int64_t rows, cols, n_tokens;
  RandomMatrix w;
  std::vector<float> x;  // [n_tokens, cols]
};

// Every element within `tolerance` of the reference's, relative to its terms.
bool agrees(const Case& c, const std::vector<float>& y, double tolerance) {
  std::vector<float> row(static_cast<std::size_t>(c.cols));
  for (std::int64_t r = 0; r < c.rows; ++r) {
    model::dequantize_row(c.w.matrix, r, row.data());
    for (std::int64_t t = 0; t < c.n_tokens; ++t) {
      double sum = 0.0;
      double squares = 0.0;
      for (std::int64_t k = 0; k < c.cols; ++k) {
        const double term = static_cast<double>(row[static_cast<std::size_t>(k)]) *
                            c.x[static_cast<std::size_t>(t * c.cols + k)];
        sum += term;
        squares += term * term;
      }
      const double got = y[static_cast<std::size_t>(t * c.rows + r)];
      if (!(std::abs(got - sum) <= tolerance * std::sqrt(squares) + 1e-30)) return false;
    }
  }
  return true;
}

void check(const model::Kernels& kernels, const Case& c, double tolerance, Random& random) {
  INFO(kernels.name << " " << model::info(c.w.matrix.type).name << " [" << c.rows << ", " << c.cols
                    << "] x " << c.n_tokens);
  const std::vector<float> y = product(kernels, c.w.matrix, c.x);
  CHECK(agrees(c, y, tolerance));
  // Some of the tokens, and one range of rows, give what they gave among all.
  const auto first = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(c.n_tokens));
  const std::vector<float> some(c.x.begin() + first * c.cols, c.x.end());
  const std::vector<float> of_some = product(kernels, c.w.matrix, some);
  CHECK(same_bits(of_some, std::vector<float>(y.begin() + first * c.rows, y.end())));
  const std::int64_t groups = (c.rows + model::kRowGroup - 1) / model::kRowGroup;
  const auto group = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(groups));
  const std::int64_t begin = group * model::kRowGroup;
  const PackedMatrix packed(kernels, c.w.matrix);
  const model::PreparedActivations activations = prepared(kernels, c.w.matrix, c.x);
  std::vector<float> part(y.size(), -7.0F);
  kernels.matmul(packed.matrix, activations, part.data(), c.rows, begin, c.rows);
  for (std::int64_t t = 0; t < c.n_tokens; ++t) {
    for (std::int64_t r = 0; r < c.rows; ++r) {
      const auto at = static_cast<std::size_t>(t * c.rows + r);
      if (part[at] != (r < begin ? -7.0F : y[at])) FAIL("row " << r << " of token " << t);
    }
  }
}

}  // namespace

TEST_CASE("products of random shapes agree with float64, and with themselves in pieces") {
  Random random(2024);
  for (const model::TensorTypeInfo& format : model::tensor_types()) {
    for (int i = 0; i < 40; ++i) {
      const Case c(format.type, random);
      for (const model::Kernels* kernels : kernel_sets()) {
        // Of floats: rounding. Of the others: sixteen bits for the largest of 256 activations, and
        // minima, which are larger than what is left of them.
        check(*kernels, c, format.block_elements == 1 ? 2e-6 : 5e-4, random);
      }
    }
  }
}

TEST_CASE("more tokens than share an unpacked panel give the bits of each alone") {
  Random random(5);
  for (const model::TensorTypeInfo& format : model::tensor_types()) {
    const std::int64_t cols = 2 * std::max<std::int64_t>(format.block_elements, 32);
    const RandomMatrix w(format.type, 20, cols, random);
    const std::vector<float> x = random_floats(1030 * cols, random);
    for (const model::Kernels* kernels : kernel_sets()) {
      INFO(kernels->name << " " << format.name);
      const std::vector<float> y = product(*kernels, w.matrix, x);
      for (const std::int64_t t : {0, 511, 512, 513, 1023, 1024, 1029}) {
        const std::vector<float> one(x.begin() + t * cols, x.begin() + (t + 1) * cols);
        CHECK(same_bits(product(*kernels, w.matrix, one),
                        std::vector<float>(y.begin() + t * 20, y.begin() + (t + 1) * 20)));
      }
    }
  }
}
