// Granite 4 hybrids (GraniteMoeHybridForCausalLM) and Bamba-like models of the same names: Mamba-2
// layers with attention layers between them, experts and a shared feed-forward part beside them.

#include <orkestra/model/convert/conversion.h>

#include <string>
#include <vector>

namespace orkestra::model {
namespace {

// Per layer: KV heads, 0 for a Mamba layer.
std::vector<std::int32_t> layer_kinds(const Conversion& c, std::int64_t n_layers,
                                      std::int64_t n_kv) {
  const Json* types = c.config.find({"layer_types", "layers_block_type"});
  if (types == nullptr || !types->is_array() ||
      types->size() != static_cast<std::size_t>(n_layers)) {
    c.config.corrupt("\"layer_types\" must name each of the " + std::to_string(n_layers) +
                     " layers' kind");
  }
  std::vector<std::int32_t> kv;
  for (const Json& type : *types) {
    if (type != "mamba" && type != "attention") {
      c.config.unsupported("\"layer_types\" holds " + dump_json(type).substr(0, 64) +
                           "; mamba and attention are supported");
    }
    kv.push_back(type == "attention" ? static_cast<std::int32_t>(n_kv) : 0);
  }
  return kv;
}

void multipliers(const Conversion& c) {
  const auto copy = [&](std::string_view from, std::string_view to) {
    if (const auto value = c.config.number({from})) c.set_number(to, *value);
  };
  copy("attention_multiplier", "attention.scale");
  copy("embedding_multiplier", "embedding_scale");
  copy("residual_multiplier", "residual_scale");
  copy("logits_scaling", "logit_scale");
}

}  // namespace

void convert_granite_hybrid(Conversion& c) {
  c.architecture = "granitehybrid";
  const ModelConfig& config = c.config;
  TensorPlan& plan = c.plan;
  const std::int64_t d_model = config.integer({"hidden_size"}, 1, kMaxExtent);
  const std::int64_t d_ff = config.integer({"intermediate_size"}, 1, kMaxExtent);
  const std::int64_t d_shared = config.integer_or({"shared_intermediate_size"}, 0, 0, kMaxExtent);
  const std::int64_t n_experts = config.integer_or({"num_local_experts"}, 0, 0, 4096);
  const std::int64_t n_heads = config.integer({"num_attention_heads"}, 1, 65536);
  const std::int64_t n_kv = config.integer_or({"num_key_value_heads"}, n_heads, 1, 65536);
  const std::int64_t head_dim = d_model / n_heads;
  Mamba2Shape s;
  s.d_inner = config.integer_or({"mamba_expand"}, 2, 1, 64) * d_model;
  s.d_state = config.integer_or({"mamba_d_state"}, 256, 1, 4096);
  s.d_conv = config.integer_or({"mamba_d_conv"}, 4, 2, 64);
  s.n_groups = config.integer_or({"mamba_n_groups"}, 1, 1, 65536);
  s.n_heads = config.integer_or({"mamba_n_heads"}, 128, 1, kMaxExtent);
  const bool rotates = config.text_or("position_embedding_type", "nope") == "rope";
  if (config.boolean_or("attention_bias", false) || config.boolean_or("mamba_proj_bias", false)) {
    config.unsupported("biases of the projections are not supported");
  }

  const std::int64_t n_layers =
      convert_frame(c, d_model,
                    rotates ? config.integer({"max_position_embeddings"}, 1, std::int64_t{1} << 30)
                            : std::int64_t{1} << 20,
                    config.number({"rms_norm_eps"}).value_or(1e-6));
  const auto kv = layer_kinds(c, n_layers, n_kv);
  c.set("vocab_size", plan.rows_of("model.embed_tokens.weight"));
  c.set("feed_forward_length", n_experts > 0 ? d_ff : d_shared);
  c.set("attention.head_count", n_heads);
  c.set_list("attention.head_count_kv", kv);
  c.set("rope.dimension_count", head_dim);
  const double base = config.number({"rope_theta"}).value_or(10000.0);
  c.set_number("rope.freq_base", base);
  c.set_flag("rope.scaling.finetuned", rotates);
  if (rotates) convert_rope_scaling(c, head_dim, base);
  multipliers(c);
  if (n_experts > 0) {
    c.set("expert_count", n_experts);
    c.set("expert_used_count", config.integer({"num_experts_per_tok"}, 1, n_experts));
    if (d_shared > 0) c.set("expert_shared_feed_forward_length", d_shared);
  }
  convert_mamba2_keys(c, s);

  plan.ends("model.embed_tokens.weight", "lm_head.weight",
            plan.rows_of("model.embed_tokens.weight"), d_model,
            config.boolean_or("tie_word_embeddings", true));
  plan.vector("output_norm.weight", "model.norm.weight", d_model);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string from = "model.layers." + std::to_string(i) + ".";
    plan.vector(to + "attn_norm.weight", from + "input_layernorm.weight", d_model);
    plan.vector(to + "ffn_norm.weight", from + "post_attention_layernorm.weight", d_model);
    if (kv[static_cast<std::size_t>(i)] == 0) {
      convert_mamba2_mixer(plan, to, from + "mamba.", d_model, s);
    } else {
      const std::string attention = from + "self_attn.";
      plan.rotary(to + "attn_q.weight", attention + "q_proj.weight", n_heads, head_dim, d_model);
      plan.rotary(to + "attn_k.weight", attention + "k_proj.weight", n_kv, head_dim, d_model);
      plan.matrix(to + "attn_v.weight", attention + "v_proj.weight", n_kv * head_dim, d_model);
      plan.matrix(to + "attn_output.weight", attention + "o_proj.weight", d_model,
                  n_heads * head_dim);
    }
    if (n_experts > 0) {
      const std::string moe = from + "block_sparse_moe.";
      plan.matrix(to + "ffn_gate_inp.weight", moe + "router.layer.weight", n_experts, d_model);
      plan.part_of_each(to + "ffn_gate_exps.weight", moe + "input_linear.weight", n_experts,
                        2 * d_ff, d_model, 0, d_ff);
      plan.part_of_each(to + "ffn_up_exps.weight", moe + "input_linear.weight", n_experts, 2 * d_ff,
                        d_model, d_ff, d_ff);
      plan.part_of_each(to + "ffn_down_exps.weight", moe + "output_linear.weight", n_experts,
                        d_model, d_ff, 0, d_model);
    }
    if (d_shared > 0) {
      const std::string shared = from + "shared_mlp.";
      const std::string suffix = n_experts > 0 ? "_shexp.weight" : ".weight";
      plan.part(to + "ffn_gate" + suffix, shared + "input_linear.weight", 2 * d_shared, d_model, 0,
                d_shared);
      plan.part(to + "ffn_up" + suffix, shared + "input_linear.weight", 2 * d_shared, d_model,
                d_shared, d_shared);
      plan.matrix(to + "ffn_down" + suffix, shared + "output_linear.weight", d_model, d_shared);
    }
  }
}

}  // namespace orkestra::model
