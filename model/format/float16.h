// Half floats (IEEE 754 binary16) and bfloat16 to float: exact for all 65,536 bit patterns.
// Out of line on purpose: kernel files of other instruction sets must not share inline code.
#pragma once

#include <cstdint>

namespace orkestra::model {

float f16_to_float(std::uint16_t bits);
float bf16_to_float(std::uint16_t bits);

}  // namespace orkestra::model
