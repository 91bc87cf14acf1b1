// Granite 4 hybrids (IBM 2025) and Bamba: Mamba-2 layers with a few attention layers between them,
// each followed by experts and a shared feed-forward part, or by a dense one. Embedding, residuals,
// attention scores and logits have multipliers; attention mostly knows no positions.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

constexpr double kMaxScale = 1e6;

// A missing multiplier and one of 0 both mean none.
float scale(const TensorBinder& binder, std::string_view key, float none) {
  const double value = binder.number_or(key, 0.0, 0.0, kMaxScale);
  return value == 0.0 ? none : static_cast<float>(value);
}

}  // namespace

void build_granite_hybrid(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const std::int64_t d_ff = binder.integer("feed_forward_length", 1, kMaxWidth);
  const std::int64_t d_shared =
      binder.integer_or("expert_shared_feed_forward_length", 0, 0, kMaxWidth);
  const std::vector<std::int64_t> n_kv_heads = binder.kv_heads(n_layers);
  const bool rotates = binder.file().boolean(binder.key("rope.scaling.finetuned"), true);
  network.embedding_scale = scale(binder, "embedding_scale", 1.0F);
  network.residual_scale = scale(binder, "residual_scale", 1.0F);
  network.logit_scale = 1.0F / scale(binder, "logit_scale", 1.0F);
  int rotation = -1;
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    const std::int64_t kv = n_kv_heads[static_cast<std::size_t>(i)];
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    if (kv == 0) {
      layer.mixer = binder.mamba2(prefix);
    } else {
      AttentionMixer attention = binder.attention(prefix, kv);
      attention.scale = scale(binder, "attention.scale", attention.scale);
      if (rotates && rotation < 0) {
        rotation = binder.rotation(attention.head_dim, true, "rope.freq_base", 10000.0, true);
      }
      attention.rotation = rotation;
      layer.mixer = attention;
    }
    layer.ffn_norm = binder.floats(prefix + "ffn_norm.weight", {network.d_model});
    if (binder.has(prefix + "ffn_gate_inp.weight")) {
      MoeFfn moe = binder.moe(prefix, d_ff);
      moe.renormalised = true;
      if (d_shared > 0) moe.shared = binder.dense(prefix, d_shared, "_shexp");
      layer.ffn = std::move(moe);
    } else {
      layer.ffn = binder.dense(prefix, d_ff);
    }
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
