// Weights as floats, written from the block layouts in model/format/blocks.h. A block's scale times
// a sub-block's is exact in float, so an element is rounded once (twice where there is a minimum).

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

// ---- blocks of 32

// Element i of a block whose low nibbles hold its first half.
int nibble(const std::uint8_t* q, int i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; }

int fifth_bit(const std::uint8_t* high, int i) { return (high[i / 8] >> (i % 8)) & 1; }

// out: [32]
void dequantize(const BlockQ8_0& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) out[i] = d * static_cast<float>(block.q[i]);
}

// out: [32]
void dequantize(const BlockQ4_0& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) out[i] = d * static_cast<float>(nibble(block.q, i) - 8);
}

// out: [32]
void dequantize(const BlockQ4_1& block, float* out) {
  const float d = half(block.d);
  const float m = half(block.m);
  for (int i = 0; i < kBlock32; ++i) out[i] = d * static_cast<float>(nibble(block.q, i)) + m;
}

// out: [32]
void dequantize(const BlockQ5_0& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) {
    const int q = nibble(block.low, i) | (fifth_bit(block.high, i) << 4);
    out[i] = d * static_cast<float>(q - 16);
  }
}

// out: [32]
void dequantize(const BlockQ5_1& block, float* out) {
  const float d = half(block.d);
  const float m = half(block.m);
  for (int i = 0; i < kBlock32; ++i) {
    const int q = nibble(block.low, i) | (fifth_bit(block.high, i) << 4);
    out[i] = d * static_cast<float>(q) + m;
  }
}

// out: [32]
void dequantize(const BlockIQ4_NL& block, float* out) {
  const float d = half(block.d);
  for (int i = 0; i < kBlock32; ++i) {
    out[i] = d * static_cast<float>(kIq4Values[nibble(block.q, i)]);
  }
}

// ---- blocks of 256

// out: [256]
void dequantize(const BlockIQ4_XS& block, float* out) {
  const float d = half(block.d);
  const int upper = little_endian_16(block.scales_high);
  for (int sub = 0; sub < 8; ++sub) {
    const int low = (block.scales_low[sub / 2] >> (4 * (sub % 2))) & 15;
    const int scale = (low | (((upper >> (2 * sub)) & 3) << 4)) - 32;
    const float factor = d * static_cast<float>(scale);
    for (int i = 0; i < 32; ++i) {
      out[32 * sub + i] = factor * static_cast<float>(kIq4Values[nibble(block.q + 16 * sub, i)]);
    }
  }
}

// Element i of a block of 256 whose bytes hold two bits of four groups of 32 each.
int two_bits(const std::uint8_t* q, int i) {
  return (q[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32))) & 3;
}

// out: [256]
void dequantize(const BlockQ2_K& block, float* out) {
  const float d = half(block.d);
  const float dmin = half(block.dmin);
  for (int i = 0; i < kBlock256; ++i) {
    const int packed = block.scales[i / 16];
    out[i] = d * static_cast<float>(packed & 15) * static_cast<float>(two_bits(block.q, i)) -
             dmin * static_cast<float>(packed >> 4);
  }
}

// out: [256]
void dequantize(const BlockQ3_K& block, float* out) {
  const float d = half(block.d);
  for (int sub = 0; sub < 16; ++sub) {
    const int low = (block.scales[sub % 8] >> (4 * (sub / 8))) & 15;
    const int upper = (block.scales[8 + sub % 4] >> (2 * (sub / 4))) & 3;
    const float factor = d * static_cast<float>((low | (upper << 4)) - 32);
    for (int i = 16 * sub; i < 16 * sub + 16; ++i) {
      const int third = (block.high[i % 32] >> (i / 32)) & 1;
      out[i] = factor * static_cast<float>((two_bits(block.low, i) | (third << 2)) - 4);
    }
  }
}

