// Random operands for the kernel tests: weights of every type, activations, and how results are
// compared.
#pragma once

#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/kernels.h>
#include <orkestra/model/kernels/packing.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace orkestra::tests {

using Random = std::mt19937;

inline constexpr model::TensorType kQuantisedTypes[] = {
    model::TensorType::kQ4_0, model::TensorType::kQ4_1,   model::TensorType::kQ5_0,
    model::TensorType::kQ5_1, model::TensorType::kQ8_0,   model::TensorType::kQ2_K,
    model::TensorType::kQ3_K, model::TensorType::kQ4_K,   model::TensorType::kQ5_K,
    model::TensorType::kQ6_K, model::TensorType::kIQ4_NL, model::TensorType::kIQ4_XS};
inline constexpr model::TensorType kFloatTypes[] = {
    model::TensorType::kF32, model::TensorType::kF16, model::TensorType::kBF16};

inline std::vector<float> random_floats(std::int64_t n, Random& random, float scale = 1.0F) {
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(random);
  return values;
}

// The kernel tables this processor can run.
inline std::vector<const model::Kernels*> kernel_sets() {
  std::vector<const model::Kernels*> sets{&model::reference_kernels()};
  for (const model::Kernels* kernels : {model::avx2_kernels(), model::avx512_kernels()}) {
    if (kernels != nullptr) sets.push_back(kernels);
  }
  return sets;
}

// A weight matrix and its bytes.
struct RandomMatrix {
  RandomMatrix(model::TensorType type, std::int64_t rows, std::int64_t cols, Random& random)
      : bytes(static_cast<std::size_t>(rows) * model::row_bytes(type, cols)),
        matrix{type, rows, cols, bytes.data()} {
    if (type == model::TensorType::kF32) {
      const std::vector<float> values = random_floats(rows * cols, random);
      std::memcpy(bytes.data(), values.data(), bytes.size());
      return;
    }
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 255U);
    const auto set_half = [&](std::size_t at, std::uint64_t exponent_bits) {
      // A half float of moderate size: random sign and fraction, exponent around 1/16.
      const std::uint64_t bits =
          ((random() & 1U) << 15U) | (exponent_bits << 10U) | (random() & 1023U);
      bytes[at] = static_cast<std::byte>(bits & 255U);
      bytes[at + 1] = static_cast<std::byte>(bits >> 8U);
    };
    const std::size_t block = model::info(type).block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += block) {
      switch (type) {
        case model::TensorType::kF32:
          break;
        case model::TensorType::kF16:
          set_half(at, 8 + random() % 8);
          break;
        case model::TensorType::kBF16:  // the exponent's upper bits: magnitudes 2^-31 .. 2^1
          bytes[at + 1] = static_cast<std::byte>(0x30U | (random() & 0x8FU));
          break;
        case model::TensorType::kQ8_0:
        case model::TensorType::kQ5_0:
        case model::TensorType::kQ4_0:
        case model::TensorType::kIQ4_NL:
        case model::TensorType::kIQ4_XS:
          set_half(at, 10 + random() % 3);
          break;
        case model::TensorType::kQ4_1:
        case model::TensorType::kQ5_1:
        case model::TensorType::kQ4_K:
        case model::TensorType::kQ5_K:
          set_half(at, 10 + random() % 3);
          set_half(at + 2, 10 + random() % 3);
          break;
        case model::TensorType::kQ2_K:
          set_half(at + block - 2, 8 + random() % 3);
          set_half(at + block - 4, 8 + random() % 3);
          break;
        case model::TensorType::kQ3_K:
        case model::TensorType::kQ6_K:
          set_half(at + block - 2, 8 + random() % 3);
          break;
      }
    }
  }
  RandomMatrix(const RandomMatrix&) = delete;
  RandomMatrix& operator=(const RandomMatrix&) = delete;

  std::vector<std::byte> bytes;
  model::Matrix matrix;
};

// A matrix as a table's products want it; owns the rearranged bytes.
struct PackedMatrix {
  PackedMatrix(const model::Kernels& kernels, const model::Matrix& w) : matrix(w) {
    if (!kernels.packs(w.type)) return;
    bytes.resize(model::packed_bytes(w));
    model::pack_rows(w, 0, (w.rows + model::kRowGroup - 1) / model::kRowGroup, bytes.data());
    matrix.data = bytes.data();
  }
  PackedMatrix(const PackedMatrix&) = delete;
  PackedMatrix& operator=(const PackedMatrix&) = delete;

  std::vector<std::byte> bytes;
  model::Matrix matrix;
};

// x: [n_tokens, cols], borrowed.
inline model::PreparedActivations prepared(const model::Kernels& kernels, const model::Matrix& w,
                                           const std::vector<float>& x) {
  model::PreparedActivations out{
      .n_tokens = static_cast<std::int64_t>(x.size()) / w.cols, .cols = w.cols, .values = x.data()};
  const auto groups = static_cast<std::size_t>(out.n_tokens * ((w.cols + 255) / 256));
  out.integers.resize(256 * groups);
  out.scales.resize(groups);
  out.sums.resize(24 * groups);
  if (kernels.quantises(w.type)) kernels.prepare(0, out.n_tokens, out);
  return out;
}

// y: [n_tokens, rows]
inline std::vector<float> product(const model::Kernels& kernels, const model::Matrix& w,
                                  const std::vector<float>& x) {
  const PackedMatrix packed(kernels, w);
  const model::PreparedActivations activations = prepared(kernels, w, x);
  std::vector<float> y(static_cast<std::size_t>(activations.n_tokens * w.rows), -1.0F);
  kernels.matmul(packed.matrix, activations, y.data(), w.rows, 0, w.rows);
  return y;
}

// Root mean square of the differences over that of `expected`.
inline double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double squares = 0.0;
  double error = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = static_cast<double>(got[i]) - expected[i];
    error += difference * difference;
    squares += static_cast<double>(expected[i]) * expected[i];
  }
  return squares == 0.0 ? std::sqrt(error) : std::sqrt(error / squares);
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

}  // namespace orkestra::tests
