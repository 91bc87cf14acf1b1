#include <orkestra/model/kernels/reference.h>

#include <cmath>

namespace orkestra::model::reference {

void gelu_multiply(float* gate, const float* up, std::int64_t n) {
  constexpr double kRootOf2OverPi = 0.79788456080286535588;
  for (std::int64_t i = 0; i < n; ++i) {
    const double x = gate[i];
    const double inner = kRootOf2OverPi * (x + 0.044715 * x * x * x);
    gate[i] = static_cast<float>(0.5 * x * (1.0 + std::tanh(inner)) * up[i]);
  }
}

}  // namespace orkestra::model::reference