// The eight scales and minima of Q4_K and Q5_K, times their factors.
struct ScalesAndMinima {
  float scale[8];
  float minimum[8];
};

ScalesAndMinima scales_and_minima(float d, float dmin, const std::uint8_t* s) {
  ScalesAndMinima out;
  for (int sub = 0; sub < 8; ++sub) {
    const int scale = sub < 4 ? s[sub] & 63 : (s[sub + 4] & 15) | ((s[sub - 4] >> 6) << 4);
    const int minimum = sub < 4 ? s[sub + 4] & 63 : (s[sub + 4] >> 4) | ((s[sub] >> 6) << 4);
    out.scale[sub] = d * static_cast<float>(scale);
    out.minimum[sub] = dmin * static_cast<float>(minimum);
  }
  return out;
}

// Element i of sub-block `sub`: 32 bytes hold two sub-blocks.
int paired_nibble(const std::uint8_t* q, int sub, int i) {
  return (q[32 * (sub / 2) + i] >> (4 * (sub % 2))) & 15;
}

// out: [256]
void dequantize(const BlockQ4_K& block, float* out) {
  const auto factors = scales_and_minima(half(block.d), half(block.dmin), block.scales);
  for (int sub = 0; sub < 8; ++sub) {
    for (int i = 0; i < 32; ++i) {
      const int q = paired_nibble(block.q, sub, i);
      out[32 * sub + i] = factors.scale[sub] * static_cast<float>(q) - factors.minimum[sub];
    }
  }
}

// out: [256]
void dequantize(const BlockQ5_K& block, float* out) {
  const auto factors = scales_and_minima(half(block.d), half(block.dmin), block.scales);
  for (int sub = 0; sub < 8; ++sub) {
    for (int i = 0; i < 32; ++i) {
      const int q = paired_nibble(block.low, sub, i) | (((block.high[i] >> sub) & 1) << 4);
      out[32 * sub + i] = factors.scale[sub] * static_cast<float>(q) - factors.minimum[sub];
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

// ---- rows

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
  const std::int64_t cols = matrix.cols;
  switch (matrix.type) {
    case TensorType::kF32:
      std::memcpy(out, data, bytes);
      return;
    case TensorType::kF16:
      return convert_row<f16_to_float>(data, cols, out);
    case TensorType::kBF16:
      return convert_row<bf16_to_float>(data, cols, out);
    case TensorType::kQ4_0:
      return dequantize_blocks<BlockQ4_0, kBlock32>(data, cols, out);
    case TensorType::kQ4_1:
      return dequantize_blocks<BlockQ4_1, kBlock32>(data, cols, out);
    case TensorType::kQ5_0:
      return dequantize_blocks<BlockQ5_0, kBlock32>(data, cols, out);
    case TensorType::kQ5_1:
      return dequantize_blocks<BlockQ5_1, kBlock32>(data, cols, out);
    case TensorType::kQ8_0:
      return dequantize_blocks<BlockQ8_0, kBlock32>(data, cols, out);
    case TensorType::kIQ4_NL:
      return dequantize_blocks<BlockIQ4_NL, kBlock32>(data, cols, out);
    case TensorType::kIQ4_XS:
      return dequantize_blocks<BlockIQ4_XS, kBlock256>(data, cols, out);
    case TensorType::kQ2_K:
      return dequantize_blocks<BlockQ2_K, kBlock256>(data, cols, out);
    case TensorType::kQ3_K:
      return dequantize_blocks<BlockQ3_K, kBlock256>(data, cols, out);
    case TensorType::kQ4_K:
      return dequantize_blocks<BlockQ4_K, kBlock256>(data, cols, out);
    case TensorType::kQ5_K:
      return dequantize_blocks<BlockQ5_K, kBlock256>(data, cols, out);
    case TensorType::kQ6_K:
      return dequantize_blocks<BlockQ6_K, kBlock256>(data, cols, out);
  }
}

}  // namespace orkestra::model
