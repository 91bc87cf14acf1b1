// Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL: one scale (and offset) for 32 weights.

#include <orkestra/model/quantize/fit.h>
#include <orkestra/model/quantize/quantise_blocks.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace orkestra::model {

namespace {

std::span<const float> weights(const float* x) { return {x, kBlock32}; }

// Elements 0..15 into the low nibbles, 16..31 into the high ones; the fifth bits into `high`.
void pack(const std::int8_t* q, int shift, std::uint8_t* low, std::uint8_t* high) {
  if (high != nullptr) std::memset(high, 0, 4);
  for (int i = 0; i < 16; ++i) {
    const int first = q[i] + shift;
    const int second = q[i + 16] + shift;
    low[i] = static_cast<std::uint8_t>((first & 15) | ((second & 15) << 4));
    if (high == nullptr) continue;
    high[i / 8] = static_cast<std::uint8_t>(high[i / 8] | ((first >> 4) << (i % 8)));
    high[2 + i / 8] = static_cast<std::uint8_t>(high[2 + i / 8] | ((second >> 4) << (i % 8)));
  }
}

}  // namespace

void quantise(const float* x, BlockQ8_0& out) {
  float largest = 0.0F;
  for (int i = 0; i < kBlock32; ++i) largest = std::max(largest, std::abs(x[i]));
  const float d = store_half(out.d, largest / 127.0F);
  fit::codes(weights(x), d, 0.0F, -127, 127, out.q);
}

void quantise(const float* x, BlockQ4_0& out) {
  const float d = store_half(out.d, fit::symmetric(weights(x), -8, 7));
  std::int8_t q[kBlock32];
  fit::codes(weights(x), d, 0.0F, -8, 7, q);
  pack(q, 8, out.q, nullptr);
}

void quantise(const float* x, BlockQ4_1& out) {
  const fit::Affine best = fit::affine(weights(x), 15, fit::Offset::kAny);
  const float d = store_half(out.d, best.scale);
  const float m = store_half(out.m, best.offset);
  std::int8_t q[kBlock32];
  fit::codes(weights(x), d, m, 0, 15, q);
  pack(q, 0, out.q, nullptr);
}

void quantise(const float* x, BlockQ5_0& out) {
  const float d = store_half(out.d, fit::symmetric(weights(x), -16, 15));
  std::int8_t q[kBlock32];
  fit::codes(weights(x), d, 0.0F, -16, 15, q);
  pack(q, 16, out.low, out.high);
}

void quantise(const float* x, BlockQ5_1& out) {
  const fit::Affine best = fit::affine(weights(x), 31, fit::Offset::kAny);
  const float d = store_half(out.d, best.scale);
  const float m = store_half(out.m, best.offset);
  std::int8_t q[kBlock32];
  fit::codes(weights(x), d, m, 0, 31, q);
  pack(q, 0, out.low, out.high);
}

void quantise(const float* x, BlockIQ4_NL& out) {
  const float d = store_half(out.d, fit::table(weights(x)));
  std::uint8_t q[kBlock32];
  fit::table_codes(weights(x), d, q);
  for (int i = 0; i < 16; ++i) out.q[i] = static_cast<std::uint8_t>(q[i] | (q[i + 16] << 4));
}

}  // namespace orkestra::model
