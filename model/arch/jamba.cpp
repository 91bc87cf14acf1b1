// Jamba (Lieber et al. 2024): Mamba-1 layers with a few attention layers between them, every one
// followed by a dense or mixture-of-experts SwiGLU.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <variant>
#include <vector>

namespace orkestra::model {
namespace {

constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxWidth = std::int64_t{1} << 24;

// head_count_kv, one per layer: 0 marks a Mamba layer. A single number holds for all layers.
std::vector<std::int64_t> kv_heads(const TensorBinder& binder, std::int64_t n_layers) {
  const std::string key = binder.key("attention.head_count_kv");
  const auto found = binder.file().metadata().find(key);
  if (found == binder.file().metadata().end()) binder.corrupt("the key " + key + " is missing");
  if (const auto* one = std::get_if<std::int64_t>(&found->second)) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(n_layers), *one);
  }
  const auto* array = std::get_if<GgufArray>(&found->second);
  const auto* counts = array ? std::get_if<std::vector<std::int64_t>>(array) : nullptr;
  if (counts == nullptr || counts->size() != static_cast<std::size_t>(n_layers)) {
    binder.corrupt(key + " must hold one integer for each of the " + std::to_string(n_layers) +
                   " layers");
  }
  return *counts;
}

AttentionMixer attention(const TensorBinder& binder, const Network& network,
                         const std::string& prefix, std::int64_t n_kv_heads) {
  AttentionMixer m;
  m.n_heads = binder.integer("attention.head_count", 1, 65536);
  m.n_kv_heads = n_kv_heads;
  m.head_dim = binder.integer_or("attention.key_length", network.d_model / m.n_heads, 1, 65536);
  if (n_kv_heads < 1 || m.n_heads % n_kv_heads != 0 || m.head_dim < 1) {
    binder.corrupt(prefix + "*: " + std::to_string(m.n_heads) + " heads of " +
                   std::to_string(m.head_dim) + " can't share " + std::to_string(n_kv_heads) +
                   " KV heads");
  }
  const std::int64_t q_rows = m.n_heads * m.head_dim;
  const std::int64_t kv_rows = m.n_kv_heads * m.head_dim;
  if (binder.has(prefix + "attn_qkv.weight")) {
    const Matrix fused =
        binder.matrix(prefix + "attn_qkv.weight", q_rows + 2 * kv_rows, network.d_model);
    const std::size_t row_bytes =
        binder.file().find_tensor(prefix + "attn_qkv.weight")->row_bytes();
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
    m.q = binder.matrix(prefix + "attn_q.weight", q_rows, network.d_model);
    m.k = binder.matrix(prefix + "attn_k.weight", kv_rows, network.d_model);
    m.v = binder.matrix(prefix + "attn_v.weight", kv_rows, network.d_model);
  }
  m.output = binder.matrix(prefix + "attn_output.weight", network.d_model, q_rows);
  return m;
}

DenseFfn dense(const TensorBinder& binder, const Network& network, const std::string& prefix,
               std::int64_t d_ff) {
  return {.d_ff = d_ff,
          .gate = binder.matrix(prefix + "ffn_gate.weight", d_ff, network.d_model),
          .up = binder.matrix(prefix + "ffn_up.weight", d_ff, network.d_model),
          .down = binder.matrix(prefix + "ffn_down.weight", network.d_model, d_ff)};
}

MoeFfn moe(const TensorBinder& binder, const Network& network, const std::string& prefix,
           std::int64_t d_ff) {
  const std::int64_t n_experts = binder.integer("expert_count", 1, 4096);
  MoeFfn m;
  m.n_used = binder.integer("expert_used_count", 1, n_experts);
  m.router = binder.matrix(prefix + "ffn_gate_inp.weight", n_experts, network.d_model);
  const auto gate =
      binder.matrices(prefix + "ffn_gate_exps.weight", n_experts, d_ff, network.d_model);
  const auto up = binder.matrices(prefix + "ffn_up_exps.weight", n_experts, d_ff, network.d_model);
  const auto down =
      binder.matrices(prefix + "ffn_down_exps.weight", n_experts, network.d_model, d_ff);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    m.experts.push_back({.d_ff = d_ff, .gate = gate[i], .up = up[i], .down = down[i]});
  }
  return m;
}

}  // namespace

void build_jamba(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const std::int64_t d_ff = binder.integer("feed_forward_length", 1, kMaxWidth);
  const std::vector<std::int64_t> n_kv_heads = kv_heads(binder, n_layers);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    const std::int64_t kv = n_kv_heads[static_cast<std::size_t>(i)];
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    if (kv == 0) {
      layer.mixer = binder.mamba1(prefix, true, false);
    } else {
      layer.mixer = attention(binder, network, prefix, kv);
    }
    layer.ffn_norm = binder.floats(prefix + "ffn_norm.weight", {network.d_model});
    if (binder.has(prefix + "ffn_gate_inp.weight")) {
      layer.ffn = moe(binder, network, prefix, d_ff);
    } else {
      layer.ffn = dense(binder, network, prefix, d_ff);
    }
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
