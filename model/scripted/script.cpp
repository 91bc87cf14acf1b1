#include <orkestra/core/error.h>
#include <orkestra/model/scripted/script.h>

#include <utility>

namespace orkestra::model {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::kInvalid, where + ": " + why);
}

void add_line(const Json& json, int line, const std::string& where, Script& script) {
  if (!json.is_object()) refuse(where, "not a JSON object");
  std::string kind;
  std::string expect;
  for (const auto& [key, value] : json.items()) {
    if (key == "expect") {
      if (!value.is_string()) refuse(where, "\"expect\" is not a string");
      expect = value.get<std::string>();
    } else if (key == "text" || key == "call" || key == "score") {
      if (!kind.empty()) refuse(where, "both \"" + kind + "\" and \"" + key + "\"");
      kind = key;
    } else {
      refuse(where, "unknown member \"" + key + "\"");
    }
  }
  if (kind.empty()) refuse(where, "needs \"text\", \"call\" or \"score\"");
  const Json& value = json.at(kind);
  if (kind == "score") {
    ScriptedScore score{.line = line, .score = {}, .expect = expect};
    if (!value.is_array() || value.empty()) refuse(where, "\"score\" is not a list of numbers");
    for (const Json& element : value) {
      if (!element.is_number()) refuse(where, "\"score\" is not a list of numbers");
      score.score.push_back(element.get<double>());
    }
    script.scores.push_back(std::move(score));
    return;
  }
  ScriptedReply reply{.line = line, .text = "", .call = std::nullopt, .expect = expect};
  if (kind == "text") {
    if (!value.is_string()) refuse(where, "\"text\" is not a string");
    reply.text = value.get<std::string>();
  } else {
    if (!value.is_object() || !value.contains("name") || !value.at("name").is_string()) {
      refuse(where, "\"call\" has no \"name\"");
    }
    ToolCall call{.id = "", .name = value.at("name").get<std::string>()};
    if (value.contains("arguments")) call.arguments = value.at("arguments");
    if (!call.arguments.is_object()) refuse(where, "\"arguments\" is not an object");
    reply.call = std::move(call);
  }
  script.replies.push_back(std::move(reply));
}

}  // namespace

Script parse_script(std::string_view text, std::string_view name) {
  Script script;
  int line = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view row = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line;
    const std::size_t first = row.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || row[first] == '#') continue;
    std::string where(name);
    where += " line " + std::to_string(line);
    add_line(parse_json(row, where), line, where, script);
  }
  return script;
}

}  // namespace orkestra::model
