// The parts of layers that several architectures share.

#include <orkestra/core/error.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <cmath>
#include <utility>

namespace orkestra::model {

AttentionMixer TensorBinder::attention(const std::string& prefix, std::int64_t n_kv_heads) const {
  AttentionMixer m;
  m.n_heads = integer("attention.head_count", 1, 65536);
  m.n_kv_heads = n_kv_heads;
  m.head_dim = integer_or("attention.key_length", network_.d_model / m.n_heads, 1, 65536);
  if (integer_or("attention.value_length", m.head_dim, 1, 65536) != m.head_dim) {
    unsupported("keys and values of different lengths (" + key("attention.value_length") + ")");
  }
  if (n_kv_heads < 1 || m.n_heads % n_kv_heads != 0 || m.head_dim < 1) {
    corrupt(prefix + "*: " + std::to_string(m.n_heads) + " heads of " + std::to_string(m.head_dim) +
            " can't share " + std::to_string(n_kv_heads) + " KV heads");
  }
  m.scale = 1.0F / std::sqrt(static_cast<float>(m.head_dim));
  const std::int64_t q_rows = m.n_heads * m.head_dim;
  const std::int64_t kv_rows = m.n_kv_heads * m.head_dim;
  if (has(prefix + "attn_qkv.weight")) {
    const Matrix fused = matrix(prefix + "attn_qkv.weight", q_rows + 2 * kv_rows, network_.d_model);
    const std::size_t row_bytes = file_.find_tensor(prefix + "attn_qkv.weight")->row_bytes();
    const auto rows = [&](std::int64_t begin, std::int64_t n) {
      Matrix part = fused;
      part.rows = n;
      part.data += row_bytes * static_cast<std::size_t>(begin);
      return part;
    };
    m.q = rows(0, q_rows);
    m.k = rows(q_rows, kv_rows);
    m.v = rows(q_rows + kv_rows, kv_rows);
  } else {
    m.q = matrix(prefix + "attn_q.weight", q_rows, network_.d_model);
    m.k = matrix(prefix + "attn_k.weight", kv_rows, network_.d_model);
    m.v = matrix(prefix + "attn_v.weight", kv_rows, network_.d_model);
  }
  m.output = matrix(prefix + "attn_output.weight", network_.d_model, q_rows);
  return m;
}

DenseFfn TensorBinder::dense(const std::string& prefix, std::int64_t d_ff,
                             std::string_view suffix) const {
  const std::string end = std::string(suffix) + ".weight";
  return {.d_ff = d_ff,
          .gate = matrix(prefix + "ffn_gate" + end, d_ff, network_.d_model),
          .up = matrix(prefix + "ffn_up" + end, d_ff, network_.d_model),
          .down = matrix(prefix + "ffn_down" + end, network_.d_model, d_ff)};
}

MoeFfn TensorBinder::moe(const std::string& prefix, std::int64_t d_ff) const {
  const std::int64_t n_experts = integer("expert_count", 1, 4096);
  MoeFfn m;
  m.n_used = integer("expert_used_count", 1, n_experts);
  m.router = matrix(prefix + "ffn_gate_inp.weight", n_experts, network_.d_model);
  const auto gate = matrices(prefix + "ffn_gate_exps.weight", n_experts, d_ff, network_.d_model);
  const auto up = matrices(prefix + "ffn_up_exps.weight", n_experts, d_ff, network_.d_model);
  const auto down = matrices(prefix + "ffn_down_exps.weight", n_experts, network_.d_model, d_ff);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    m.experts.push_back({.d_ff = d_ff, .gate = gate[i], .up = up[i], .down = down[i]});
  }
  return m;
}

int TensorBinder::rotation(std::int64_t head_dim, bool interleaved, std::string_view base_key,
                           double base_fallback, bool scaled) {
  const std::int64_t n = integer_or("rope.dimension_count", head_dim, 2, head_dim);
  if (n % 2 != 0) corrupt(key("rope.dimension_count") + " must be even");
  const double base = number_or(base_key, base_fallback, 1.0, 1e12);
  double factor = 1.0;
  if (scaled) {
    const std::string_view type = file_.text(key("rope.scaling.type"), "none");
    if (type != "none" && type != "linear") {
      unsupported("rotation scaling \"" + std::string(type.substr(0, 64)) + "\" (" +
                  key("rope.scaling.type") + "); none, linear and rope_freqs.weight are supported");
    }
    if (type == "linear") factor = number_or("rope.scaling.factor", 1.0, 1e-3, 1e6);
  }
  Rotation rotation{.interleaved = interleaved, .frequencies = {}};
  const float* divisors =
      scaled && has("rope_freqs.weight") ? floats("rope_freqs.weight", {n / 2}) : nullptr;
  for (std::int64_t i = 0; i < n / 2; ++i) {
    const double divisor = divisors != nullptr ? divisors[i] : 1.0;
    if (!(divisor > 0.0) || !std::isfinite(divisor)) {
      corrupt("rope_freqs.weight must hold positive numbers");
    }
    rotation.frequencies.push_back(
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(n)) / factor / divisor);
  }
  network_.rotations.push_back(std::move(rotation));
  return static_cast<int>(network_.rotations.size()) - 1;
}

