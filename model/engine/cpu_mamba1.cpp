// The Mamba-1 mixer: convolution and scan are split over the threads by channels.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>

namespace orkestra::model {

void CpuBackend::mix(const Mamba1Mixer& m, std::size_t layer) {
  const std::int64_t di = m.d_inner;
  const StateLayout::Recurrent& at = layout_.recurrent(layer);
  const std::int64_t width = m.dt_rank + 2 * m.d_state;
  float* xz = grown(wide_, n_tokens_ * 2 * di);
  float* x = grown(inner_, n_tokens_ * di);
  float* params = grown(params_, n_tokens_ * width);
  float* dt_in = grown(dt_in_, n_tokens_ * m.dt_rank);
  float* dt = grown(dt_, n_tokens_ * di);

  multiply({{&m.in, xz, 2 * di}}, normed_.data(), n_tokens_);
  parallel(di, kUnit, n_tokens_ * di * m.d_conv, [&](std::int64_t begin, std::int64_t end, int) {
    for (const Rows& rows : rows_) {
      kernels_.causal_conv_silu(xz + rows.first_row * 2 * di, 2 * di,
                                rows.state->recurrent.data() + at.conv, m.conv_weight, m.conv_bias,
                                m.d_conv, rows.n_rows, begin, end, x + rows.first_row * di, di);
    }
  });

  multiply({{&m.x, params, width}}, x, n_tokens_);
  float* b = params + m.dt_rank;
  float* c = b + m.d_state;
  if (m.dt_norm != nullptr) {
    const float eps = network_.rms_epsilon;
    kernels_.rms_norm(params, width, m.dt_norm, eps, n_tokens_, m.dt_rank, dt_in, m.dt_rank);
    kernels_.rms_norm(b, width, m.b_norm, eps, n_tokens_, m.d_state, b, width);
    kernels_.rms_norm(c, width, m.c_norm, eps, n_tokens_, m.d_state, c, width);
  } else {
    for (std::int64_t t = 0; t < n_tokens_; ++t) {
      std::copy_n(params + t * width, m.dt_rank, dt_in + t * m.dt_rank);
    }
  }
  multiply({{&m.dt, dt, di}}, dt_in, n_tokens_);

  float* y = grown(scanned_, n_tokens_ * di);
  parallel(di, kUnit, n_tokens_ * di * m.d_state, [&](std::int64_t begin, std::int64_t end, int) {
    for (const Rows& rows : rows_) {
      const std::int64_t r = rows.first_row;
      const Kernels::ScanArgs args{.x = x + r * di,
                                   .x_stride = di,
                                   .dt = dt + r * di,
                                   .dt_stride = di,
                                   .dt_bias = m.dt_bias,
                                   .z = xz + r * 2 * di + di,
                                   .z_stride = 2 * di,
                                   .b = b + r * width,
                                   .c = c + r * width,
                                   .bc_stride = width,
                                   .a = m.a,
                                   .d = m.d,
                                   .state = rows.state->recurrent.data() + at.ssm,
                                   .y = y + r * di,
                                   .y_stride = di,
                                   .d_state = m.d_state,
                                   .n_tokens = rows.n_rows};
      kernels_.selective_scan(args, begin, end);
    }
  });
  multiply({{&m.out, mixed_.data(), network_.d_model}}, y, n_tokens_);
}

}  // namespace orkestra::model
