#include <orkestra/model/quantize/quantise.h>
#include <orkestra/model/quantize/quantise_blocks.h>

#include <cstring>

namespace orkestra::model {

namespace {

template <typename Block, int kElements>
void quantise_blocks(const float* x, std::int64_t cols, std::byte* out) {
  auto* blocks = reinterpret_cast<Block*>(out);
  for (std::int64_t i = 0; i < cols / kElements; ++i) quantise(x + i * kElements, blocks[i]);
}

template <std::uint16_t (*kConvert)(float)>
void convert_row(const float* x, std::int64_t cols, std::byte* out) {
  for (std::int64_t i = 0; i < cols; ++i) {
    const std::uint16_t bits = kConvert(x[i]);
    std::memcpy(out + 2 * i, &bits, sizeof bits);
  }
}

}  // namespace

void quantise_row(TensorType type, const float* x, std::int64_t cols, std::byte* out) {
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out, x, static_cast<std::size_t>(cols) * sizeof(float));
      return;
    case TensorType::kF16:
      return convert_row<float_to_f16>(x, cols, out);
    case TensorType::kBF16:
      return convert_row<float_to_bf16>(x, cols, out);
    case TensorType::kQ4_0:
      return quantise_blocks<BlockQ4_0, kBlock32>(x, cols, out);
    case TensorType::kQ4_1:
      return quantise_blocks<BlockQ4_1, kBlock32>(x, cols, out);
    case TensorType::kQ5_0:
      return quantise_blocks<BlockQ5_0, kBlock32>(x, cols, out);
    case TensorType::kQ5_1:
      return quantise_blocks<BlockQ5_1, kBlock32>(x, cols, out);
    case TensorType::kQ8_0:
      return quantise_blocks<BlockQ8_0, kBlock32>(x, cols, out);
    case TensorType::kIQ4_NL:
      return quantise_blocks<BlockIQ4_NL, kBlock32>(x, cols, out);
    case TensorType::kIQ4_XS:
      return quantise_blocks<BlockIQ4_XS, kBlock256>(x, cols, out);
    case TensorType::kQ2_K:
      return quantise_blocks<BlockQ2_K, kBlock256>(x, cols, out);
    case TensorType::kQ3_K:
      return quantise_blocks<BlockQ3_K, kBlock256>(x, cols, out);
    case TensorType::kQ4_K:
      return quantise_blocks<BlockQ4_K, kBlock256>(x, cols, out);
    case TensorType::kQ5_K:
      return quantise_blocks<BlockQ5_K, kBlock256>(x, cols, out);
    case TensorType::kQ6_K:
      return quantise_blocks<BlockQ6_K, kBlock256>(x, cols, out);
  }
}

}  // namespace orkestra::model
