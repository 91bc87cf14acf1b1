// Half floats (IEEE 754 binary16) and bfloat16: to float exactly for all 65,536 bit patterns, from
// float to the nearest, ties to even; beyond the range to infinity; a NaN stays one.
// Out of line on purpose: kernel files of other instruction sets must not share inline code.
#pragma once

#include <cstdint>

namespace orkestra::model {

float f16_to_float(std::uint16_t bits);
float bf16_to_float(std::uint16_t bits);
std::uint16_t float_to_f16(float value);
std::uint16_t float_to_bf16(float value);

}  // namespace orkestra::model
