#include <orkestra/model/convert/conversion.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace orkestra::model {

std::int64_t convert_frame(const Conversion& conversion, std::int64_t d_model,
                           std::int64_t context_length, double epsilon) {
  const std::int64_t n_layers =
      conversion.config.integer({"num_hidden_layers", "n_layer", "num_layers"}, 1, kMaxBlocks);
  if (!(epsilon >= 0.0 && epsilon <= 1.0)) {
    conversion.config.corrupt("the norms' epsilon must be from 0 to 1, it is " +
                              std::to_string(epsilon));
  }
  conversion.set("block_count", n_layers);
  conversion.set("context_length", context_length);
  conversion.set("embedding_length", d_model);
  conversion.set_number("attention.layer_norm_rms_epsilon", epsilon);
  return n_layers;
}

void convert_experts(const Conversion& conversion, const std::string& prefix,
                     std::int64_t n_experts, std::int64_t d_ff, std::int64_t d_model,
                     const std::function<std::string(std::int64_t, int)>& name) {
  constexpr const char* kParts[] = {"ffn_gate_exps.weight", "ffn_up_exps.weight",
                                    "ffn_down_exps.weight"};
  for (int part = 0; part < 3; ++part) {
    std::vector<std::string> from;
    for (std::int64_t e = 0; e < n_experts; ++e) from.push_back(name(e, part));
    const bool down = part == 2;
    conversion.plan.stacked(prefix + kParts[part], from, down ? d_model : d_ff,
                            down ? d_ff : d_model);
  }
}

void convert_rope_scaling(const Conversion& conversion, std::int64_t head_dim, double base) {
  auto scaling = conversion.config.object("rope_scaling");
  if (!scaling) scaling = conversion.config.object("rope_parameters");
  if (!scaling) return;
  const std::string kind = scaling->text_or("rope_type", scaling->text_or("type", "default"));
  if (kind == "default") return;
  const double factor = scaling->number({"factor"}).value_or(1.0);
  if (!(factor > 0.0)) scaling->corrupt("\"factor\" must be positive");
  if (kind == "linear") {
    conversion.writer.set(conversion.key("rope.scaling.type"), "linear");
    conversion.set_number("rope.scaling.factor", factor);
    return;
  }
  if (kind != "llama3") {
    scaling->unsupported("the rotation scaling \"" + kind.substr(0, 64) +
                         "\" is not one this build can convert (linear, llama3)");
  }
  // Wavelengths below `shortest` stay, those above `longest` are stretched by the factor, between
  // them the two are blended (the Llama 3.1 report).
  const double context =
      static_cast<double>(scaling->integer({"original_max_position_embeddings"}, 1, kMaxExtent));
  const double low = scaling->number({"low_freq_factor"}).value_or(1.0);
  const double high = scaling->number({"high_freq_factor"}).value_or(4.0);
  if (!(low > 0.0) || !(high > low)) {
    scaling->corrupt("\"high_freq_factor\" must exceed \"low_freq_factor\", both be positive");
  }
  std::vector<float> divisors;
  for (std::int64_t i = 0; i < head_dim; i += 2) {
    const double wavelength =
        2.0 * std::numbers::pi *
        std::pow(base, static_cast<double>(i) / static_cast<double>(head_dim));
    double divisor = factor;
    if (wavelength < context / high) {
      divisor = 1.0;
    } else if (wavelength <= context / low) {
      const double share = (context / wavelength - low) / (high - low);
      divisor = 1.0 / ((1.0 - share) / factor + share);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  conversion.plan.values("rope_freqs.weight", std::move(divisors));
}

}  // namespace orkestra::model
