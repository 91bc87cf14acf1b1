// The layers' arithmetic: which rows, heads and channels go to which thread, and in what order.

#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {
namespace {

// Below this many multiply-adds, waking the other threads costs more than they save.
constexpr std::int64_t kInlineCost = 1 << 15;
// Output rows, channels and floats are handed out in whole vectors, whatever the kernels' width.
constexpr std::int64_t kUnit = 32;

float* grown(std::vector<float>& buffer, std::int64_t n) {
  if (buffer.size() < static_cast<std::size_t>(n)) buffer.resize(static_cast<std::size_t>(n));
  return buffer.data();
}

// In place; in double, because 16 numbers cost nothing.
void softmax(float* x, std::int64_t n) {
  const double highest = *std::max_element(x, x + n);
  double sum = 0.0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - highest);
  for (std::int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(std::exp(x[i] - highest) / sum);
}

}  // namespace

template <typename Work>
void CpuBackend::parallel(std::int64_t n, std::int64_t unit, std::int64_t cost, Work&& work) {
  if (cost < kInlineCost || pool_.n_parts() == 1) {
    work(std::int64_t{0}, n, 0);
    return;
  }
  pool_.run([&](int part) {
    const ThreadPool::Range range = pool_.share(n, unit, part);
    if (range.begin < range.end) work(range.begin, range.end, part);
  });
}

void CpuBackend::multiply(std::initializer_list<Product> products, const float* x,
                          std::int64_t n_tokens) {
  std::array<const PreparedActivations*, 3> inputs{};
  std::array<TensorType, 3> types{};
  std::size_t n_types = 0;
  std::size_t index = 0;
  std::int64_t cost = 0;
  for (const Product& product : products) {
    std::size_t slot = 0;
    while (slot < n_types && types[slot] != product.w->type) ++slot;
    if (slot == n_types) {
      types[n_types++] = product.w->type;
      kernels_.prepare(product.w->type, x, n_tokens, product.w->cols, prepared_[slot]);
    }
    inputs[index++] = &prepared_[slot];
    cost += product.w->rows * product.w->cols * n_tokens;
  }
  const auto rows_of_part = [&](int part, bool all) {
    std::size_t i = 0;
    for (const Product& product : products) {
      const auto range =
          all ? ThreadPool::Range{0, product.w->rows} : pool_.share(product.w->rows, kUnit, part);
      if (range.begin < range.end) {
        kernels_.matmul(*product.w, *inputs[i], product.y, product.y_stride, range.begin,
                        range.end);
      }
      ++i;
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

void CpuBackend::add_to_residual(const float* y) {
  float* h = residual_.data();
  const std::int64_t n = n_tokens_ * network_.d_model;
  for (std::int64_t i = 0; i < n; ++i) h[i] += y[i];
}

void CpuBackend::mix(const Mamba1Mixer& m, std::size_t layer) {
  const std::int64_t di = m.d_inner;
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
                                rows.state->layers[layer].conv.data(), m.conv_weight, m.conv_bias,
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
                                   .state = rows.state->layers[layer].ssm.data(),
                                   .y = y + r * di,
                                   .y_stride = di,
                                   .d_state = m.d_state,
                                   .n_tokens = rows.n_rows};
      kernels_.selective_scan(args, begin, end);
    }
  });
  multiply({{&m.out, mixed_.data(), network_.d_model}}, y, n_tokens_);
}

