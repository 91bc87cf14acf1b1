#include <orkestra/model/kernels/reference.h>

#include <cmath>

namespace orkestra::model::reference {

void mamba2_scan(const Kernels::Mamba2Args& args, std::int64_t h_begin, std::int64_t h_end) {
  for (std::int64_t h = h_begin; h < h_end; ++h) {
    const std::int64_t group = h / args.heads_per_group * args.d_state;
    for (std::int64_t t = 0; t < args.n_tokens; ++t) {
      const double raw = static_cast<double>(args.dt[t * args.dt_stride + h]) + args.dt_bias[h];
      const double dt = raw > 20.0 ? raw : std::log1p(std::exp(raw));
      const double decay = std::exp(dt * args.a[h]);
      const float* b = args.b + t * args.bc_stride + group;
      const float* c = args.c + t * args.bc_stride + group;
      for (std::int64_t p = h * args.head_dim; p < (h + 1) * args.head_dim; ++p) {
        float* state = args.state + p * args.d_state;
        const double x = args.x[t * args.x_stride + p];
        double y = args.d[h] * x;
        for (std::int64_t n = 0; n < args.d_state; ++n) {
          const double s = decay * state[n] + dt * x * b[n];
          state[n] = static_cast<float>(s);
          y += s * c[n];
        }
        args.y[t * args.y_stride + p] = static_cast<float>(y);
      }
    }
  }
}

}  // namespace orkestra::model::reference
