// Products: fast kernels against the reference, and every set against itself, bit by bit.

#include <orkestra/model/format/blocks.h>
#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <cstdio>
#include <limits>

using namespace orkestra;
using namespace orkestra::tests;
using model::TensorType;

namespace {

std::vector<std::int64_t> column_counts(TensorType type) {
  switch (model::info(type).block_elements) {
    case 1:
      return {1, 4, 7, 8, 9, 12, 16, 23, 44, 100, 255, 257};
    case 32:
      return {32, 64, 96, 224, 1056};
    default:
      return {256, 512, 1280};
  }
}

// Computes `w` times `x` in pieces: tokens one at a time, or rows in random ranges.
std::vector<float> one_token_at_a_time(const model::Kernels& kernels, const model::Matrix& w,
                                       const std::vector<float>& x) {
  std::vector<float> y;
  for (std::size_t t = 0; t < x.size(); t += static_cast<std::size_t>(w.cols)) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(t);
    const auto row = product(kernels, w, std::vector<float>(begin, begin + w.cols));
    y.insert(y.end(), row.begin(), row.end());
  }
  return y;
}

std::vector<float> in_row_ranges(const model::Kernels& kernels, const model::Matrix& w,
                                 const std::vector<float>& x, Random& random) {
  const PackedMatrix packed(kernels, w);
  const model::PreparedActivations activations = prepared(kernels, w, x);
  std::vector<float> y(static_cast<std::size_t>(activations.n_tokens * w.rows));
  for (std::int64_t row = 0; row < w.rows;) {
    const auto groups = static_cast<std::int64_t>(1 + random() % 6);
    const std::int64_t end = std::min(w.rows, row + groups * model::kRowGroup);
    kernels.matmul(packed.matrix, activations, y.data(), w.rows, row, end);
    row = end;
  }
  return y;
}

// The largest difference of an element, over the root of the sum of its terms' squares.
double largest_error(const std::vector<float>& got, const std::vector<float>& expected,
                     const model::Matrix& w, const std::vector<float>& x) {
  double largest = 0.0;
  std::vector<float> row(static_cast<std::size_t>(w.cols));
  const std::size_t n_rows = static_cast<std::size_t>(w.rows);
  for (std::size_t i = 0; i < got.size(); ++i) {
    model::dequantize_row(w, static_cast<std::int64_t>(i % n_rows), row.data());
    double squares = 1e-30;
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double term = static_cast<double>(row[k]) * x[i / n_rows * row.size() + k];
      squares += term * term;
    }
    const double difference = static_cast<double>(got[i]) - expected[i];
    largest = std::max(largest, std::abs(difference) / std::sqrt(squares));
  }
  return largest;
}

void check_products(TensorType type, double tolerance) {
  Random random(static_cast<std::uint32_t>(type) + 7);
  double worst = 0.0;
  for (const std::int64_t cols : column_counts(type)) {
    for (const std::int64_t rows : {1, 16, 19, 84}) {
      for (const std::int64_t n_tokens : {1, 2, 3, 4, 5, 13, 70, 131}) {
        const RandomMatrix w(type, rows, cols, random);
        const std::vector<float> x = random_floats(n_tokens * cols, random, 3.0F);
        const std::vector<float> expected = product(model::reference_kernels(), w.matrix, x);
        for (const model::Kernels* kernels : kernel_sets()) {
          INFO(kernels->name << " " << model::info(type).name << " [" << rows << ", " << cols
                             << "] x " << n_tokens);
          const std::vector<float> y = product(*kernels, w.matrix, x);
          // Over many elements the error is that of the activations. Few may cancel, so there it is
          // held against the terms.
          if (rows * n_tokens >= 100) {
            const double error = relative_error(y, expected);
            worst = std::max(worst, error);
            CHECK(error < tolerance);
          } else {
            CHECK(largest_error(y, expected, w.matrix, x) < 4 * tolerance);
          }
          CHECK(same_bits(y, one_token_at_a_time(*kernels, w.matrix, x)));
          CHECK(same_bits(y, in_row_ranges(*kernels, w.matrix, x, random)));
        }
      }
    }
  }
  std::printf("  %-5s largest relative error %.2e\n", model::info(type).name.data(), worst);
}

}  // namespace

TEST_CASE("products of float weights agree with float64 and with their own pieces") {
  for (const TensorType type : kFloatTypes) check_products(type, 5e-7);
}

TEST_CASE("products of quantised weights agree with float64 and with their own pieces") {
  // Sixteen bits for the 256 activations that share a scale.
  for (const TensorType type : kQuantisedTypes) check_products(type, 7e-5);
}

TEST_CASE("a product's bits are the same among any few tokens") {
  Random random(13);
  for (const TensorType type : kQuantisedTypes) {
    const RandomMatrix w(type, 84, 1280, random);
    const std::vector<float> x = random_floats(41 * w.matrix.cols, random, 3.0F);
    for (const model::Kernels* kernels : kernel_sets()) {
      const std::vector<float> expected = one_token_at_a_time(*kernels, w.matrix, x);
      for (std::int64_t n = 2; n <= 41; ++n) {
        INFO(kernels->name << " " << model::info(type).name << " x " << n);
        const std::vector<float> few(x.begin(), x.begin() + n * w.matrix.cols);
        const std::vector<float> y = product(*kernels, w.matrix, few);
        CHECK(same_bits(y, {expected.begin(), expected.begin() + n * w.matrix.rows}));
      }
    }
  }
}

