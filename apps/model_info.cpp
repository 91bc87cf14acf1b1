#include <orkestra/apps/model_info.h>
#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf_split.h>
#include <orkestra/model/format/tensor_type.h>

#include <map>
#include <string_view>
#include <variant>

namespace orkestra::apps {
namespace {

// "mmammmam", one letter a layer, is how hybrids are compared at a glance; JSON gets words.
Json layers(const model::Network& network) {
  Json list = Json::array();
  for (const model::Layer& layer : network.layers) {
    constexpr const char* kMixers[] = {"attention", "mamba1", "mamba2"};
    const auto* attention = std::get_if<model::AttentionMixer>(&layer.mixer);
    const bool dense = std::holds_alternative<model::DenseFfn>(layer.ffn);
    const bool moe = std::holds_alternative<model::MoeFfn>(layer.ffn);
    Json shape = {{"mixer", kMixers[layer.mixer.index()]},
                  {"ffn", moe     ? "moe"
                          : dense ? "dense"
                                  : "none"}};
    if (attention != nullptr) {
      shape["heads"] = attention->n_heads;
      shape["kv_heads"] = attention->n_kv_heads;
      shape["head_dim"] = attention->head_dim;
      if (attention->window > 0) shape["window"] = attention->window;
    }
    list.push_back(std::move(shape));
  }
  return list;
}

}  // namespace

Json model_info(const model::LoadedModel& model) {
  const model::Network& network = model.network();
  std::int64_t parameters = 0;
  std::size_t bytes = 0;
  std::map<std::string, std::int64_t> types;
  for (const model::TensorView& tensor : model.file().tensors()) {
    parameters += tensor.rows() * tensor.row_length();
    bytes += tensor.data.size();
    ++types[std::string(model::info(tensor.type).name)];
  }
  Json parts = Json::array();
  for (const auto& path : model::split_paths(model.file())) parts.push_back(path.string());
  Json info = {{"id", model.id()}, {"file", model.file().name()}};
  if (parts.size() > 1) info["parts"] = std::move(parts);
  info.update({{"architecture", network.architecture},
               {"parameters", parameters},
               {"tensor_bytes", bytes},
               {"tensor_types", types},
               {"context_length", network.context_length},
               {"vocabulary", network.n_vocab},
               {"width", network.d_model},
               {"layers", layers(network)}});
  try {
    const model::ChatTraits& traits = model.chat_format().traits();
    info["chat_template"] = traits.origin == "file" ? "from the file"
                                                    : "none in the file; the default \"" +
                                                          std::string(traits.origin) + "\" is used";
    info["tool_call_style"] = model::name(traits.calls);
    info["reasoning"] = traits.reasoning.empty()
                            ? "none shown by the template"
                            : traits.reasoning.begin + " ... " + traits.reasoning.end;
  } catch (const Error& error) {
    info["chat_format_error"] = error.message();
  }
  return info;
}

std::string to_text(const Json& info) {
  std::string text;
  for (const auto& [key, value] : info.items()) {
    std::string shown = value.is_string() ? value.get<std::string>() : dump_json_spaced(value);
    if (key == "parts") shown = std::to_string(value.size()) + " files";
    if (key == "layers") {
      shown = std::to_string(value.size()) + ": ";
      for (const Json& layer : value) {
        const std::string ffn = layer.at("ffn").get<std::string>();
        shown += layer.at("mixer") == "attention" ? "A" : "m";
        if (ffn == "moe") shown += "*";
      }
      shown += " (m Mamba, A attention, * mixture of experts)";
    }
    text += key + std::string(18 - std::min<std::size_t>(17, key.size()), ' ') + shown + "\n";
  }
  return text;
}

}  // namespace orkestra::apps
