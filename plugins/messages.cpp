#include <orkestra/core/json_schema.h>
#include <orkestra/plugins/messages.h>
#include <orkestra/plugins/orkestra_plugin.h>

#include <array>

namespace orkestra::plugins {
namespace {

constexpr std::size_t kMaxTools = 64;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxDescriptionBytes = 4000;
constexpr std::size_t kMaxMessageBytes = 2000;

Error bad_plugin(const std::string& what) { return {ErrorCode::kInvalid, what}; }

std::string text_member(const Json& object, const char* key, std::size_t max_bytes) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    throw bad_plugin(std::string("its \"") + key + "\" is missing or no text");
  }
  auto text = found->get<std::string>();
  if (text.size() > max_bytes) {
    throw bad_plugin(std::string("its \"") + key + "\" is longer than " +
                     std::to_string(max_bytes) + " bytes");
  }
  return text;
}

bool trait(const Json& traits, const char* key, bool otherwise) {
  const auto found = traits.find(key);
  if (found == traits.end()) return otherwise;
  if (!found->is_boolean())
    throw bad_plugin(std::string("its trait \"") + key + "\" is no boolean");
  return found->get<bool>();
}

ToolSpec read_tool(const Json& json) {
  if (!json.is_object()) throw bad_plugin("one of its tools is no JSON object");
  ToolSpec spec;
  spec.name = text_member(json, "name", kMaxNameBytes);
  try {
    spec.description = text_member(json, "description", kMaxDescriptionBytes);
    if (json.contains("answer_form")) {
      spec.answer_form = text_member(json, "answer_form", kMaxDescriptionBytes);
    }
    const auto parameters = json.find("parameters");
    if (parameters == json.end() || !parameters->is_object()) {
      throw bad_plugin("its \"parameters\" are missing or no JSON Schema");
    }
    spec.parameters = *parameters;
    JsonSchema::compile(spec.parameters);
    const Json traits = json.value("traits", Json::object());
    if (!traits.is_object()) throw bad_plugin("its \"traits\" are no JSON object");
    // What is not declared is taken to be the dangerous one. What it returns is never trusted.
    spec.traits = {.reads_private = trait(traits, "reads_private", true),
                   .reads_untrusted = true,
                   .side_effects = trait(traits, "side_effects", true),
                   .reaches_out = trait(traits, "reaches_out", true),
                   .safe_to_repeat = trait(traits, "safe_to_repeat", false)};
  } catch (const Error& e) {
    throw bad_plugin("the tool " + dump_json(spec.name) + ": " + e.message());
  }
  return spec;
}

}  // namespace

bool operator==(const Hello& a, const Hello& b) {
  const auto text = [](const Hello& hello) {
    Json json{hello.name, hello.version};
    for (const ToolSpec& tool : hello.tools) json.push_back(to_json(tool));
    return dump_json(json);
  };
  return text(a) == text(b);
}

Hello read_hello(const std::string& text) {
  const Json json = parse_json(text, "the description");
  if (!json.is_object()) throw bad_plugin("its description is no JSON object");
  if (json.contains("error")) throw bad_plugin(text_member(json, "error", kMaxMessageBytes));
  if (!json.contains("abi") || json.at("abi") != ORKESTRA_PLUGIN_ABI) {
    throw bad_plugin("it was built for another version of the plugin interface; this is version " +
                     std::to_string(ORKESTRA_PLUGIN_ABI));
  }
  Hello hello{.name = text_member(json, "name", kMaxNameBytes),
              .version = text_member(json, "version", kMaxNameBytes)};
  const Json tools = parse_json(text_member(json, "tools", std::size_t{1} << 20U), "its tools");
  if (!tools.is_array() || tools.empty() || tools.size() > kMaxTools) {
    throw bad_plugin("its tools must be a JSON array of 1 to " + std::to_string(kMaxTools));
  }
  for (const Json& tool : tools) hello.tools.push_back(read_tool(tool));
  return hello;
}

ToolResult read_reply(const std::string& text, std::int64_t seq, std::size_t max_bytes) {
  const auto no_reply = [](const std::string& why) {
    return Error(ErrorCode::kCorrupt, "it answered with something that is no reply: " + why);
  };
  Json reply;
  try {
    reply = parse_json(text, "the reply", {.max_bytes = text.size()});
  } catch (const Error& e) {
    throw no_reply(e.message());
  }
  if (!reply.is_object() || !reply.contains("seq") || reply.at("seq") != seq ||
      !reply.contains("status") || !reply.at("status").is_number_integer() ||
      !reply.contains("text") || !reply.at("text").is_string()) {
    throw no_reply("members are missing, or it belongs to another call");
  }
  const auto said = reply.at("text").get<std::string>();
  const auto status = reply.at("status").get<std::int64_t>();
  if (status == ORKESTRA_OK) {
    try {
      ToolResult result;
      result.ok = true;
      result.value = parse_json(said, "the result", {.max_bytes = max_bytes});
      return result;
    } catch (const Error& e) {
      return ToolResult::failure(ErrorCode::kCorrupt, "its result is not JSON: " + e.message());
    }
  }
  // In the order of orkestra_plugin.h, from 1 on.
  constexpr std::array kCodes{
      ErrorCode::kInvalid,     ErrorCode::kNotFound,       ErrorCode::kCorrupt,
      ErrorCode::kUnsupported, ErrorCode::kDenied,         ErrorCode::kConflict,
      ErrorCode::kExhausted,   ErrorCode::kDeadline,       ErrorCode::kCancelled,
      ErrorCode::kUnavailable, ErrorCode::kOutcomeUnknown, ErrorCode::kInternal};
  if (status < 1 || status > static_cast<std::int64_t>(kCodes.size())) {
    return ToolResult::failure(ErrorCode::kInternal,
                               "it ended with the unknown status " + std::to_string(status));
  }
  return ToolResult::failure(
      kCodes[static_cast<std::size_t>(status - 1)],
      said.empty() ? "no reason was given" : said.substr(0, kMaxMessageBytes));
}

}  // namespace orkestra::plugins
