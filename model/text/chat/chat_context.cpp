#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/chat_context.h>
#include <orkestra/model/text/chat/tool_call_text.h>

#include <cstdint>
#include <string>
#include <utility>

namespace orkestra::model {
namespace {

using jinja::List;
using jinja::make_text;
using jinja::Members;
using jinja::Value;

void add(Members& members, std::string_view name, Value value) {
  members.emplace_back(make_text(name), std::move(value));
}

Value call_value(const ToolCall& call, const Conversation& conversation, std::uint32_t source,
                 ArgumentForm form) {
  Members function;
  add(function, "name", Value::text(call.name, source));
  switch (form) {
    case ArgumentForm::kMapping:
      add(function, "arguments", Value::from_json(call.arguments, source));
      break;
    case ArgumentForm::kJsonText:
      add(function, "arguments", Value::text(dump_json(call.arguments), source));
      break;
    case ArgumentForm::kWholeCall:
      add(function, "arguments",
          Value::text(write_call(call, ToolCallStyle::kNano, conversation.tools()), source));
      break;
  }
  Members members;
  add(members, "id", Value::text(call.id, source));
  add(members, "type", Value::text("function"));
  add(members, "function", Value::mapping(std::move(function)));
  return Value::mapping(std::move(members));
}

// The name of the tool that a tool turn's call went to, "" if unknown.
std::string called_tool(const Conversation& conversation, const std::string& id) {
  for (const auto& turn : conversation.turns()) {
    for (const ToolCall& call : turn->tool_calls) {
      if (call.id == id) return call.name;
    }
  }
  return "";
}

Value message_value(const Turn& turn, const Conversation& conversation, std::uint32_t source,
                    bool generated, ArgumentForm form) {
  Members message;
  add(message, "role", Value::text(name(turn.role)));
  if (generated) {
    add(message, "content", Value::text("x", source));
    return Value::mapping(std::move(message));
  }
  add(message, "content", Value::text(turn.text, source));
  if (!turn.reasoning.empty()) {
    add(message, "reasoning_content", Value::text(turn.reasoning, source));
  }
  if (!turn.tool_calls.empty()) {
    List calls;
    for (const ToolCall& call : turn.tool_calls) {
      calls.push_back(call_value(call, conversation, source, form));
    }
    add(message, "tool_calls", std::move(calls));
  }
  if (turn.role == Role::kTool) {
    add(message, "tool_call_id", Value::text(turn.tool_call_id, source));
    add(message, "name", Value::text(called_tool(conversation, turn.tool_call_id), source));
  }
  return Value::mapping(std::move(message));
}

// The schema as models are shown it: annotations that steer decoding are not for them.
Json shown_schema(const Json& schema) {
  if (schema.is_array()) {
    Json out = Json::array();
    for (const Json& element : schema) out.push_back(shown_schema(element));
    return out;
  }
  if (!schema.is_object()) return schema;
  Json out = Json::object();
  for (const auto& [key, member] : schema.items()) {
    if (!key.starts_with("x-")) out[key] = shown_schema(member);
  }
  return out;
}

Value tool_value(const ToolSpec& tool, std::uint32_t source) {
  Members function;
  add(function, "name", Value::text(tool.name, source));
  add(function, "description", Value::text(tool.description, source));
  add(function, "parameters", Value::from_json(shown_schema(tool.parameters), source));
  Members members;
  add(members, "type", Value::text("function"));
  add(members, "function", Value::mapping(std::move(function)));
  return Value::mapping(std::move(members));
}

}  // namespace

Value chat_context(const Conversation& conversation, const std::vector<bool>& generated,
                   const Tokenizer& tokenizer, ArgumentForm form) {
  const auto& turns = conversation.turns();
  if (turns.size() + 2 > jinja::kMaxSource) {
    throw Error(ErrorCode::kExhausted, "conversation: more than 16 million turns");
  }
  List messages;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    messages.push_back(message_value(*turns[i], conversation, static_cast<std::uint32_t>(i + 1),
                                     generated[i], form));
  }
  List tools;
  for (const ToolSpec& tool : conversation.tools()) {
    tools.push_back(tool_value(tool, static_cast<std::uint32_t>(turns.size() + 1)));
  }
  const auto piece = [&](TokenId id) {
    return Value::text(id < 0 ? std::string_view() : tokenizer.piece(id));
  };
  Members context;
  add(context, "messages", std::move(messages));
  add(context, "tools", tools.empty() ? Value::none() : Value(std::move(tools)));
  add(context, "add_generation_prompt", true);
  add(context, "bos_token", piece(tokenizer.bos()));
  add(context, "eos_token", piece(tokenizer.eos()));
  return Value::mapping(std::move(context));
}

CallProbe probe_calls(const jinja::Template& chat_template, const Tokenizer& tokenizer) {
  const Json string = {{"type", "string"}};
  const Conversation probe =
      Conversation()
          .with_tools({{.name = "probe",
                        .description = "d",
                        .parameters = {{"type", "object"}, {"properties", {{"probe", string}}}}}})
          .with_turn({.role = Role::kUser, .text = "x"})
          .with_turn({.role = Role::kAssistant,
                      .text = "",
                      .tool_calls = {{.id = "probe1234",  // some templates want nine characters
                                      .name = "probe",
                                      .arguments = {{"probe", "y"}}}}})
          .with_turn({.role = Role::kTool, .text = "z", .tool_call_id = "probe1234"});
  CallProbe first;
  for (const ArgumentForm form : {ArgumentForm::kMapping, ArgumentForm::kJsonText}) {
    try {
      std::string text = jinja::to_bytes(
          chat_template.render(chat_context(probe, {false, false, false}, tokenizer, form)));
      const bool writes_json = text.find("\"probe\": \"y\"") != std::string::npos ||
                               text.find("\"probe\":\"y\"") != std::string::npos;
      if (writes_json) return {form, std::move(text)};
      if (first.rendered.empty()) first = {form, std::move(text)};
    } catch (const Error&) {  // this form is not the template's
    }
  }
  first.form = ArgumentForm::kMapping;
  return first;
}

}  // namespace orkestra::model
