#include <orkestra/model/kernels/reference.h>

#include <cmath>

namespace orkestra::model::reference {

void rotate(const Kernels::RotateArgs& args, std::int64_t token_begin, std::int64_t token_end) {
  const std::int64_t step = args.interleaved ? 2 : 1;
  const std::int64_t partner = args.interleaved ? 1 : args.n_pairs;
  for (std::int64_t t = token_begin; t < token_end; ++t) {
    for (std::int64_t h = 0; h < args.n_heads; ++h) {
      float* head = args.x + t * args.x_stride + h * args.head_dim;
      for (std::int64_t i = 0; i < args.n_pairs; ++i) {
        const double cosine = args.cosines[t * args.n_pairs + i];
        const double sine = args.sines[t * args.n_pairs + i];
        float& a = head[i * step];
        float& b = head[i * step + partner];
        const double turned = a * cosine - b * sine;
        b = static_cast<float>(b * cosine + a * sine);
        a = static_cast<float>(turned);
      }
    }
  }
}

}  // namespace orkestra::model::reference
