#include <orkestra/model/format/float16.h>
#include <orkestra/model/kernels/kv_layout.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace orkestra::model {
namespace {

constexpr float kLargestHalf = 65504.0F;

std::int64_t element_bytes(KvType type) {
  switch (type) {
    case KvType::kF32:
      return 4;
    case KvType::kF16:
      return 2;
    case KvType::kQ8_0:
      return 1;
  }
  return 4;
}

std::int64_t n_blocks(std::int64_t head_dim) { return (head_dim + kKvBlock - 1) / kKvBlock; }

std::int64_t part_bytes(KvType type, std::int64_t width) {
  const std::int64_t scales = type == KvType::kQ8_0 ? n_blocks(width) * 2 : 0;
  return kPageTokens * (width * element_bytes(type) + scales);
}

void put_half(std::byte* to, std::int64_t index, float value) {
  // A NaN stays one: it compares with nothing.
  const std::uint16_t bits = float_to_f16(
      value > kLargestHalf ? kLargestHalf : (value < -kLargestHalf ? -kLargestHalf : value));
  std::memcpy(to + index * 2, &bits, sizeof(bits));
}

float half(const std::byte* from, std::int64_t index) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, from + index * 2, sizeof(bits));
  return f16_to_float(bits);
}

// element(i) and scale(block) say where things lie.
template <typename Element, typename Scale>
void store(KvType type, const float* x, std::int64_t head_dim, std::byte* to, std::byte* scales,
           Element element, Scale scale) {
  if (type == KvType::kF32) {
    for (std::int64_t i = 0; i < head_dim; ++i) {
      std::memcpy(to + element(i) * 4, x + i, sizeof(float));
    }
    return;
  }
  if (type == KvType::kF16) {
    for (std::int64_t i = 0; i < head_dim; ++i) put_half(to, element(i), x[i]);
    return;
  }
  for (std::int64_t b = 0; b < n_blocks(head_dim); ++b) {
    const std::int64_t end = std::min(head_dim, (b + 1) * kKvBlock);
    float largest = 0.0F;
    bool is_number = true;
    for (std::int64_t i = b * kKvBlock; i < end; ++i) {
      largest = std::max(largest, std::abs(x[i]));
      is_number = is_number && !std::isnan(x[i]);
    }
    put_half(scales, scale(b), is_number ? largest / 127.0F : NAN);
    const float d = half(scales, scale(b));  // as it will be read
    const float inverse = is_number && d > 0.0F ? 1.0F / d : 0.0F;
    for (std::int64_t i = b * kKvBlock; i < end; ++i) {
      const float q = is_number ? std::clamp(std::nearbyint(x[i] * inverse), -127.0F, 127.0F) : 0;
      to[element(i)] = static_cast<std::byte>(static_cast<std::int8_t>(q));
    }
  }
}

template <typename Element, typename Scale>
float load(KvType type, const std::byte* from, const std::byte* scales, Element element,
           Scale scale) {
  if (type == KvType::kF32) {
    float value = 0.0F;
    std::memcpy(&value, from + element * 4, sizeof(value));
    return value;
  }
  if (type == KvType::kF16) return half(from, element);
  return static_cast<float>(static_cast<std::int8_t>(from[element])) * half(scales, scale);
}

std::int64_t key_element(std::int64_t head_dim, std::int64_t slot, std::int64_t i) {
  return (slot / kStrip * head_dim + i) * kStrip + slot % kStrip;
}

std::int64_t key_scale(std::int64_t head_dim, std::int64_t slot, std::int64_t block) {
  return (slot / kStrip * n_blocks(head_dim) + block) * kStrip + slot % kStrip;
}

std::int64_t value_element(std::int64_t slot, std::int64_t i) {
  return (i / kStrip * kPageTokens + slot) * kStrip + i % kStrip;
}

std::int64_t value_scale(std::int64_t slot, std::int64_t block) {
  return block * kPageTokens + slot;
}

}  // namespace

std::int64_t key_bytes(KvType type, std::int64_t head_dim) { return part_bytes(type, head_dim); }

std::int64_t value_bytes(KvType type, std::int64_t head_dim) {
  return part_bytes(type, padded(head_dim));
}

void store_key(KvType type, const float* key, std::int64_t head_dim, std::int64_t slot,
               std::byte* keys) {
  store(
      type, key, head_dim, keys, keys + kPageTokens * head_dim,
      [&](std::int64_t i) { return key_element(head_dim, slot, i); },
      [&](std::int64_t b) { return key_scale(head_dim, slot, b); });
}

void store_value(KvType type, const float* value, std::int64_t head_dim, std::int64_t slot,
                 std::byte* values) {
  store(
      type, value, head_dim, values, values + kPageTokens * padded(head_dim),
      [&](std::int64_t i) { return value_element(slot, i); },
      [&](std::int64_t b) { return value_scale(slot, b); });
}

float key_at(KvType type, const std::byte* keys, std::int64_t head_dim, std::int64_t slot,
             std::int64_t i) {
  return load(type, keys, keys + kPageTokens * head_dim, key_element(head_dim, slot, i),
              key_scale(head_dim, slot, i / kKvBlock));
}

float value_at(KvType type, const std::byte* values, std::int64_t head_dim, std::int64_t slot,
               std::int64_t i) {
  return load(type, values, values + kPageTokens * padded(head_dim), value_element(slot, i),
              value_scale(slot, i / kKvBlock));
}

}  // namespace orkestra::model
