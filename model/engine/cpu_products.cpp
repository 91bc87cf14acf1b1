// Products of activations with weights, spread over the threads by output rows.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>

namespace orkestra::model {

void CpuBackend::multiply(std::initializer_list<Product> products, const float* x,
                          std::int64_t n_tokens) {
  const std::int64_t cols = products.begin()->w->cols;
  bool quantises = false;
  std::int64_t cost = 0;
  for (const Product& product : products) {
    quantises = quantises || kernels_.quantises(product.w->type);
    cost += product.w->rows * cols * n_tokens;
  }
  prepared_.n_tokens = n_tokens;
  prepared_.cols = cols;
  prepared_.values = x;
  if (quantises) {
    const auto groups = static_cast<std::size_t>(n_tokens * ((cols + 255) / 256));
    if (prepared_.integers.size() < 256 * groups) prepared_.integers.resize(256 * groups);
    if (prepared_.scales.size() < groups) prepared_.scales.resize(groups);
    if (prepared_.sums.size() < 24 * groups) prepared_.sums.resize(24 * groups);
    parallel(n_tokens, 1, n_tokens * cols, [&](std::int64_t begin, std::int64_t end, int) {
      kernels_.prepare(begin, end, prepared_);
    });
  }
  // Many tokens: in the rows that a kernel unpacks together.
  const std::int64_t unit = n_tokens <= 32 ? kUnit : 64;
  const auto rows_of_part = [&](int part, bool all) {
    for (const Product& product : products) {
      const auto range =
          all ? ThreadPool::Range{0, product.w->rows} : pool_.share(product.w->rows, unit, part);
      if (range.begin < range.end) {
        kernels_.matmul(*product.w, prepared_, product.y, product.y_stride, range.begin, range.end);
      }
    }
  };
  if (cost < kInlineCost || pool_.n_parts() == 1) {
    rows_of_part(0, true);
  } else {
    pool_.run([&](int part) { rows_of_part(part, false); });
  }
}

void CpuBackend::norm(const float* x, const float* weight, std::int64_t n_tokens, float* y) {
  const std::int64_t d = network_.d_model;
  parallel(n_tokens, 1, n_tokens * d, [&](std::int64_t begin, std::int64_t end, int) {
    kernels_.rms_norm(x + begin * d, d, weight, network_.rms_epsilon, end - begin, d, y + begin * d,
                      d);
  });
}

void CpuBackend::add_to_residual(const float* post_norm) {
  if (post_norm != nullptr) norm(mixed_.data(), post_norm, n_tokens_, mixed_.data());
  const float scale = network_.residual_scale;
  const float* y = mixed_.data();
  float* h = residual_.data();
  const std::int64_t d = network_.d_model;
  parallel(n_tokens_, 1, n_tokens_ * d / 8, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin * d; i < end * d; ++i) h[i] += scale * y[i];
  });
}

}  // namespace orkestra::model
