// The Mamba-2 mixer: the convolution is split over the threads by channels, the recurrence by
// heads, gate and norm by tokens.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>

namespace orkestra::model {

void CpuBackend::mix(const Mamba2Mixer& m, std::size_t layer) {
  const std::int64_t di = m.d_inner;
  const std::int64_t mixed = m.d_mixed();
  const std::int64_t width = di + mixed + m.n_heads;
  const StateLayout::Recurrent& at = layout_.recurrent(layer);
  float* z = grown(wide_, n_tokens_ * width);  // [T, width]: z, then x, B and C, then dt
  float* x = grown(inner_, n_tokens_ * mixed);
  float* y = grown(scanned_, n_tokens_ * di);

  multiply({{&m.in, z, width}}, normed_.data(), n_tokens_);
  parallel(mixed, kUnit, n_tokens_ * mixed * m.d_conv,
           [&](std::int64_t begin, std::int64_t end, int) {
             for (const Rows& rows : rows_) {
               kernels_.causal_conv_silu(z + rows.first_row * width + di, width,
                                         rows.state->recurrent.data() + at.conv, m.conv_weight,
                                         m.conv_bias, m.d_conv, rows.n_rows, begin, end,
                                         x + rows.first_row * mixed, mixed);
             }
           });

  parallel(m.n_heads, 1, n_tokens_ * di * m.d_state,
           [&](std::int64_t begin, std::int64_t end, int) {
             for (const Rows& rows : rows_) {
               const float* in = x + rows.first_row * mixed;
               const Kernels::Mamba2Args args{.x = in,
                                              .x_stride = mixed,
                                              .dt = z + rows.first_row * width + di + mixed,
                                              .dt_stride = width,
                                              .dt_bias = m.dt_bias,
                                              .b = in + di,
                                              .c = in + di + m.n_groups * m.d_state,
                                              .bc_stride = mixed,
                                              .a = m.a,
                                              .d = m.d,
                                              .state = rows.state->recurrent.data() + at.ssm,
                                              .y = y + rows.first_row * di,
                                              .y_stride = di,
                                              .head_dim = m.head_dim(),
                                              .d_state = m.d_state,
                                              .heads_per_group = m.n_heads / m.n_groups,
                                              .n_tokens = rows.n_rows};
               kernels_.mamba2_scan(args, begin, end);
             }
           });

  const std::int64_t group = di / m.n_groups;
  parallel(n_tokens_, 1, n_tokens_ * di * 16, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t t = begin; t < end; ++t) {
      kernels_.silu_multiply(z + t * width, y + t * di, di);
    }
    for (std::int64_t g = 0; g < di; g += group) {
      const float* gated = z + begin * width + g;
      float* out = y + begin * di + g;
      if (m.norm != nullptr) {
        kernels_.rms_norm(gated, width, m.norm + g, network_.rms_epsilon, end - begin, group, out,
                          di);
      } else {
        for (std::int64_t t = 0; t < end - begin; ++t) {
          std::copy_n(gated + t * width, group, out + t * di);
        }
      }
    }
  });
  multiply({{&m.out, mixed_.data(), network_.d_model}}, y, n_tokens_);
}

}  // namespace orkestra::model
