// Weights as floats, written from the block layouts in model/format/blocks.h.

#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/float16.h>
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/kernels.h>

#include <cstring>

namespace orkestra::model {

namespace {

std::uint16_t little_endian_16(const std::uint8_t* bytes) {
  return static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8));
}

float half(const std::uint8_t* bytes) { return f16_to_float(little_endian_16(bytes)); }

// out: [32]
void dequantize(const BlockQ8_0& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) out[i] = d * static_cast<float>(block.q[i]);
}

// out: [32]
void dequantize(const BlockQ5_0& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) {
    const int low = i < 16 ? block.low[i] & 15 : block.low[i - 16] >> 4;
    const int fifth = (block.high[i / 8] >> (i % 8)) & 1;
    out[i] = d * static_cast<float>((low | (fifth << 4)) - 16);
  }
}

// out: [256]. d * scale and dmin * minimum are exact in float, so an element is rounded once.
void dequantize(const BlockQ4_K& block, float* out) {
  const float d = half(block.d);
  const float dmin = half(block.dmin);
  const std::uint8_t* s = block.scales;
  for (int sub = 0; sub < 8; ++sub) {
    const int scale = sub < 4 ? s[sub] & 63 : (s[sub + 4] & 15) | ((s[sub - 4] >> 6) << 4);
    const int minimum = sub < 4 ? s[sub + 4] & 63 : (s[sub + 4] >> 4) | ((s[sub] >> 6) << 4);
    const float factor = d * static_cast<float>(scale);
    const float offset = dmin * static_cast<float>(minimum);
    for (int i = 0; i < 32; ++i) {
      const int q = (block.q[32 * (sub / 2) + i] >> (4 * (sub % 2))) & 15;
      out[32 * sub + i] = factor * static_cast<float>(q) - offset;
    }
  }
}

// out: [256]
void dequantize(const BlockQ6_K& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock256; ++i) {
    const int half_index = i / 128;
    const int group = i % 128 / 32;
    const int l = i % 32;
    const int low = (block.low[64 * half_index + 32 * (group % 2) + l] >> (4 * (group / 2))) & 15;
    const int high = (block.high[32 * half_index + l] >> (2 * group)) & 3;
    const float scale = d * static_cast<float>(block.scales[i / 16]);
    out[i] = scale * static_cast<float>((low | (high << 4)) - 32);
  }
}

template <typename Block, int kElements>
void dequantize_blocks(const std::byte* row, std::int64_t cols, float* out) {
  const auto* blocks = reinterpret_cast<const Block*>(row);
  for (std::int64_t i = 0; i < cols / kElements; ++i) dequantize(blocks[i], out + i * kElements);
}

template <float (*kConvert)(std::uint16_t)>
void convert_row(const std::byte* row, std::int64_t cols, float* out) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row);
  for (std::int64_t i = 0; i < cols; ++i) out[i] = kConvert(little_endian_16(bytes + 2 * i));
}

}  // namespace

void dequantize_row(const Matrix& matrix, std::int64_t row, float* out) {
  const std::size_t bytes = row_bytes(matrix.type, matrix.cols);
  const std::byte* data = matrix.data + static_cast<std::size_t>(row) * bytes;
  switch (matrix.type) {
    case TensorType::kF32:
      std::memcpy(out, data, bytes);
      return;
    case TensorType::kF16:
      return convert_row<f16_to_float>(data, matrix.cols, out);
    case TensorType::kBF16:
      return convert_row<bf16_to_float>(data, matrix.cols, out);
    case TensorType::kQ8_0:
      return dequantize_blocks<BlockQ8_0, kBlock32>(data, matrix.cols, out);
    case TensorType::kQ5_0:
      return dequantize_blocks<BlockQ5_0, kBlock32>(data, matrix.cols, out);
    case TensorType::kQ4_K:
      return dequantize_blocks<BlockQ4_K, kBlock256>(data, matrix.cols, out);
    case TensorType::kQ6_K:
      return dequantize_blocks<BlockQ6_K, kBlock256>(data, matrix.cols, out);
  }
}

}  // namespace orkestra::model