TEST_CASE("rows longer than the unpacking buffer give the same bits for one token and many") {
  Random random(3);
  for (const TensorType type : kQuantisedTypes) {
    for (const std::int64_t cols : {16384, 16640}) {
      const RandomMatrix w(type, 3, cols, random);
      const std::vector<float> x = random_floats(6 * cols, random);
      for (const model::Kernels* kernels : kernel_sets()) {
        const std::vector<float> y = product(*kernels, w.matrix, x);
        CHECK(same_bits(y, one_token_at_a_time(*kernels, w.matrix, x)));
        CHECK(relative_error(y, product(model::reference_kernels(), w.matrix, x)) < 5e-5);
      }
    }
  }
}

TEST_CASE("the largest weights times the largest activations do not overflow") {
  const std::vector<float> x(512, -3.0F);
  for (const TensorType type : kQuantisedTypes) {
    Random random(5);
    RandomMatrix w(type, 1, 512, random);
    const std::size_t block = model::info(type).block_bytes;
    for (std::size_t at = 0; at < w.bytes.size(); at += block) {
      // The most negative value of every field, or the largest where there is no sign.
      std::byte* p = w.bytes.data() + at;
      if (type == TensorType::kQ8_0) std::memset(p + 2, 0x80, 32);
      if (type == TensorType::kQ5_0) std::memset(p + 2, 0, 20);
      if (type == TensorType::kQ4_K) std::memset(p + 4, 0xFF, 140);
      if (type == TensorType::kQ5_K) std::memset(p + 4, 0xFF, 172);
      if (type == TensorType::kQ4_0 || type == TensorType::kIQ4_NL) std::memset(p + 2, 0, 16);
      if (type == TensorType::kQ4_1 || type == TensorType::kQ5_1) {
        std::memset(p + 4, 0xFF, block - 4);
      }
      if (type == TensorType::kQ2_K) std::memset(p, 0xFF, 80);
      if (type == TensorType::kQ3_K) std::memset(p, 0, 108);
      if (type == TensorType::kIQ4_XS) std::memset(p + 2, 0, 134);
      if (type == TensorType::kQ6_K) {
        std::memset(p, 0, 192);
        std::memset(p + 192, 0x80, 16);
      }
    }
    const std::vector<float> expected = product(model::reference_kernels(), w.matrix, x);
    for (const model::Kernels* kernels : kernel_sets()) {
      INFO(kernels->name << " " << model::info(type).name);
      CHECK(relative_error(product(*kernels, w.matrix, x), expected) < 1e-6);
    }
  }
}

TEST_CASE("blocks of zeros, tiny, huge and not-a-number activations") {
  Random random(9);
  for (const TensorType type : kQuantisedTypes) {
    const RandomMatrix w(type, 2, 512, random);
    for (const model::Kernels* kernels : kernel_sets()) {
      INFO(kernels->name << " " << model::info(type).name);
      CHECK(product(*kernels, w.matrix, std::vector<float>(512, 0.0F)) ==
            std::vector<float>{0.0F, 0.0F});
      std::vector<float> x = random_floats(512, random, 1e-20F);
      for (std::size_t i = 0; i < 128; ++i) x[i] *= 1e-25F;  // subnormal and zero
      for (std::size_t i = 128; i < 256; ++i) x[i] *= 1e30F;
      CHECK(relative_error(product(*kernels, w.matrix, x),
                           product(model::reference_kernels(), w.matrix, x)) < 2e-4);
      for (const float bad :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> two = random_floats(2 * 512, random);
        const auto good =
            product(*kernels, w.matrix, std::vector<float>(two.begin() + 512, two.end()));
        two[100] = bad;
        const auto y = product(*kernels, w.matrix, two);
        CHECK_FALSE(std::isfinite(y[0]));
        CHECK_FALSE(std::isfinite(y[1]));
        CHECK(same_bits({y[2], y[3]}, good));  // the other token does not notice
      }
    }
  }
}

TEST_CASE("the best kernels are the fastest this processor can run") {
  const auto sets = kernel_sets();
  CHECK(model::best_kernels().name == sets.back()->name);
}

TEST_CASE("vectors of any width give the same bits") {
  if (model::avx512_kernels() == nullptr) {
    std::printf("  no AVX-512 here: nothing to compare\n");
    return;
  }
  Random random(11);
  for (const TensorType type : kQuantisedTypes) {
    for (const std::int64_t n_tokens : {1, 9}) {
      const RandomMatrix w(type, 75, 1280, random);
      const std::vector<float> x = random_floats(n_tokens * 1280, random);
      CHECK(same_bits(product(*model::avx512_kernels(), w.matrix, x),
                      product(*model::avx2_kernels(), w.matrix, x)));
    }
  }
}
