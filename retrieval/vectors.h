// Arithmetic on rows of floats. Pure; sums are always added in the same order.
#pragma once

#include <cstddef>

namespace orkestra::retrieval {

float dot(const float* a, const float* b, std::size_t count);

// Scales to length 1. A row without a usable length (zero, infinite, not a number) becomes zero.
void scale_to_unit(float* row, std::size_t count);

}  // namespace orkestra::retrieval
