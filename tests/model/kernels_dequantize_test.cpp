// Weights as floats: half floats against the definition, blocks against hand-computed values.

#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/float16.h>
#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <bit>
#include <limits>
#include <numeric>

using namespace orkestra;
using namespace orkestra::tests;
using model::TensorType;

namespace {

// IEEE 754 binary16, straight from its definition.
double half_by_definition(std::uint32_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>((bits >> 10U) & 31U);
  const double fraction = static_cast<double>(bits & 1023U) / 1024.0;
  if (exponent == 31) {
    return fraction == 0.0 ? sign * std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -14);
  return sign * std::ldexp(1.0 + fraction, exponent - 15);
}

// One block as a matrix of one row.
template <typename Block>
std::vector<float> values_of(const Block& block, TensorType type, std::int64_t cols) {
  std::vector<float> out(static_cast<std::size_t>(cols));
  model::dequantize_row({type, 1, cols, reinterpret_cast<const std::byte*>(&block)}, 0, out.data());
  return out;
}

void set_half(std::uint8_t* at, std::uint16_t bits) {
  at[0] = static_cast<std::uint8_t>(bits & 255U);
  at[1] = static_cast<std::uint8_t>(bits >> 8U);
}

constexpr std::uint16_t kHalf = 0x3800;     // 0.5
constexpr std::uint16_t kQuarter = 0x3400;  // 0.25
constexpr std::uint16_t kMinusTwo = 0xC000;

}  // namespace

TEST_CASE("all 65,536 half floats convert exactly") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const double expected = half_by_definition(bits);
    const float got = model::f16_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(got));
    } else if (static_cast<double>(got) != expected ||
               std::signbit(got) != std::signbit(expected)) {
      FAIL(bits << " became " << got << ", not " << expected);
    }
  }
}

TEST_CASE("all 65,536 bfloat16 are the upper halves of floats") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float got = model::bf16_to_float(static_cast<std::uint16_t>(bits));
    if (std::bit_cast<std::uint32_t>(got) != bits << 16U) FAIL(bits);
  }
}

TEST_CASE("a product with a half-float column converts all finite values exactly") {
  std::vector<std::uint16_t> bits(65536);
  std::iota(bits.begin(), bits.end(), std::uint16_t{0});
  const model::Matrix column{TensorType::kF16, 65536, 1,
                             reinterpret_cast<const std::byte*>(bits.data())};
  for (const model::Kernels* kernels : kernel_sets()) {
    const std::vector<float> y = product(*kernels, column, {1.0F});
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const double expected = half_by_definition(i);
      if (std::isfinite(expected) && static_cast<double>(y[i]) != expected) {
        FAIL(kernels->name << " " << i);
      }
    }
  }
}

TEST_CASE("Q8_0: d * q") {
  model::BlockQ8_0 block{};
  set_half(block.d, kHalf);
  block.q[0] = 127;
  block.q[1] = -128;
  block.q[31] = 3;
  const auto x = values_of(block, TensorType::kQ8_0, 32);
  CHECK(x[0] == 63.5F);
  CHECK(x[1] == -64.0F);
  CHECK(x[2] == 0.0F);
  CHECK(x[31] == 1.5F);
}

TEST_CASE("Q5_0: nibbles with a fifth bit, minus 16") {
  model::BlockQ5_0 block{};
  set_half(block.d, kMinusTwo);
  block.low[0] = 0x3F;   // elements 0 and 16: low nibbles 15 and 3
  block.low[15] = 0x80;  // elements 15 and 31: 0 and 8
  block.high[0] = 0x01;  // fifth bit of element 0
  block.high[3] = 0x80;  // fifth bit of element 31
  const auto x = values_of(block, TensorType::kQ5_0, 32);
  CHECK(x[0] == -2.0F * (31 - 16));
  CHECK(x[16] == -2.0F * (3 - 16));
  CHECK(x[15] == -2.0F * (0 - 16));
  CHECK(x[31] == -2.0F * (24 - 16));
  CHECK(x[1] == 32.0F);
}

TEST_CASE("Q4_K: six-bit scales and minima") {
  model::BlockQ4_K block{};
  set_half(block.d, kHalf);
  set_half(block.dmin, kQuarter);
  block.scales[1] = 5 | (2 << 6);  // scale 1 = 5; upper bits of scale 5 = 2
  block.scales[5] = 9 | (3 << 6);  // minimum 1 = 9; upper bits of minimum 5 = 3
  block.scales[9] = 0x71;          // scale 5: low bits 1; minimum 5: low bits 7
  block.q[0] = 0xC4;               // element 0 (sub-block 0): 4; element 32 (sub-block 1): 12
  block.q[64 + 31] = 0xB0;         // element 159 (sub-block 4): 0; element 191 (sub-block 5): 11
  const auto x = values_of(block, TensorType::kQ4_K, 256);
  CHECK(x[0] == 0.0F);                                 // scale 0, minimum 0
  CHECK(x[32] == 0.5F * 5 * 12 - 0.25F * 9);           // sub-block 1
  CHECK(x[33] == -0.25F * 9);                          // q = 0
  CHECK(x[191] == 0.5F * 33 * 11 - 0.25F * (48 + 7));  // sub-block 5: 2 << 4 | 1, 3 << 4 | 7
  CHECK(x[255] == 0.0F);
}

