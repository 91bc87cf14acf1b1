// Llama 2 and 3 (Touvron et al. 2023, Dubey et al. 2024), Mistral and Mixtral (Jiang et al. 2023,
// 2024): attention with interleaved rotation, dense SwiGLU or experts.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {

void build_llama(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const std::int64_t d_ff = binder.integer("feed_forward_length", 1, kMaxWidth);
  const std::int64_t window =
      binder.integer_or("attention.sliding_window", 0, 0, std::int64_t{1} << 31);
  const std::vector<std::int64_t> n_kv_heads = binder.kv_heads(n_layers);
  int rotation = -1;
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    AttentionMixer attention = binder.attention(prefix, n_kv_heads[static_cast<std::size_t>(i)]);
    if (rotation < 0) {
      rotation = binder.rotation(attention.head_dim, true, "rope.freq_base", 10000.0, true);
    }
    attention.rotation = rotation;
    attention.window = window;
    layer.mixer = attention;
    layer.ffn_norm = binder.floats(prefix + "ffn_norm.weight", {network.d_model});
    if (binder.has(prefix + "ffn_gate_inp.weight")) {
      MoeFfn moe = binder.moe(prefix, d_ff);
      moe.renormalised = true;
      layer.ffn = std::move(moe);
    } else {
      layer.ffn = binder.dense(prefix, d_ff);
    }
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
