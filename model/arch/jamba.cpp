// Jamba (Lieber et al. 2024): Mamba-1 layers with a few attention layers between them, every one
// followed by a dense or mixture-of-experts SwiGLU.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {

void build_jamba(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const std::int64_t d_ff = binder.integer("feed_forward_length", 1, kMaxWidth);
  const std::vector<std::int64_t> n_kv_heads = binder.kv_heads(n_layers);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    const std::int64_t kv = n_kv_heads[static_cast<std::size_t>(i)];
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    if (kv == 0) {
      layer.mixer = binder.mamba1(prefix, true, false);
    } else {
      layer.mixer = binder.attention(prefix, kv);
    }
    layer.ffn_norm = binder.floats(prefix + "ffn_norm.weight", {network.d_model});
    if (binder.has(prefix + "ffn_gate_inp.weight")) {
      layer.ffn = binder.moe(prefix, d_ff);
    } else {
      layer.ffn = binder.dense(prefix, d_ff);
    }
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
