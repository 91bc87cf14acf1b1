// Mamba (MambaForCausalLM, FalconMambaForCausalLM) and Mamba-2 (Mamba2ForCausalLM).

#include <orkestra/model/convert/conversion.h>

#include <string>

namespace orkestra::model {
namespace {

// Mamba models know no longest context; the value the peers write.
constexpr std::int64_t kUnboundedContext = std::int64_t{1} << 20;

void convert_ends(const Conversion& c, std::int64_t d_model) {
  c.plan.ends("backbone.embeddings.weight", "lm_head.weight",
              c.plan.rows_of("backbone.embeddings.weight"), d_model,
              c.config.boolean_or("tie_word_embeddings", true));
  c.plan.vector("output_norm.weight", "backbone.norm_f.weight", d_model);
}

void refuse_projection_bias(const Conversion& c) {
  if (c.config.boolean_or("use_bias", false)) {
    c.config.unsupported("biases of the projections (\"use_bias\") are not supported");
  }
}

}  // namespace

void convert_mamba(Conversion& c) {
  c.architecture = "mamba";
  const ModelConfig& config = c.config;
  TensorPlan& plan = c.plan;
  refuse_projection_bias(c);
  const std::int64_t d_model = config.integer({"hidden_size", "d_model"}, 1, kMaxExtent);
  const std::int64_t d_inner =
      config.integer_or({"intermediate_size", "d_inner"}, 2 * d_model, 1, kMaxExtent);
  const std::int64_t d_state = config.integer_or({"state_size", "d_state"}, 16, 1, 4096);
  const std::int64_t d_conv = config.integer_or({"conv_kernel", "d_conv"}, 4, 2, 64);
  const Json* rank = config.find({"time_step_rank", "dt_rank"});
  const bool automatic = rank == nullptr || *rank == "auto";
  const std::int64_t dt_rank = automatic
                                   ? (d_model + 15) / 16
                                   : config.integer({"time_step_rank", "dt_rank"}, 1, kMaxExtent);

  const std::int64_t n_layers =
      convert_frame(c, d_model, kUnboundedContext,
                    config.number({"layer_norm_epsilon", "rms_norm_eps"}).value_or(1e-5));
  c.set("feed_forward_length", 0);
  c.set("attention.head_count", 0);
  c.set("ssm.conv_kernel", d_conv);
  c.set("ssm.inner_size", d_inner);
  c.set("ssm.state_size", d_state);
  c.set("ssm.time_step_rank", dt_rank);
  // Falcon Mamba norms dt, B and C, without weights.
  c.set_flag("ssm.dt_b_c_rms", config.text_or("model_type", "mamba") == "falcon_mamba");

  convert_ends(c, d_model);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string layer = "backbone.layers." + std::to_string(i) + ".";
    const std::string from = layer + "mixer.";
    plan.vector(to + "attn_norm.weight", layer + "norm.weight", d_model);
    plan.matrix(to + "ssm_in.weight", from + "in_proj.weight", 2 * d_inner, d_model);
    plan.reshaped(to + "ssm_conv1d.weight", {d_conv, d_inner}, from + "conv1d.weight",
                  {d_inner, 1, d_conv});
    plan.vector(to + "ssm_conv1d.bias", from + "conv1d.bias", d_inner);
    plan.matrix(to + "ssm_x.weight", from + "x_proj.weight", dt_rank + 2 * d_state, d_inner);
    plan.matrix(to + "ssm_dt.weight", from + "dt_proj.weight", d_inner, dt_rank);
    plan.vector(to + "ssm_dt.bias", from + "dt_proj.bias", d_inner);
    plan.reshaped(to + "ssm_a", {d_state, d_inner}, from + "A_log", {d_inner, d_state},
                  Change::kNegativeExp);
    plan.vector(to + "ssm_d", from + "D", d_inner);
    plan.matrix(to + "ssm_out.weight", from + "out_proj.weight", d_model, d_inner);
  }
}

