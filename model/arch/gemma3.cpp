// Gemma 3 (Gemma Team 2025), the language part: most attention layers see a window only and rotate
// by a base of their own; queries and keys are normed; norms before and after each part; GeGLU.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

// Of each `pattern` layers all but the last see the window only.
constexpr std::int64_t kPattern = 6;
// The one size whose scores are scaled by the width of a head's share, not of a head.
constexpr std::int64_t kLayersOf27B = 62;

}  // namespace

void build_gemma3(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const std::int64_t d_ff = binder.integer("feed_forward_length", 1, kMaxWidth);
  const std::int64_t window =
      binder.integer_or("attention.sliding_window", 0, 0, std::int64_t{1} << 31);
  const std::int64_t pattern =
      binder.integer_or("attention.sliding_window_pattern", kPattern, 1, kMaxLayers);
  const std::vector<std::int64_t> n_kv_heads = binder.kv_heads(n_layers);
  network.embedding_scale = std::sqrt(static_cast<float>(network.d_model));
  network.logit_cap =
      static_cast<float>(binder.number_or("final_logit_softcapping", 0.0, 0.0, 1e6));
  int whole = -1;
  int local = -1;
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    const auto norm = [&](const char* name, std::int64_t n) {
      return binder.floats(prefix + name + ".weight", {n});
    };
    Layer layer;
    layer.mixer_norm = norm("attn_norm", network.d_model);
    layer.mixer_post_norm = norm("post_attention_norm", network.d_model);
    AttentionMixer attention = binder.attention(prefix, n_kv_heads[static_cast<std::size_t>(i)]);
    attention.q_norm = norm("attn_q_norm", attention.head_dim);
    attention.k_norm = norm("attn_k_norm", attention.head_dim);
    if (n_layers == kLayersOf27B) {
      attention.scale = 1.0F / std::sqrt(static_cast<float>(network.d_model / attention.n_heads));
    }
    if (whole < 0) {
      whole = binder.rotation(attention.head_dim, false, "rope.freq_base", 1e6, true);
      local = binder.rotation(attention.head_dim, false, "rope.freq_base_swa", 10000.0, false);
    }
    const bool is_local = window > 0 && i % pattern < pattern - 1;
    attention.window = is_local ? window : 0;
    attention.rotation = is_local ? local : whole;
    layer.mixer = attention;
    layer.ffn_norm = norm("ffn_norm", network.d_model);
    layer.ffn_post_norm = norm("post_ffw_norm", network.d_model);
    DenseFfn ffn = binder.dense(prefix, d_ff);
    ffn.activation = Activation::kGeluTanh;
    layer.ffn = ffn;
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
