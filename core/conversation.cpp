#include <orkestra/core/conversation.h>

#include <array>
#include <string_view>
#include <utility>

namespace orkestra {
namespace {

constexpr std::array<std::string_view, 4> kRoleNames{"system", "user", "assistant", "tool"};

}  // namespace

std::string_view name(Role role) { return kRoleNames.at(static_cast<std::size_t>(role)); }

Conversation Conversation::with_turn(Turn turn) const {
  Conversation next = *this;
  next.turns_.push_back(std::make_shared<const Turn>(std::move(turn)));
  return next;
}

Conversation Conversation::with_tools(std::vector<ToolSpec> tools) const {
  Conversation next = *this;
  next.tools_ = std::make_shared<const std::vector<ToolSpec>>(std::move(tools));
  return next;
}

const std::vector<ToolSpec>& Conversation::tools() const {
  static const std::vector<ToolSpec> kNone;
  return tools_ ? *tools_ : kNone;
}

Json to_json(const Turn& turn) {
  Json json = {{"role", name(turn.role)}, {"text", turn.text}};
  if (!turn.tool_calls.empty()) {
    json["tool_calls"] = Json::array();
    for (const ToolCall& call : turn.tool_calls) json["tool_calls"].push_back(to_json(call));
  }
  if (!turn.tool_call_id.empty()) json["tool_call_id"] = turn.tool_call_id;
  if (!turn.reasoning.empty()) json["reasoning"] = turn.reasoning;
  if (turn.generated) {
    json["generated"] = {{"model", turn.generated->model_id}, {"ids", turn.generated->ids}};
  }
  return json;
}

Turn turn_from_json(const Json& json) {
  return reading_json("turn", [&] {
    Turn turn;
    const auto role = json.at("role").get<std::string>();
    std::size_t index = 0;
    while (index < kRoleNames.size() && kRoleNames.at(index) != role) ++index;
    if (index == kRoleNames.size()) {
      throw Error(ErrorCode::kCorrupt, "turn: unknown role \"" + role + "\"");
    }
    turn.role = static_cast<Role>(index);
    turn.text = json.at("text").get<std::string>();
    if (json.contains("tool_calls")) {
      for (const Json& call : json.at("tool_calls")) {
        turn.tool_calls.push_back(tool_call_from_json(call));
      }
    }
    turn.tool_call_id = json.value("tool_call_id", "");
    turn.reasoning = json.value("reasoning", "");
    if (json.contains("generated")) {
      turn.generated = std::make_shared<const GeneratedTokens>(
          GeneratedTokens{json.at("generated").at("model").get<std::string>(),
                          json.at("generated").at("ids").get<std::vector<std::int32_t>>()});
    }
    return turn;
  });
}

}  // namespace orkestra
