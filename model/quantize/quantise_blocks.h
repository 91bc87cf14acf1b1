// One block from its weights; a file per family. Internal to this folder. x: 32 or 256 values.
#pragma once

#include <orkestra/model/format/blocks.h>
#include <orkestra/model/format/float16.h>

#include <cstdint>

namespace orkestra::model {

void quantise(const float* x, BlockQ4_0& out);
void quantise(const float* x, BlockQ4_1& out);
void quantise(const float* x, BlockQ5_0& out);
void quantise(const float* x, BlockQ5_1& out);
void quantise(const float* x, BlockQ8_0& out);
void quantise(const float* x, BlockIQ4_NL& out);
void quantise(const float* x, BlockIQ4_XS& out);
void quantise(const float* x, BlockQ2_K& out);
void quantise(const float* x, BlockQ3_K& out);
void quantise(const float* x, BlockQ4_K& out);
void quantise(const float* x, BlockQ5_K& out);
void quantise(const float* x, BlockQ6_K& out);

// Stores the half float nearest to `value` and returns what was stored: codes are chosen for that.
inline float store_half(std::uint8_t* at, float value) {
  const std::uint16_t bits = float_to_f16(value);
  at[0] = static_cast<std::uint8_t>(bits & 255U);
  at[1] = static_cast<std::uint8_t>(bits >> 8U);
  return f16_to_float(bits);
}

}  // namespace orkestra::model