void convert_mamba2_mixer(TensorPlan& plan, const std::string& to, const std::string& from,
                          std::int64_t d_model, const Mamba2Shape& s) {
  const std::int64_t d_mixed = s.d_inner + 2 * s.n_groups * s.d_state;  // x, B, C
  plan.matrix(to + "ssm_in.weight", from + "in_proj.weight", s.d_inner + d_mixed + s.n_heads,
              d_model);
  plan.reshaped(to + "ssm_conv1d.weight", {s.d_conv, d_mixed}, from + "conv1d.weight",
                {d_mixed, 1, s.d_conv});
  plan.vector(to + "ssm_conv1d.bias", from + "conv1d.bias", d_mixed);
  plan.vector(to + "ssm_dt.bias", from + "dt_bias", s.n_heads);
  plan.reshaped(to + "ssm_a", {1, s.n_heads}, from + "A_log", {s.n_heads}, Change::kNegativeExp);
  plan.reshaped(to + "ssm_d", {1, s.n_heads}, from + "D", {s.n_heads});
  plan.reshaped(to + "ssm_norm.weight", {s.d_inner / s.n_groups, s.n_groups}, from + "norm.weight",
                {s.d_inner});
  plan.matrix(to + "ssm_out.weight", from + "out_proj.weight", d_model, s.d_inner);
}

void convert_mamba2_keys(const Conversion& c, const Mamba2Shape& s) {
  if (s.n_heads < 1 || s.d_inner % s.n_heads != 0 || s.n_heads % s.n_groups != 0 ||
      s.d_inner % s.n_groups != 0) {
    c.config.corrupt("an inner width of " + std::to_string(s.d_inner) + " can't be shared by " +
                     std::to_string(s.n_heads) + " heads in " + std::to_string(s.n_groups) +
                     " groups");
  }
  c.set("ssm.conv_kernel", s.d_conv);
  c.set("ssm.inner_size", s.d_inner);
  c.set("ssm.state_size", s.d_state);
  c.set("ssm.time_step_rank", s.n_heads);
  c.set("ssm.group_count", s.n_groups);
}

void convert_mamba2(Conversion& c) {
  c.architecture = "mamba2";
  const ModelConfig& config = c.config;
  refuse_projection_bias(c);
  const std::int64_t d_model = config.integer({"hidden_size", "d_model"}, 1, kMaxExtent);
  const std::int64_t expand = config.integer_or({"expand"}, 2, 1, 64);
  Mamba2Shape s;
  s.d_inner = config.integer_or({"intermediate_size", "d_inner"}, expand * d_model, 1, kMaxExtent);
  s.d_state = config.integer_or({"state_size", "d_state"}, 128, 1, 4096);
  s.d_conv = config.integer_or({"conv_kernel", "d_conv"}, 4, 2, 64);
  s.n_groups = config.integer_or({"n_groups"}, 1, 1, 65536);
  const std::int64_t head_dim = config.integer_or({"head_dim"}, 64, 1, kMaxExtent);
  s.n_heads = config.integer_or({"num_heads"}, s.d_inner / head_dim, 1, kMaxExtent);

  const std::int64_t n_layers =
      convert_frame(c, d_model, kUnboundedContext,
                    config.number({"layer_norm_epsilon", "rms_norm_eps"}).value_or(1e-5));
  c.set("feed_forward_length", 0);
  c.set("attention.head_count", 0);
  convert_mamba2_keys(c, s);
  convert_ends(c, d_model);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string to = "blk." + std::to_string(i) + ".";
    const std::string layer = "backbone.layers." + std::to_string(i) + ".";
    c.plan.vector(to + "attn_norm.weight", layer + "norm.weight", d_model);
    convert_mamba2_mixer(c.plan, to, layer + "mixer.", d_model, s);
  }
}

}  // namespace orkestra::model
