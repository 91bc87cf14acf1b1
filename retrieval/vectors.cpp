#include <orkestra/retrieval/vectors.h>

#include <algorithm>
#include <cmath>

namespace orkestra::retrieval {

float dot(const float* a, const float* b, std::size_t count) {
  constexpr std::size_t kLanes = 16;  // side by side, so that the compiler may use wide registers
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
  }
  float sum = 0;
  for (; i < count; ++i) sum += a[i] * b[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

void scale_to_unit(float* row, std::size_t count) {
  const float length = std::sqrt(dot(row, row, count));
  if (!(length > 1e-6F) || !std::isfinite(length)) {
    std::fill(row, row + count, 0.0F);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) row[i] /= length;
}

}  // namespace orkestra::retrieval