void CpuBackend::mix(const AttentionMixer& m, std::size_t layer) {
  const std::int64_t q_width = m.n_heads * m.head_dim;
  const std::int64_t kv_width = m.n_kv_heads * m.head_dim;
  float* q = grown(wide_, n_tokens_ * (q_width + 2 * kv_width));
  float* k = q + n_tokens_ * q_width;
  float* v = k + n_tokens_ * kv_width;
  multiply({{&m.q, q, q_width}, {&m.k, k, kv_width}, {&m.v, v, kv_width}}, normed_.data(),
           n_tokens_);

  std::int64_t most_keys = 0;
  std::int64_t cost = 0;
  for (const Rows& rows : rows_) {
    LayerState& state = rows.state->layers[layer];
    const float* new_k = k + rows.first_row * kv_width;
    const float* new_v = v + rows.first_row * kv_width;
    state.k.insert(state.k.end(), new_k, new_k + rows.n_rows * kv_width);
    state.v.insert(state.v.end(), new_v, new_v + rows.n_rows * kv_width);
    const std::int64_t n_keys = rows.state->n_tokens + rows.n_rows;
    most_keys = std::max(most_keys, n_keys);
    cost += rows.n_rows * n_keys * q_width;
  }

  float* out = grown(inner_, n_tokens_ * q_width);
  const float scale = 1.0F / std::sqrt(static_cast<float>(m.head_dim));
  const std::int64_t heads_per_kv = m.n_heads / m.n_kv_heads;
  const auto heads = [&](int part, int n_parts) {
    float* scores = grown(scores_[static_cast<std::size_t>(part)], most_keys);
    for (const Rows& rows : rows_) {
      const LayerState& state = rows.state->layers[layer];
      // Later tokens see more keys: dealing them out in turn keeps the parts even.
      for (std::int64_t i = part; i < rows.n_rows * m.n_heads; i += n_parts) {
        const std::int64_t t = i / m.n_heads;
        const std::int64_t head = i % m.n_heads;
        const std::int64_t kv_begin = head / heads_per_kv * m.head_dim;
        const std::int64_t at = (rows.first_row + t) * q_width + head * m.head_dim;
        kernels_.attention(q + at, state.k.data() + kv_begin, state.v.data() + kv_begin, kv_width,
                           rows.state->n_tokens + t + 1, m.head_dim, scale, scores, out + at);
      }
    }
  };
  if (cost < kInlineCost || pool_.n_parts() == 1) {
    heads(0, 1);
  } else {
    pool_.run([&](int part) { heads(part, pool_.n_parts()); });
  }
  multiply({{&m.output, mixed_.data(), network_.d_model}}, out, n_tokens_);
}

void CpuBackend::swiglu(const DenseFfn& ffn, const float* x, std::int64_t n_tokens, float* y) {
  float* gate = grown(gate_, n_tokens * ffn.d_ff);
  float* up = grown(up_, n_tokens * ffn.d_ff);
  multiply({{&ffn.gate, gate, ffn.d_ff}, {&ffn.up, up, ffn.d_ff}}, x, n_tokens);
  // Split by columns, so that an element's place in a call depends on nothing but its column.
  parallel(ffn.d_ff, kUnit, n_tokens * ffn.d_ff * 16,
           [&](std::int64_t begin, std::int64_t end, int) {
             for (std::int64_t t = 0; t < n_tokens; ++t) {
               const std::int64_t at = t * ffn.d_ff + begin;
               kernels_.silu_multiply(gate + at, up + at, end - begin);
             }
           });
  multiply({{&ffn.down, y, network_.d_model}}, gate, n_tokens);
}

void CpuBackend::feed_forward(const DenseFfn& ffn) {
  swiglu(ffn, normed_.data(), n_tokens_, mixed_.data());
  add_to_residual(mixed_.data());
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
  }
}

void CpuBackend::feed_forward(const MoeFfn& ffn) {
  route(ffn);
  const std::int64_t d = network_.d_model;
  const auto n_experts = static_cast<std::int64_t>(ffn.experts.size());
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
    swiglu(ffn.experts[static_cast<std::size_t>(e)], in, n, out);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t t = expert_rows_[static_cast<std::size_t>(i)];
      const float weight = router_[static_cast<std::size_t>(t * n_experts + e)];
      float* h = residual_.data() + t * d;
      for (std::int64_t j = 0; j < d; ++j) h[j] += weight * out[i * d + j];
    }
  }
}

}  // namespace orkestra::model
