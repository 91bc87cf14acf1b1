// Gemma 3, the language part: Gemma3ForCausalLM, Gemma3ForConditionalGeneration.

#include <orkestra/model/convert/conversion.h>

#include <string>

namespace orkestra::model {

void convert_gemma3(Conversion& c) {
  c.architecture = "gemma3";
  const ModelConfig& config = c.config;
  TensorPlan& plan = c.plan;
  const std::int64_t d_model = config.integer({"hidden_size"}, 1, kMaxExtent);
  const std::int64_t d_ff = config.integer({"intermediate_size"}, 1, kMaxExtent);
  const std::int64_t n_heads = config.integer_or({"num_attention_heads"}, 8, 1, 65536);
  const std::int64_t n_kv = config.integer_or({"num_key_value_heads"}, 4, 1, 65536);
  const std::int64_t head_dim = config.integer_or({"head_dim"}, 256, 1, 65536);
  const std::int64_t pattern =
      config.integer_or({"sliding_window_pattern", "_sliding_window_pattern"}, 6, 1, kMaxBlocks);
  if (config.find({"attn_logit_softcapping"}) != nullptr) {
    config.unsupported("\"attn_logit_softcapping\" is not something Gemma 3 has");
  }

  const std::int64_t n_layers = convert_frame(
      c, d_model, config.integer_or({"max_position_embeddings"}, 131072, 1, std::int64_t{1} << 30),
      config.number({"rms_norm_eps"}).value_or(1e-6));
  c.set("feed_forward_length", d_ff);
  c.set("attention.head_count", n_heads);
  c.set("attention.head_count_kv", n_kv);
  c.set("attention.key_length", head_dim);
  c.set("attention.value_length", head_dim);
  const double base = config.number({"rope_theta"}).value_or(1e6);
  c.set_number("rope.freq_base", base);
  convert_rope_scaling(c, head_dim, base);
  if (pattern != 1) {
    c.set("attention.sliding_window", config.integer({"sliding_window"}, 1, std::int64_t{1} << 30));
    if (pattern != 6) c.set("attention.sliding_window_pattern", pattern);
    c.set_number("rope.freq_base_swa", config.number({"rope_local_base_freq"}).value_or(10000.0));
  }
  if (const auto cap = config.number({"final_logit_softcapping"})) {
    c.set_number("final_logit_softcapping", *cap);
  }

  // Models that also see images keep the language part one level deeper.
  const std::string root =
      plan.has("language_model.model.embed_tokens.weight")   ? "language_model.model."
      : plan.has("model.language_model.embed_tokens.weight") ? "model.language_model."
                                                             : "model.";
  const std::string embedding = root + "embed_tokens.weight";
  plan.ends(embedding, "lm_head.weight", plan.rows_of(embedding), d_model,
            config.boolean_or("tie_word_embeddings", true));
  plan.vector("output_norm.weight", root + "norm.weight", d_model, Change::kPlusOne);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string from = root + "layers." + std::to_string(i) + ".";
    const std::string attention = from + "self_attn.";
    const auto norm = [&](const char* name, const std::string& source, std::int64_t n) {
      plan.vector(to + name, source, n, Change::kPlusOne);
    };
    norm("attn_norm.weight", from + "input_layernorm.weight", d_model);
    norm("post_attention_norm.weight", from + "post_attention_layernorm.weight", d_model);
    norm("ffn_norm.weight", from + "pre_feedforward_layernorm.weight", d_model);
    norm("post_ffw_norm.weight", from + "post_feedforward_layernorm.weight", d_model);
    norm("attn_q_norm.weight", attention + "q_norm.weight", head_dim);
    norm("attn_k_norm.weight", attention + "k_norm.weight", head_dim);
    plan.matrix(to + "attn_q.weight", attention + "q_proj.weight", n_heads * head_dim, d_model);
    plan.matrix(to + "attn_k.weight", attention + "k_proj.weight", n_kv * head_dim, d_model);
    plan.matrix(to + "attn_v.weight", attention + "v_proj.weight", n_kv * head_dim, d_model);
    plan.matrix(to + "attn_output.weight", attention + "o_proj.weight", d_model,
                n_heads * head_dim);
    plan.matrix(to + "ffn_gate.weight", from + "mlp.gate_proj.weight", d_ff, d_model);
    plan.matrix(to + "ffn_up.weight", from + "mlp.up_proj.weight", d_ff, d_model);
    plan.matrix(to + "ffn_down.weight", from + "mlp.down_proj.weight", d_model, d_ff);
  }
}

}  // namespace orkestra::model
