#include <orkestra/model/remote/chat_request.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

using Kind = Constraint::Node::Kind;

constexpr std::size_t kMaxListedChoices = 256;
constexpr std::size_t kMaxListedBytes = std::size_t{16} << 10U;

void flatten(const Constraint& constraint, std::vector<const Constraint::Node*>& out) {
  const Constraint::Node& node = constraint.node();
  if (node.kind != Kind::kAnyOf) {
    out.push_back(&node);
    return;
  }
  for (const Constraint& part : node.parts) flatten(part, out);
}

// Whether OpenAI's strict mode takes the schema: every object closed, every property required.
bool strict_enough(const Json& schema) {
  if (schema.is_array()) return std::all_of(schema.begin(), schema.end(), strict_enough);
  if (!schema.is_object()) return true;
  if (schema.contains("properties") && schema.at("properties").is_object()) {
    const Json required = schema.value("required", Json::array());
    if (schema.value("additionalProperties", Json(true)) != Json(false)) return false;
    if (required.size() != schema.at("properties").size()) return false;
  }
  return std::all_of(schema.begin(), schema.end(), strict_enough);
}

Json tool_json(const ToolSpec& tool) {
  return {{"type", "function"},
          {"function",
           {{"name", tool.name},
            {"description", tool.description},
            {"parameters", wire_schema(tool.parameters)}}}};
}

Json call_json(const ToolCall& call, const std::string& id) {
  return {{"id", id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", dump_json(call.arguments)}}}};
}

Json message(std::string_view role, const std::string& text) {
  return {{"role", role}, {"content", text}};
}

}  // namespace

Json wire_schema(const Json& schema) {
  if (schema.is_array()) {
    Json out = Json::array();
    for (const Json& element : schema) out.push_back(wire_schema(element));
    return out;
  }
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (key == "x-copy" || key == "x-span") continue;
    if (key == "x-domain") {
      if (!schema.contains("enum")) out["enum"] = value;
    } else if (key == "enum" || key == "const" || key == "default") {
      out[key] = value;  // data, not schemas
    } else if ((key == "properties" || key == "$defs") && value.is_object()) {
      out[key] = Json::object();
      for (const auto& [name, member] : value.items()) out[key][name] = wire_schema(member);
    } else {
      out[key] = wire_schema(value);
    }
  }
  return out;
}

ConstraintPlan plan_constraint(const Constraint& constraint, const Conversation& conversation) {
  ConstraintPlan plan;
  std::vector<const Constraint::Node*> alternatives;
  flatten(constraint, alternatives);
  std::vector<std::string> choices;
  bool only_choices = true;
  for (const Constraint::Node* node : alternatives) {
    if (node->kind == Kind::kToolCall) {
      plan.one_call = true;
      plan.tools.insert(plan.tools.end(), node->tools.begin(), node->tools.end());
    }
    if (node->kind == Kind::kText && node->bytes.empty()) plan.free_text = true;
    if (node->kind == Kind::kChoices) {
      choices.insert(choices.end(), node->choices.begin(), node->choices.end());
    } else if (node->kind == Kind::kLiteral) {
      choices.push_back(node->bytes);
    } else {
      only_choices = false;
    }
  }
  plan.calls_only =
      plan.one_call && std::all_of(alternatives.begin(), alternatives.end(),
                                   [](const auto* node) { return node->kind == Kind::kToolCall; });
  if (alternatives.size() == 1 && plan.free_text) plan.tools = conversation.tools();
  if (alternatives.size() == 1 && alternatives.front()->kind == Kind::kJsonSchema) {
    plan.schema = wire_schema(alternatives.front()->schema);
  }
  std::size_t bytes = 0;
  for (const std::string& choice : choices) bytes += choice.size() + 4;
  if (choices.empty() || plan.free_text || choices.size() > kMaxListedChoices ||
      bytes > kMaxListedBytes) {
    return plan;
  }
  if (only_choices) {
    plan.wrapped = true;
    plan.schema = Json{{"type", "object"},
                       {"properties", {{"choice", {{"type", "string"}, {"enum", choices}}}}},
                       {"required", Json::array({"choice"})},
                       {"additionalProperties", false}};
  }
  plan.instruction = std::string(plan.one_call ? "Call a tool, or choose" : "Choose") +
                     " exactly one of these lines and reply with nothing else:";
  for (const std::string& choice : choices) plan.instruction += "\n" + choice;
  return plan;
}

Json chat_messages(const Conversation& conversation) {
  const auto& turns = conversation.turns();
  Json messages = Json::array();
  // Tool turns that answer a call of the assistant turn before them are written with it.
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Turn& turn = *turns[i];
    if (turn.role == Role::kTool) {
      // It answers nothing that is in sight: still something the model was shown.
      messages.push_back(message("user", turn.text));
      continue;
    }
    if (turn.role != Role::kAssistant || turn.tool_calls.empty()) {
      messages.push_back(message(name(turn.role), turn.text));
      continue;
    }
    Json assistant = message("assistant", turn.text);
    Json answers = Json::array();
    std::size_t next = 0;
    for (;
         i + 1 < turns.size() && turns[i + 1]->role == Role::kTool && next < turn.tool_calls.size();
         ++i, ++next) {
      const Turn& answer = *turns[i + 1];
      const std::string id = "call_" + std::to_string(messages.size()) + "_" + std::to_string(next);
      const std::string& shared = answer.tool_call_id.empty() ? id : answer.tool_call_id;
      assistant["tool_calls"].push_back(call_json(turn.tool_calls[next], shared));
      answers.push_back({{"role", "tool"}, {"tool_call_id", shared}, {"content", answer.text}});
    }
    messages.push_back(std::move(assistant));
    for (Json& answer : answers) messages.push_back(std::move(answer));
  }
  return messages;
}

void add_instruction(Json& messages, const std::string& text) {
  if (!messages.empty() && messages.back().at("role") == "user") {
    Json& content = messages.back()["content"];
    content = content.get<std::string>() + "\n\n" + text;
  } else {
    messages.push_back(message("user", text));
  }
}

Json chat_body(const GenerateRequest& request, const ConstraintPlan& plan, const std::string& model,
               const std::string& max_tokens_field) {
  const Sampling& sampling = request.sampling;
  constexpr std::uint64_t kSeedMask = 0x7FFFFFFF;  // servers keep seeds in 32 bits
  Json body = {{"model", model},
               {"messages", chat_messages(request.conversation)},
               {max_tokens_field, request.limits.max_tokens},
               {"temperature", sampling.temperature},
               {"seed", sampling.seed & kSeedMask}};
  if (sampling.top_p != 1.0) body["top_p"] = sampling.top_p;
  // Not OpenAI's, but llama-server and vLLM know them.
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.min_p > 0) body["min_p"] = sampling.min_p;
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (!plan.tools.empty()) {
    for (const ToolSpec& tool : plan.tools) body["tools"].push_back(tool_json(tool));
    body["tool_choice"] = plan.calls_only ? "required" : "auto";
    if (plan.one_call) body["parallel_tool_calls"] = false;
  }
  if (!plan.schema.is_null()) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "reply"}, {"schema", plan.schema}, {"strict", strict_enough(plan.schema)}}}};
  }
  if (!plan.instruction.empty()) add_instruction(body["messages"], plan.instruction);
  if (request.on_text) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return body;
}

}  // namespace orkestra::model
