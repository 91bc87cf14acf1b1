// Llama 2 and 3, Mistral and Mixtral: LlamaForCausalLM, MistralForCausalLM, MixtralForCausalLM.

#include <orkestra/model/convert/conversion.h>

#include <string>

namespace orkestra::model {

void convert_llama(Conversion& c) {
  c.architecture = "llama";
  const ModelConfig& config = c.config;
  TensorPlan& plan = c.plan;
  const std::int64_t d_model = config.integer({"hidden_size"}, 1, kMaxExtent);
  const std::int64_t d_ff = config.integer({"intermediate_size"}, 1, kMaxExtent);
  const std::int64_t n_heads = config.integer({"num_attention_heads"}, 1, 65536);
  const std::int64_t n_kv = config.integer_or({"num_key_value_heads"}, n_heads, 1, 65536);
  const std::int64_t head_dim = config.integer_or({"head_dim"}, d_model / n_heads, 1, 65536);
  const std::int64_t n_experts = config.integer_or({"num_local_experts"}, 0, 0, 4096);
  if (config.boolean_or("attention_bias", false) || config.boolean_or("mlp_bias", false)) {
    config.unsupported("biases of the projections are not supported");
  }
  if (config.find({"sliding_window"}) != nullptr) {
    // The peers' llama files have no key for it: beyond the window they attend to everything.
    const std::int64_t window = config.integer({"sliding_window"}, 1, std::int64_t{1} << 30);
    if (window < config.integer({"max_position_embeddings"}, 1, std::int64_t{1} << 30)) {
      c.set("attention.sliding_window", window);
    }
  }

  const std::int64_t n_layers = convert_frame(
      c, d_model, config.integer({"max_position_embeddings"}, 1, std::int64_t{1} << 30),
      config.number({"rms_norm_eps"}).value_or(1e-6));
  c.set("vocab_size", plan.rows_of("model.embed_tokens.weight"));
  c.set("feed_forward_length", d_ff);
  c.set("attention.head_count", n_heads);
  c.set("attention.head_count_kv", n_kv);
  if (head_dim * n_heads != d_model) {
    c.set("attention.key_length", head_dim);
    c.set("attention.value_length", head_dim);
  }
  c.set("rope.dimension_count", head_dim);
  double base = config.number({"rope_theta"}).value_or(10000.0);
  if (const auto rope = config.object("rope_parameters")) {
    base = rope->number({"rope_theta"}).value_or(base);
  }
  c.set_number("rope.freq_base", base);
  convert_rope_scaling(c, head_dim, base);
  if (n_experts > 0) {
    c.set("expert_count", n_experts);
    c.set("expert_used_count", config.integer({"num_experts_per_tok"}, 1, n_experts));
  }

  plan.ends("model.embed_tokens.weight", "lm_head.weight",
            plan.rows_of("model.embed_tokens.weight"), d_model,
            config.boolean_or("tie_word_embeddings", false));
  plan.vector("output_norm.weight", "model.norm.weight", d_model);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string from = "model.layers." + std::to_string(i) + ".";
    const std::string attention = from + "self_attn.";
    plan.vector(to + "attn_norm.weight", from + "input_layernorm.weight", d_model);
    plan.vector(to + "ffn_norm.weight", from + "post_attention_layernorm.weight", d_model);
    plan.rotary(to + "attn_q.weight", attention + "q_proj.weight", n_heads, head_dim, d_model);
    plan.rotary(to + "attn_k.weight", attention + "k_proj.weight", n_kv, head_dim, d_model);
    plan.matrix(to + "attn_v.weight", attention + "v_proj.weight", n_kv * head_dim, d_model);
    plan.matrix(to + "attn_output.weight", attention + "o_proj.weight", d_model,
                n_heads * head_dim);
    if (n_experts > 0) {
      const std::string moe = from + "block_sparse_moe.";
      plan.matrix(to + "ffn_gate_inp.weight", moe + "gate.weight", n_experts, d_model);
      convert_experts(c, to, n_experts, d_ff, d_model, [&](std::int64_t e, int part) {
        constexpr const char* kParts[] = {"w1", "w3", "w2"};
        return moe + "experts." + std::to_string(e) + "." + kParts[part] + ".weight";
      });
    } else {
      plan.matrix(to + "ffn_gate.weight", from + "mlp.gate_proj.weight", d_ff, d_model);
      plan.matrix(to + "ffn_up.weight", from + "mlp.up_proj.weight", d_ff, d_model);
      plan.matrix(to + "ffn_down.weight", from + "mlp.down_proj.weight", d_model, d_ff);
    }
  }
}

}  // namespace orkestra::model
