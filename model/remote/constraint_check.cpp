#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/remote/constraint_check.h>
#include <orkestra/model/text/chat/tool_call_text.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace orkestra::model {
namespace {

constexpr ToolCallStyle kStyle = ToolCallStyle::kHermes;
constexpr std::size_t kShownBytes = 200;

std::string trimmed(const std::string& text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

std::string head(const std::string& text) {
  if (text.size() <= kShownBytes) return text;
  std::size_t size = kShownBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size) + "...";
}

std::optional<Json> json_in(const std::string& text) {
  try {
    return parse_json(text, "reply", {.max_bytes = std::size_t{1} << 20U, .max_depth = 64});
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Members in the order their schema declares, as a model under the constraint would write them.
Json in_schema_order(const Json& value, const Json& schema) {
  if (!schema.is_object()) return value;
  if (value.is_array() && schema.contains("items")) {
    Json out = Json::array();
    for (const Json& element : value) out.push_back(in_schema_order(element, schema.at("items")));
    return out;
  }
  if (!value.is_object() || !schema.contains("properties")) return value;
  Json out = Json::object();
  for (const auto& [name, member] : schema.at("properties").items()) {
    if (value.contains(name)) out[name] = in_schema_order(value.at(name), member);
  }
  for (const auto& [name, member] : value.items()) {
    if (!out.contains(name)) out[name] = member;
  }
  return out;
}

}  // namespace

Turn turn_of(const ChatReply& reply, const std::vector<ToolSpec>& tools) {
  Turn turn{.role = Role::kAssistant, .text = reply.text};
  // Servers without a parser of their own pass a model's written calls on as text.
  if (reply.calls.empty() && !tools.empty()) {
    for (const ToolCallStyle style : {ToolCallStyle::kHermes, ToolCallStyle::kJamba}) {
      if (reply.text.find(call_begin(style)) == std::string::npos) continue;
      return parse_tool_calls(reply.text, style);
    }
  }
  for (const ChatReply::Call& call : reply.calls) {
    const std::optional<Json> arguments =
        trimmed(call.arguments).empty() ? Json::object() : json_in(call.arguments);
    if (arguments && arguments->is_object() && !call.name.empty()) {
      turn.tool_calls.push_back({.id = "", .name = call.name, .arguments = *arguments});
    } else {
      // As the embedded engine has it: what can't be read as a call is text.
      turn.text += (turn.text.empty() ? "" : "\n") + std::string(call_begin(kStyle)) +
                   "{\"name\":" + dump_json(Json(call.name)) + ",\"arguments\":" + call.arguments +
                   "}" + std::string(call_end(kStyle));
    }
  }
  if (!turn.tool_calls.empty()) turn.text = trimmed(turn.text);
  return turn;
}

ConstraintCheck::ConstraintCheck(const Constraint& constraint, ConstraintPlan plan)
    : plan_(std::move(plan)),
      automaton_(ConstraintAutomaton::compile(expand_tool_calls(constraint, kStyle))) {}

bool ConstraintCheck::accepts(const std::string& written, bool cut_off) const {
  ConstraintMatcher matcher(automaton_);
  return matcher.accept(written) && (cut_off || matcher.complete());
}

std::string ConstraintCheck::why_not(const ToolCall& call) const {
  std::string names;
  for (const ToolSpec& tool : plan_.tools) {
    if (tool.name != call.name) {
      names += (names.empty() ? "" : ", ") + tool.name;
      continue;
    }
    const auto violations = JsonSchema::compile(tool.parameters)->validate(call.arguments);
    if (!violations.empty()) {
      return "the arguments of " + call.name + " are not valid: " + to_text(violations);
    }
    return "the arguments of " + call.name +
           " are not copied from the request as they stand there: " +
           head(dump_json(call.arguments));
  }
  if (names.empty()) return "no tool can be called now, not " + head(call.name);
  return "there is no tool " + head(call.name) + "; there is " + names;
}

ConstraintCheck::Outcome ConstraintCheck::check_call(ToolCall call, FinishReason finish) const {
  for (const ToolSpec& tool : plan_.tools) {
    if (tool.name == call.name) call.arguments = in_schema_order(call.arguments, tool.parameters);
  }
  const std::string written = std::string(call_begin(kStyle)) +
                              write_call(call, kStyle, plan_.tools) + std::string(call_end(kStyle));
  Outcome outcome{.turn = {.role = Role::kAssistant, .text = ""}, .finish = finish};
  if (!accepts(written, false)) outcome.violation = why_not(call);
  outcome.turn.tool_calls.push_back(std::move(call));
  return outcome;
}

ConstraintCheck::Outcome ConstraintCheck::check_text(const std::string& text,
                                                     FinishReason finish) const {
  const bool cut_off = finish == FinishReason::kLength;
  std::vector<std::string> forms{text, trimmed(text)};
  if (const std::optional<Json> json = json_in(text)) {
    forms.push_back(dump_json(in_schema_order(*json, plan_.schema)));
    if (plan_.wrapped && json->is_object() && json->contains("choice") &&
        json->at("choice").is_string()) {
      forms.push_back(json->at("choice").get<std::string>());
    }
  }
  for (std::string& form : forms) {
    if (!accepts(form, cut_off)) continue;
    return {.turn = {.role = Role::kAssistant, .text = std::move(form)}, .finish = finish};
  }
  std::string why = "this reply is not one that is allowed here: " + head(text);
  if (!plan_.instruction.empty()) {
    why += "\n" + plan_.instruction;
  } else if (!plan_.schema.is_null()) {
    why += "\nReply with nothing but JSON that is valid for " + dump_json(plan_.schema);
  }
  return {.turn = {.role = Role::kAssistant, .text = text}, .finish = finish, .violation = why};
}

ConstraintCheck::Outcome ConstraintCheck::check(const ChatReply& reply) const {
  Turn turn = turn_of(reply, plan_.tools);
  if (!turn.tool_calls.empty()) {
    if (plan_.one_call) {
      // The constraint ends with the first call, and so would an engine bound by it.
      const FinishReason finish =
          turn.tool_calls.size() > 1 ? FinishReason::kConstraint : reply.finish;
      return check_call(std::move(turn.tool_calls.front()), finish);
    }
    if (plan_.free_text) return {.turn = std::move(turn), .finish = reply.finish};
    return check_call(std::move(turn.tool_calls.front()), reply.finish);
  }
  if (plan_.free_text && !plan_.one_call) return {.turn = std::move(turn), .finish = reply.finish};
  return check_text(turn.text, reply.finish);
}

}  // namespace orkestra::model
