#include <orkestra/model/kernels/avx512.h>
#include <orkestra/model/kernels/avx512_math.h>
#include <orkestra/model/kernels/sequence_lanes.h>

namespace orkestra::model::avx512 {

void silu_multiply(float* gate, const float* up, std::int64_t n) {
  silu_multiply_lanes<Lanes16>(gate, up, n);
}

void causal_conv_silu(const float* x, std::int64_t x_stride, float* state, const float* weight,
                      const float* bias, std::int64_t d_conv, std::int64_t n_tokens,
                      std::int64_t c_begin, std::int64_t c_end, float* y, std::int64_t y_stride) {
  causal_conv_silu_lanes<Lanes16>(x, x_stride, state, weight, bias, d_conv, n_tokens, c_begin,
                                  c_end, y, y_stride);
}

void selective_scan(const Kernels::ScanArgs& args, std::int64_t c_begin, std::int64_t c_end) {
  selective_scan_lanes<Lanes16>(args, c_begin, c_end);
}

}  // namespace orkestra::model::avx512
