#include <orkestra/model/kernels/avx512.h>
#include <orkestra/model/kernels/exponentials_loop.h>

namespace orkestra::model::avx512 {

void exponentials(const float* x, std::int64_t n, double shift, double scale, double* out) {
  exponentials_loop(x, n, shift, scale, out);
}

}  // namespace orkestra::model::avx512
