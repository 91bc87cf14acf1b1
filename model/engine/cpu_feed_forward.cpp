// The feed-forward parts: gated units, and experts over the rows that are routed to them.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {
namespace {

// In place; in double, because 16 numbers cost nothing.
void softmax(float* x, std::int64_t n) {
  const double highest = *std::max_element(x, x + n);
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - highest);
  for (std::int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(std::exp(x[i] - highest) / sum);
}

}  // namespace

void CpuBackend::gated(const DenseFfn& ffn, const float* x, std::int64_t n_tokens, float* y) {
  float* gate = grown(gate_, n_tokens * ffn.d_ff);
  float* up = grown(up_, n_tokens * ffn.d_ff);
  multiply({{&ffn.gate, gate, ffn.d_ff}, {&ffn.up, up, ffn.d_ff}}, x, n_tokens);
  const auto activate =
      ffn.activation == Activation::kSilu ? kernels_.silu_multiply : kernels_.gelu_multiply;
  // Split by columns, so that an element's place in a call depends on nothing but its column.
  parallel(ffn.d_ff, kUnit, n_tokens * ffn.d_ff * 16,
           [&](std::int64_t begin, std::int64_t end, int) {
             for (std::int64_t t = 0; t < n_tokens; ++t) {
               const std::int64_t at = t * ffn.d_ff + begin;
               activate(gate + at, up + at, end - begin);
             }
           });
  multiply({{&ffn.down, y, network_.d_model}}, gate, n_tokens);
}

void CpuBackend::feed_forward(const DenseFfn& ffn) {
  gated(ffn, normed_.data(), n_tokens_, mixed_.data());
}

// Fills router_ with probabilities and chosen_ with each row's n_used best experts.
void CpuBackend::route(const MoeFfn& ffn) {
  const auto n_experts = static_cast<std::int64_t>(ffn.experts.size());
  float* p = grown(router_, n_tokens_ * n_experts);
  multiply({{&ffn.router, p, n_experts}}, normed_.data(), n_tokens_);
  chosen_.assign(static_cast<std::size_t>(n_tokens_ * ffn.n_used), -1);
  for (std::int64_t t = 0; t < n_tokens_; ++t) {
    float* row = p + t * n_experts;
    std::int32_t* best = chosen_.data() + t * ffn.n_used;
    softmax(row, n_experts);
    for (std::int64_t k = 0; k < ffn.n_used; ++k) {
      for (std::int32_t e = 0; e < n_experts; ++e) {
        if (std::find(best, best + k, e) != best + k) continue;
        if (best[k] < 0 || row[e] > row[best[k]]) best[k] = e;  // ties: the lower one
      }
    }
    if (ffn.renormalised) {
      double sum = 0.0;
      for (std::int64_t k = 0; k < ffn.n_used; ++k) sum += row[best[k]];
      for (std::int64_t k = 0; k < ffn.n_used; ++k) {
        row[best[k]] = static_cast<float>(row[best[k]] / sum);
      }
    }
  }
}

void CpuBackend::feed_forward(const MoeFfn& ffn) {
  route(ffn);
  const std::int64_t d = network_.d_model;
  const auto n_experts = static_cast<std::int64_t>(ffn.experts.size());
  if (ffn.shared) {
    gated(*ffn.shared, normed_.data(), n_tokens_, mixed_.data());
  } else {
    std::fill_n(mixed_.data(), n_tokens_ * d, 0.0F);
  }
  // Experts add to a row in ascending order, whichever rows share the batch.
  for (std::int64_t e = 0; e < n_experts; ++e) {
    expert_rows_.clear();
    for (std::int64_t t = 0; t < n_tokens_; ++t) {
      const std::int32_t* best = chosen_.data() + t * ffn.n_used;
      if (std::find(best, best + ffn.n_used, e) != best + ffn.n_used) expert_rows_.push_back(t);
    }
    const auto n = static_cast<std::int64_t>(expert_rows_.size());
    if (n == 0) continue;
    float* in = grown(expert_in_, n * d);
    float* out = grown(expert_out_, n * d);
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(normed_.data() + expert_rows_[static_cast<std::size_t>(i)] * d, d, in + i * d);
    }
    gated(ffn.experts[static_cast<std::size_t>(e)], in, n, out);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t t = expert_rows_[static_cast<std::size_t>(i)];
      const float weight = router_[static_cast<std::size_t>(t * n_experts + e)];
      float* y = mixed_.data() + t * d;
      for (std::int64_t j = 0; j < d; ++j) y[j] += weight * out[i * d + j];
    }
  }
}

}  // namespace orkestra::model
