// Exponentials in double, for the sampler. Any thread; the bits don't depend on the processor.
#pragma once

#include <cstdint>

namespace orkestra::model {

// out[i] = exp((x[i] - shift) * scale) for i < n, to a few units in the last place; the argument is
// taken to be at least -708 and at most 708.
void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out);

}  // namespace orkestra::model