TEST_CASE("Q6_K: six bits in two places, minus 32") {
  model::BlockQ6_K block{};
  set_half(block.d, kHalf);
  for (int s = 0; s < 16; ++s) block.scales[s] = static_cast<std::int8_t>(s - 8);
  block.low[0] = 0x5A;    // elements 0 and 64: low bits 10 and 5
  block.low[32] = 0x21;   // elements 32 and 96: 1 and 2
  block.high[0] = 0xE4;   // upper bits of elements 0, 32, 64, 96: 0, 1, 2, 3
  block.low[127] = 0xF0;  // elements 191 (0) and 255 (15)
  block.high[63] = 0xC0;  // upper bits of element 255: 3
  const auto x = values_of(block, TensorType::kQ6_K, 256);
  CHECK(x[0] == 0.5F * -8 * (10 - 32));
  CHECK(x[32] == 0.5F * -6 * (1 + 16 - 32));
  CHECK(x[64] == 0.5F * -4 * (5 + 32 - 32));
  CHECK(x[96] == 0.5F * -2 * (2 + 48 - 32));
  CHECK(x[191] == 0.5F * 3 * (0 - 32));
  CHECK(x[255] == 0.5F * 7 * (15 + 48 - 32));
}

TEST_CASE("every quantised type reads as the program that wrote it reads it") {
  const auto file =
      model::GgufFile::open(std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden/blocks/blocks.gguf");
  for (const TensorType type : kQuantisedTypes) {
    const std::string name(model::info(type).name);
    INFO(name);
    const auto* blocks = file->find_tensor(name + ".blocks");
    const auto* values = file->find_tensor(name + ".values");
    REQUIRE(blocks != nullptr);
    REQUIRE(values != nullptr);
    REQUIRE(blocks->type == type);
    const model::Matrix matrix{type, blocks->rows(), blocks->row_length(), blocks->data.data()};
    std::vector<float> expected(static_cast<std::size_t>(matrix.rows * matrix.cols));
    std::memcpy(expected.data(), values->data.data(), values->data.size());
    std::vector<float> got(expected.size());
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
      model::dequantize_row(matrix, row, got.data() + row * matrix.cols);
    }
    CHECK(got == expected);
  }
}

TEST_CASE("floats become the nearest half floats and bfloat16") {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {  // all finite positive halves
    const auto half = static_cast<std::uint16_t>(bits);
    const double here = half_by_definition(half);
    const double next = bits == 0x7BFF ? 65536.0 : half_by_definition(half + 1);
    const auto middle = static_cast<float>((here + next) / 2);  // exact in float
    const std::uint16_t even = (bits & 1U) == 0 ? half : static_cast<std::uint16_t>(half + 1);
    REQUIRE(model::float_to_f16(static_cast<float>(here)) == half);
    REQUIRE(model::float_to_f16(-static_cast<float>(here)) == (half | 0x8000U));
    REQUIRE(model::float_to_f16(middle) == even);
    REQUIRE(model::float_to_f16(std::nextafter(middle, 0.0F)) == half);
    REQUIRE(model::float_to_f16(std::nextafter(middle, 1e6F)) == half + 1);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(model::float_to_f16(infinity) == 0x7C00);
  CHECK(model::float_to_f16(-1e30F) == 0xFC00);
  CHECK(std::isnan(model::f16_to_float(model::float_to_f16(std::nanf("")))));
  CHECK(model::float_to_f16(1e-30F) == 0);
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = model::bf16_to_float(static_cast<std::uint16_t>(bits));
    if (!std::isnan(value)) REQUIRE(model::float_to_bf16(value) == bits);
  }
  CHECK(model::float_to_bf16(std::bit_cast<float>(0x3F808000U)) == 0x3F80);  // a tie, to even
  CHECK(model::float_to_bf16(std::bit_cast<float>(0x3F818000U)) == 0x3F82);
  CHECK(std::isnan(model::bf16_to_float(model::float_to_bf16(std::nanf("")))));
}

TEST_CASE("rows of a matrix follow each other") {
  Random random(1);
  const RandomMatrix w(TensorType::kQ4_K, 3, 512, random);
  std::vector<float> second(512);
  model::dequantize_row(w.matrix, 1, second.data());
  const auto first_half = values_of(
      *reinterpret_cast<const model::BlockQ4_K*>(w.bytes.data() + 2 * sizeof(model::BlockQ4_K)),
      TensorType::kQ4_K, 256);
  CHECK(std::equal(first_half.begin(), first_half.end(), second.begin()));
}
