#include <orkestra/core/tool_types.h>

#include <utility>

namespace orkestra {
ToolResult ToolResult::success(Json value, Origin origin, Label label) {
  ToolResult result;
  result.ok = true;
  result.value = std::move(value);
  result.origin = std::move(origin);
  result.label = label;
  return result;
}

ToolResult ToolResult::failure(ErrorCode code, std::string message) {
  ToolResult result;
  result.code = code;
  result.message = std::move(message);
  return result;
}

Json to_json(const ToolTraits& traits) {
  return {{"reads_private", traits.reads_private},
          {"reads_untrusted", traits.reads_untrusted},
          {"side_effects", traits.side_effects},
          {"reaches_out", traits.reaches_out},
          {"safe_to_repeat", traits.safe_to_repeat}};
}

Json to_json(const ToolSpec& spec) {
  return {{"name", spec.name},
          {"description", spec.description},
          {"parameters", spec.parameters},
          {"traits", to_json(spec.traits)},
          {"answer_form", spec.answer_form}};
}

ToolSpec tool_spec_from_json(const Json& json) {
  return reading_json("tool spec", [&] {
    ToolSpec spec;
    spec.name = json.at("name").get<std::string>();
    spec.description = json.at("description").get<std::string>();
    spec.parameters = json.at("parameters");
    const Json& traits = json.at("traits");
    spec.traits.reads_private = traits.at("reads_private").get<bool>();
    spec.traits.reads_untrusted = traits.at("reads_untrusted").get<bool>();
    spec.traits.side_effects = traits.at("side_effects").get<bool>();
    spec.traits.reaches_out = traits.at("reaches_out").get<bool>();
    spec.traits.safe_to_repeat = traits.at("safe_to_repeat").get<bool>();
    spec.answer_form = json.at("answer_form").get<std::string>();
    return spec;
  });
}

Json to_json(const ToolCall& call) {
  return {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
}

ToolCall tool_call_from_json(const Json& json) {
  return reading_json("tool call", [&] {
    return ToolCall{json.at("id").get<std::string>(), json.at("name").get<std::string>(),
                    json.at("arguments")};
  });
}

Json to_json(const ResultPart& part) {
  return {{"text", part.text},
          {"description", part.description},
          {"origin", to_json(part.origin)},
          {"label", to_json(part.label)}};
}

Json to_json(const ToolResult& result) {
  if (!result.ok) {
    return {{"ok", false}, {"code", info(result.code).name}, {"message", result.message}};
  }
  Json json = {{"ok", true},
               {"value", result.value},
               {"origin", to_json(result.origin)},
               {"label", to_json(result.label)},
               {"truncated", result.truncated}};
  for (const ResultPart& part : result.parts) json["parts"].push_back(to_json(part));
  return json;
}

ResultPart result_part_from_json(const Json& json) {
  return reading_json("part of a tool result", [&] {
    return ResultPart{json.at("text").get<std::string>(), json.at("description").get<std::string>(),
                      origin_from_json(json.at("origin")), label_from_json(json.at("label"))};
  });
}

ToolResult tool_result_from_json(const Json& json) {
  return reading_json("tool result", [&] {
    if (!json.at("ok").get<bool>()) {
      return ToolResult::failure(error_code_from_name(json.at("code").get<std::string>()),
                                 json.at("message").get<std::string>());
    }
    ToolResult result = ToolResult::success(json.at("value"), origin_from_json(json.at("origin")),
                                            label_from_json(json.at("label")));
    result.truncated = json.at("truncated").get<bool>();
    for (const Json& part : json.value("parts", Json::array())) {
      result.parts.push_back(result_part_from_json(part));
    }
    return result;
  });
}

}  // namespace orkestra
