// How the keys and the values of one KV head lie in a page of attention memory: the one place that
// knows it besides the fast kernels.
//
// Keys are strips of 16 tokens side by side, dimension by dimension: element (token, i) is number
// (token / 16 * head_dim + i) * 16 + token % 16. Values are strips of 16 dimensions side by side,
// token by token: element (token, i) is number (i / 16 * kPageTokens + token) * 16 + i % 16. So
// whatever is summed lies in a lane of its own, and both are read from front to back.
//
// Q8_0: bytes, then half-float scales, one per 32 dimensions. Of keys, number
// (token / 16 * n_blocks + i / 32) * 16 + token % 16; of values, i / 32 * kPageTokens + token.
#pragma once

#include <orkestra/model/kernels/kernels.h>

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

inline constexpr std::int64_t kStrip = 16;
inline constexpr std::int64_t kKvBlock = 32;  // dimensions that share a scale

// Bytes of one head's part of a page; multiples of 64.
std::int64_t key_bytes(KvType type, std::int64_t head_dim);
std::int64_t value_bytes(KvType type, std::int64_t head_dim);

// Writes one token's key or value, [head_dim], to its place `slot` in the page. Half floats are
// rounded to nearest even and saturate; scales are the largest magnitude / 127.
void store_key(KvType type, const float* key, std::int64_t head_dim, std::int64_t slot,
               std::byte* keys);
void store_value(KvType type, const float* value, std::int64_t head_dim, std::int64_t slot,
                 std::byte* values);

// One element as it was kept.
float key_at(KvType type, const std::byte* keys, std::int64_t head_dim, std::int64_t slot,
             std::int64_t i);
float value_at(KvType type, const std::byte* values, std::int64_t head_dim, std::int64_t slot,
               std::int64_t i);

}  // namespace orkestra::model