Mamba1Mixer TensorBinder::mamba1(const std::string& prefix, bool require_norms, bool plain_norms) {
  Mamba1Mixer m;
  m.d_inner = integer("ssm.inner_size", 1, kMaxWidth / 2);
  m.d_state = integer("ssm.state_size", 1, 4096);
  m.d_conv = integer("ssm.conv_kernel", 2, 64);
  m.dt_rank = integer("ssm.time_step_rank", 1, kMaxWidth);
  m.in = matrix(prefix + "ssm_in.weight", 2 * m.d_inner, network_.d_model);
  m.x = matrix(prefix + "ssm_x.weight", m.dt_rank + 2 * m.d_state, m.d_inner);
  m.dt = matrix(prefix + "ssm_dt.weight", m.d_inner, m.dt_rank);
  m.out = matrix(prefix + "ssm_out.weight", network_.d_model, m.d_inner);
  m.conv_weight = floats(prefix + "ssm_conv1d.weight", {m.d_conv, m.d_inner});
  m.conv_bias = floats(prefix + "ssm_conv1d.bias", {m.d_inner});
  m.dt_bias = floats(prefix + "ssm_dt.bias", {m.d_inner});
  m.a = floats(prefix + "ssm_a", {m.d_state, m.d_inner});
  m.d = floats(prefix + "ssm_d", {m.d_inner});
  if (require_norms) {
    m.dt_norm = floats(prefix + "ssm_dt_norm.weight", {m.dt_rank});
    m.b_norm = floats(prefix + "ssm_b_norm.weight", {m.d_state});
    m.c_norm = floats(prefix + "ssm_c_norm.weight", {m.d_state});
  } else if (plain_norms) {
    m.dt_norm = constant(m.dt_rank, 1.0F);
    m.b_norm = constant(m.d_state, 1.0F);
    m.c_norm = m.b_norm;
  }
  return m;
}

Mamba2Mixer TensorBinder::mamba2(const std::string& prefix) {
  Mamba2Mixer m;
  m.d_inner = integer("ssm.inner_size", 1, kMaxWidth / 4);
  m.d_state = integer("ssm.state_size", 1, 4096);
  m.d_conv = integer("ssm.conv_kernel", 2, 64);
  m.n_heads = integer("ssm.time_step_rank", 1, m.d_inner);
  m.n_groups = integer("ssm.group_count", 1, m.n_heads);
  if (m.d_inner % m.n_heads != 0 || m.n_heads % m.n_groups != 0) {
    corrupt("an inner width of " + std::to_string(m.d_inner) + " can't be shared by " +
            std::to_string(m.n_heads) + " heads in " + std::to_string(m.n_groups) + " groups");
  }
  m.in = matrix(prefix + "ssm_in.weight", m.d_inner + m.d_mixed() + m.n_heads, network_.d_model);
  m.out = matrix(prefix + "ssm_out.weight", network_.d_model, m.d_inner);
  m.conv_weight = floats(prefix + "ssm_conv1d.weight", {m.d_conv, m.d_mixed()});
  m.conv_bias = has(prefix + "ssm_conv1d.bias") ? floats(prefix + "ssm_conv1d.bias", {m.d_mixed()})
                                                : constant(m.d_mixed(), 0.0F);
  m.dt_bias = floats(prefix + "ssm_dt.bias", {m.n_heads});
  m.a = floats(prefix + "ssm_a", {1, m.n_heads});
  m.d = floats(prefix + "ssm_d", {1, m.n_heads});
  if (has(prefix + "ssm_norm.weight")) {
    m.norm = floats(prefix + "ssm_norm.weight", {m.d_inner / m.n_groups, m.n_groups});
  }
  return m;
}

}  // namespace orkestra::model
