#include <orkestra/bench/random_model/random_blocks.h>
#include <orkestra/core/error.h>
#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/float16.h>
#include <orkestra/model/format/tensor_type.h>

#include <cstring>
#include <string>

namespace orkestra::bench {

namespace {

using model::TensorType;

void set_half(std::uint8_t* at, float value) {
  const std::uint16_t bits = model::float_to_f16(value);
  at[0] = static_cast<std::uint8_t>(bits & 255U);
  at[1] = static_cast<std::uint8_t>(bits >> 8U);
}

// The spread of integers uniform in [0, n).
float uniform_deviation(int n) { return static_cast<float>(n) / 3.4641016F; }

// Around 1, so that blocks differ.
float jitter(RandomBits& random) { return 0.75F + 0.5F * random.uniform(); }

// The same 6-bit number for scale and minimum makes the mean zero where dmin = d * mean of q.
void set_scales(std::uint8_t* scales, RandomBits& random) {
  const std::uint64_t bits = random.next();
  for (int i = 0; i < 4; ++i) {
    const auto low =
        static_cast<std::uint8_t>(32U | ((bits >> (10U * static_cast<unsigned>(i))) & 31U));
    const auto high =
        static_cast<std::uint8_t>(32U | ((bits >> (10U * static_cast<unsigned>(i) + 5U)) & 31U));
    scales[i] = static_cast<std::uint8_t>(low | ((high >> 4U) << 6U));
    scales[i + 4] = static_cast<std::uint8_t>(low | ((high >> 4U) << 6U));
    scales[i + 8] = static_cast<std::uint8_t>((high & 15U) | ((high & 15U) << 4U));
  }
}

constexpr float kMeanScale = 47.5F;  // of 32 .. 63

void shape(model::BlockQ8_0& block, float deviation, RandomBits& random) {
  set_half(block.d, deviation / uniform_deviation(255) * jitter(random));
  for (std::int8_t& q : block.q) q = q == -128 ? std::int8_t{0} : q;
}
void shape(model::BlockQ4_0& block, float deviation, RandomBits& random) {
  set_half(block.d, deviation / uniform_deviation(16) * jitter(random));
}
void shape(model::BlockQ4_1& block, float deviation, RandomBits& random) {
  const float d = deviation / uniform_deviation(16) * jitter(random);
  set_half(block.d, d);
  set_half(block.m, -7.5F * d);
}
void shape(model::BlockQ5_0& block, float deviation, RandomBits& random) {
  set_half(block.d, deviation / uniform_deviation(32) * jitter(random));
}
void shape(model::BlockQ5_1& block, float deviation, RandomBits& random) {
  const float d = deviation / uniform_deviation(32) * jitter(random);
  set_half(block.d, d);
  set_half(block.m, -15.5F * d);
}
void shape(model::BlockQ4_K& block, float deviation, RandomBits& random) {
  const float d = deviation / uniform_deviation(16) / kMeanScale * jitter(random);
  set_half(block.d, d);
  set_half(block.dmin, 7.5F * d);
  set_scales(block.scales, random);
}
void shape(model::BlockQ5_K& block, float deviation, RandomBits& random) {
  const float d = deviation / uniform_deviation(32) / kMeanScale * jitter(random);
  set_half(block.d, d);
  set_half(block.dmin, 15.5F * d);
  set_scales(block.scales, random);
}
void shape(model::BlockQ6_K& block, float deviation, RandomBits& random) {
  set_half(block.d, deviation / uniform_deviation(64) / 95.5F * jitter(random));
  // Magnitudes of 64 to 127, either sign.
  for (std::int8_t& s : block.scales) {
    const int magnitude = 64 | (s & 63);
    s = static_cast<std::int8_t>(s < 0 ? -magnitude : magnitude);
  }
}

void fill_bits(RandomBits& random, std::span<std::byte> out) {
  std::size_t at = 0;
  for (; at + 8 <= out.size(); at += 8) {
    const std::uint64_t bits = random.next();
    std::memcpy(out.data() + at, &bits, 8);
  }
  const std::uint64_t bits = random.next();
  std::memcpy(out.data() + at, &bits, out.size() - at);
}

template <typename Block>
void fill_blocks(float deviation, RandomBits& random, std::span<std::byte> out) {
  fill_bits(random, out);
  auto* blocks = reinterpret_cast<Block*>(out.data());
  for (std::size_t i = 0; i < out.size() / sizeof(Block); ++i) shape(blocks[i], deviation, random);
}

template <typename T, typename Convert>
void fill_floats(float deviation, RandomBits& random, std::span<std::byte> out, Convert convert) {
  for (std::size_t at = 0; at < out.size(); at += sizeof(T)) {
    const T value = convert(deviation * random.normal());
    std::memcpy(out.data() + at, &value, sizeof value);
  }
}

}  // namespace

void fill_random(TensorType type, float deviation, RandomBits& random, std::span<std::byte> out) {
  switch (type) {
    case TensorType::kF32:
      return fill_floats<float>(deviation, random, out, [](float x) { return x; });
    case TensorType::kF16:
      return fill_floats<std::uint16_t>(deviation, random, out, model::float_to_f16);
    case TensorType::kBF16:
      return fill_floats<std::uint16_t>(deviation, random, out, model::float_to_bf16);
    case TensorType::kQ8_0:
      return fill_blocks<model::BlockQ8_0>(deviation, random, out);
    case TensorType::kQ4_0:
      return fill_blocks<model::BlockQ4_0>(deviation, random, out);
    case TensorType::kQ4_1:
      return fill_blocks<model::BlockQ4_1>(deviation, random, out);
    case TensorType::kQ5_0:
      return fill_blocks<model::BlockQ5_0>(deviation, random, out);
    case TensorType::kQ5_1:
      return fill_blocks<model::BlockQ5_1>(deviation, random, out);
    case TensorType::kQ4_K:
      return fill_blocks<model::BlockQ4_K>(deviation, random, out);
    case TensorType::kQ5_K:
      return fill_blocks<model::BlockQ5_K>(deviation, random, out);
    case TensorType::kQ6_K:
      return fill_blocks<model::BlockQ6_K>(deviation, random, out);
    default:
      throw Error(
          ErrorCode::kUnsupported,
          "random weights of type " + std::string(model::info(type).name) + " are not made");
  }
}

}  // namespace orkestra::bench
