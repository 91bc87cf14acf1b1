// Jamba: JambaForCausalLM.

#include <orkestra/model/convert/conversion.h>

#include <string>
#include <vector>

namespace orkestra::model {
namespace {

struct MambaShape {
  std::int64_t d_model, d_inner, d_state, d_conv, dt_rank;
};

void mixer(TensorPlan& plan, const std::string& to, const std::string& from, const MambaShape& s) {
  plan.matrix(to + "ssm_in.weight", from + "in_proj.weight", 2 * s.d_inner, s.d_model);
  plan.reshaped(to + "ssm_conv1d.weight", {s.d_conv, s.d_inner}, from + "conv1d.weight",
                {s.d_inner, 1, s.d_conv});
  plan.vector(to + "ssm_conv1d.bias", from + "conv1d.bias", s.d_inner);
  plan.matrix(to + "ssm_x.weight", from + "x_proj.weight", s.dt_rank + 2 * s.d_state, s.d_inner);
  plan.vector(to + "ssm_dt_norm.weight", from + "dt_layernorm.weight", s.dt_rank);
  plan.vector(to + "ssm_b_norm.weight", from + "b_layernorm.weight", s.d_state);
  plan.vector(to + "ssm_c_norm.weight", from + "c_layernorm.weight", s.d_state);
  plan.matrix(to + "ssm_dt.weight", from + "dt_proj.weight", s.d_inner, s.dt_rank);
  plan.vector(to + "ssm_dt.bias", from + "dt_proj.bias", s.d_inner);
  plan.reshaped(to + "ssm_a", {s.d_state, s.d_inner}, from + "A_log", {s.d_inner, s.d_state},
                Change::kNegativeExp);
  plan.vector(to + "ssm_d", from + "D", s.d_inner);
  plan.matrix(to + "ssm_out.weight", from + "out_proj.weight", s.d_model, s.d_inner);
}

}  // namespace

void convert_jamba(Conversion& c) {
  c.architecture = "jamba";
  const ModelConfig& config = c.config;
  TensorPlan& plan = c.plan;
  const std::int64_t d_model = config.integer({"hidden_size"}, 1, kMaxExtent);
  const std::int64_t expand = config.integer_or({"mamba_expand"}, 2, 1, 64);
  const MambaShape shape{
      .d_model = d_model,
      .d_inner = expand * d_model,
      .d_state = config.integer_or({"mamba_d_state"}, 16, 1, 4096),
      .d_conv = config.integer_or({"mamba_d_conv"}, 4, 2, 64),
      .dt_rank = config.integer_or({"mamba_dt_rank"}, (d_model + 15) / 16, 1, kMaxExtent)};
  const std::int64_t d_ff = config.integer({"intermediate_size"}, 1, kMaxExtent);
  const std::int64_t n_heads = config.integer({"num_attention_heads"}, 1, 65536);
  const std::int64_t n_kv = config.integer_or({"num_key_value_heads"}, n_heads, 1, 65536);
  const std::int64_t head_dim = d_model / n_heads;
  const std::int64_t attention_period = config.integer_or({"attn_layer_period"}, 8, 1, kMaxBlocks);
  const std::int64_t attention_offset = config.integer_or({"attn_layer_offset"}, 4, 0, kMaxBlocks);
  const std::int64_t n_experts =
      config.integer_or({"num_experts", "num_local_experts"}, 1, 0, 4096);
  const std::int64_t n_used = config.integer_or({"num_experts_per_tok"}, 1, 0, 4096);
  const std::int64_t moe_period = config.integer_or({"expert_layer_period"}, 2, 1, kMaxBlocks);
  const std::int64_t moe_offset = config.integer_or({"expert_layer_offset"}, 1, 0, kMaxBlocks);
  const auto every = [](std::int64_t i, std::int64_t period, std::int64_t offset) {
    return i >= offset && (i - offset) % period == 0;
  };

  const std::int64_t n_layers = convert_frame(
      c, d_model, config.integer_or({"max_position_embeddings"}, 262144, 1, std::int64_t{1} << 30),
      config.number({"rms_norm_eps"}).value_or(1e-6));
  c.set("feed_forward_length", d_ff);
  c.set("attention.head_count", n_heads);
  std::vector<std::int32_t> kv(static_cast<std::size_t>(n_layers));
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const bool attends = every(i, attention_period, attention_offset);
    kv[static_cast<std::size_t>(i)] = attends ? static_cast<std::int32_t>(n_kv) : 0;
  }
  c.set_list("attention.head_count_kv", kv);
  c.set("ssm.conv_kernel", shape.d_conv);
  c.set("ssm.inner_size", shape.d_inner);
  c.set("ssm.state_size", shape.d_state);
  c.set("ssm.time_step_rank", shape.dt_rank);
  c.set("expert_count", n_experts);
  c.set("expert_used_count", n_used);

  plan.ends("model.embed_tokens.weight", "lm_head.weight",
            plan.rows_of("model.embed_tokens.weight"), d_model,
            config.boolean_or("tie_word_embeddings", false));
  plan.vector("output_norm.weight", "model.final_layernorm.weight", d_model);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string from = "model.layers." + std::to_string(i) + ".";
    plan.vector(to + "attn_norm.weight", from + "input_layernorm.weight", d_model);
    plan.vector(to + "ffn_norm.weight", from + "pre_ff_layernorm.weight", d_model);
    if (kv[static_cast<std::size_t>(i)] == 0) {
      mixer(plan, to, from + "mamba.", shape);
    } else {
      const std::string attention = from + "self_attn.";
      plan.matrix(to + "attn_q.weight", attention + "q_proj.weight", n_heads * head_dim, d_model);
      plan.matrix(to + "attn_k.weight", attention + "k_proj.weight", n_kv * head_dim, d_model);
      plan.matrix(to + "attn_v.weight", attention + "v_proj.weight", n_kv * head_dim, d_model);
      plan.matrix(to + "attn_output.weight", attention + "o_proj.weight", d_model,
                  n_heads * head_dim);
    }
    const std::string ffn = from + "feed_forward.";
    if (n_experts > 1 && every(i, moe_period, moe_offset)) {
      plan.matrix(to + "ffn_gate_inp.weight", ffn + "router.weight", n_experts, d_model);
      convert_experts(c, to, n_experts, d_ff, d_model, [&](std::int64_t e, int part) {
        constexpr const char* kParts[] = {"gate_proj", "up_proj", "down_proj"};
        return ffn + "experts." + std::to_string(e) + "." + kParts[part] + ".weight";
      });
    } else {
      plan.matrix(to + "ffn_gate.weight", ffn + "gate_proj.weight", d_ff, d_model);
      plan.matrix(to + "ffn_up.weight", ffn + "up_proj.weight", d_ff, d_model);
      plan.matrix(to + "ffn_down.weight", ffn + "down_proj.weight", d_model, d_ff);
    }
  }
}

}  // namespace orkestra::model
