#include <orkestra/model/kernels/avx512.h>
#include <orkestra/model/kernels/avx512_vector.h>
#include <orkestra/model/kernels/packed_products.h>

namespace orkestra::model::avx512 {

void matmul_quantised(const Matrix& w, const avx2::Activations& x, float* y, std::int64_t y_stride,
                      std::int64_t row_begin, std::int64_t row_end) {
  multiply_quantised<Avx512>(w, x, y, y_stride, row_begin, row_end);
}

}  // namespace orkestra::model::avx512
