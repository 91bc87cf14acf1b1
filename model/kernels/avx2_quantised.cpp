#include <orkestra/model/kernels/avx2_vector.h>
#include <orkestra/model/kernels/packed_products.h>

namespace orkestra::model::avx2 {

void matmul_quantised(const Matrix& w, const Activations& x, float* y, std::int64_t y_stride,
                      std::int64_t row_begin, std::int64_t row_end) {
  multiply_quantised<Avx2>(w, x, y, y_stride, row_begin, row_end);
}

}  // namespace orkestra::model::avx2
