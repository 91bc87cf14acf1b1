#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/text/chat/text_stream.h>
#include <orkestra/service/body_json.h>
#include <orkestra/service/chat_request.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace orkestra::service {
namespace {

using model::Constraint;

constexpr std::size_t kMaxMessages = 1000;
constexpr std::size_t kMaxTools = 128;
constexpr std::size_t kMostCalls = 4;  // of one turn
constexpr std::int64_t kMaxTokens = 1'000'000;

Error invalid(const std::string& what) { return {ErrorCode::kInvalid, what}; }
Error unsupported(const std::string& what) { return {ErrorCode::kUnsupported, what}; }

// Read here, or of no consequence for the answer.
constexpr std::string_view kKnown[] = {"model",
                                       "messages",
                                       "tools",
                                       "tool_choice",
                                       "temperature",
                                       "top_p",
                                       "top_k",
                                       "min_p",
                                       "seed",
                                       "max_tokens",
                                       "stream",
                                       "stream_options",
                                       "n",
                                       "response_format",
                                       "stop",
                                       "max_completion_tokens",
                                       "user",
                                       "metadata",
                                       "store",
                                       "service_tier",
                                       "parallel_tool_calls",
                                       "safety_identifier",
                                       "prompt_cache_key"};

// What is not there is nothing lost as long as it asks for nothing.
bool asks_for_nothing(const Json& value) {
  return value.is_null() || value == false || value == 0 ||
         (value.is_structured() && value.empty());
}

void check_members(const Json& body) {
  for (const auto& [name, value] : body.items()) {
    const bool known = std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
    if (!known && !asks_for_nothing(value)) {
      throw unsupported("\"" + name + "\" is not supported; leave it out");
    }
  }
  if (const auto n = integer_member(body, "n", 1, 128); n && *n != 1) {
    throw unsupported("n: one choice per request is supported; send several requests");
  }
}

// A string, or a list of text parts.
std::string content_text(const Json& message, const std::string& at) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) throw invalid(at + ".content must be a string or a list of parts");
  std::string text;
  for (const Json& part : *content) {
    if (!part.is_object()) throw invalid(at + ".content: a part must be an object");
    if (part.value("type", Json()) != "text") {
      throw unsupported(at + ".content: only parts of the type text are supported");
    }
    text += text_member(part, "text").value_or("");
  }
  return text;
}

std::vector<ToolCall> tool_calls(const Json& message, const std::string& at) {
  std::vector<ToolCall> calls;
  const Json list = message.value("tool_calls", Json());
  if (list.is_null()) return calls;
  if (!list.is_array()) throw invalid(at + ".tool_calls must be a list");
  for (const Json& entry : list) {
    const Json function = entry.is_object() ? entry.value("function", Json()) : Json();
    if (!function.is_object()) throw invalid(at + ".tool_calls: each has a member function");
    const auto arguments = text_member(function, "arguments");
    ToolCall call{.id = text_member(entry, "id").value_or(""),
                  .name = text_member(function, "name").value_or("")};
    if (call.name.empty()) throw invalid(at + ".tool_calls: function.name is missing");
    if (arguments) call.arguments = parse_json(*arguments, at + ".tool_calls: arguments");
    calls.push_back(std::move(call));
  }
  return calls;
}

Turn turn_of(const Json& message, const std::string& at) {
  if (!message.is_object()) throw invalid(at + " must be an object");
  const std::string role = text_member(message, "role").value_or("");
  Turn turn{.text = content_text(message, at)};
  if (role == "system" || role == "developer") {
    turn.role = Role::kSystem;
  } else if (role == "user") {
    turn.role = Role::kUser;
  } else if (role == "assistant") {
    turn.role = Role::kAssistant;
    turn.tool_calls = tool_calls(message, at);
    turn.reasoning = text_member(message, "reasoning_content").value_or("");
  } else if (role == "tool") {
    turn.role = Role::kTool;
    turn.tool_call_id = text_member(message, "tool_call_id").value_or("");
    if (turn.tool_call_id.empty()) throw invalid(at + ".tool_call_id is missing");
  } else {
    throw invalid(at + ".role must be system, developer, user, assistant or tool");
  }
  return turn;
}

Conversation conversation_of(const Json& body) {
  const Json messages = body.value("messages", Json());
  if (!messages.is_array() || messages.empty() || messages.size() > kMaxMessages) {
    throw invalid("messages must be a list of 1 to " + std::to_string(kMaxMessages) + " messages");
  }
  Conversation conversation;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    conversation =
        conversation.with_turn(turn_of(messages[i], "messages[" + std::to_string(i) + "]"));
  }
  return conversation;
}

bool is_tool_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::vector<ToolSpec> tools_of(const Json& body) {
  std::vector<ToolSpec> tools;
  const Json list = body.value("tools", Json());
  if (list.is_null()) return tools;
  if (!list.is_array() || list.size() > kMaxTools) {
    throw invalid("tools must be a list of at most " + std::to_string(kMaxTools));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = "tools[" + std::to_string(i) + "]";
    const Json function = list[i].is_object() ? list[i].value("function", Json()) : Json();
    if (!function.is_object()) throw invalid(at + ".function must be an object");
    ToolSpec tool{.name = text_member(function, "name").value_or(""),
                  .description = text_member(function, "description").value_or(""),
                  .parameters = function.value("parameters", Json())};
    if (!is_tool_name(tool.name)) {
      throw invalid(at + ".function.name must be 1 to 64 letters, digits, _, - or .");
    }
    if (tool.parameters.is_null()) tool.parameters = {{"type", "object"}};
    JsonSchema::compile(tool.parameters);
    tools.push_back(std::move(tool));
  }
  return tools;
}

// A string, or a list of strings.
std::vector<std::string> stops_of(const Json& stop) {
  if (stop.is_null()) return {};
  const Json list = stop.is_array() ? stop : Json::array({stop});
  std::vector<std::string> stops;
  for (const Json& entry : list) {
    if (!entry.is_string()) throw invalid("stop must be a string or a list of strings");
    stops.push_back(entry.get<std::string>());
  }
  model::TextStream{{.stops = stops}};  // refuses too many, empty and overlong ones
  return stops;
}

// What the model may write: calls as tool_choice says, else text.
Constraint choice_constraint(const Json& choice, std::vector<ToolSpec>& tools,
                             std::size_t most_calls) {
  const auto any = [&] {
    return tools.empty() ? Constraint::text()
                         : Constraint::any_of(
                               {Constraint::tool_call(tools, {}, most_calls), Constraint::text()});
  };
  if (choice.is_null() || choice == "auto") return any();
  if (choice == "none") {
    tools.clear();
    return Constraint::text();
  }
  if (tools.empty()) throw invalid("tool_choice asks for a call, but there are no tools");
  if (choice == "required") return Constraint::tool_call(tools, {}, most_calls);
  const Json function = choice.is_object() ? choice.value("function", Json()) : Json();
  const Json name = function.is_object() ? function.value("name", Json()) : Json();
  const auto chosen = std::find_if(tools.begin(), tools.end(),
                                   [&](const ToolSpec& tool) { return name == tool.name; });
  if (chosen == tools.end()) {
    throw invalid("tool_choice must be auto, none, required or name one of the tools");
  }
  return Constraint::tool_call({*chosen});
}

// The schema the answer must satisfy; null when anything will do.
Json schema_of(const Json& format) {
  if (format.is_null()) return nullptr;
  const std::string type = format.is_object() ? text_member(format, "type").value_or("") : "";
  if (type == "text") return nullptr;
  if (type == "json_object") return {{"type", "object"}};
  if (type != "json_schema") {
    throw invalid("response_format.type must be text, json_object or json_schema");
  }
  const Json named = format.value("json_schema", Json());
  const Json schema = named.is_object() ? named.value("schema", Json()) : Json();
  if (schema.is_null()) throw invalid("response_format.json_schema.schema is missing");
  JsonSchema::compile(schema);
  return schema;
}

}  // namespace

ChatRequest parse_chat_request(const Json& body) {
  check_members(body);
  ChatRequest request{.model = text_member(body, "model").value_or(""),
                      .conversation = conversation_of(body)};
  if (request.model.empty()) throw invalid("model is missing; GET /v1/models lists them");

  std::vector<ToolSpec> tools = tools_of(body);
  const bool parallel = bool_member(body, "parallel_tool_calls").value_or(true);
  const std::size_t most_calls = parallel ? kMostCalls : 1;
  request.constraint = choice_constraint(body.value("tool_choice", Json()), tools, most_calls);
  request.schema = schema_of(body.value("response_format", Json()));
  if (!request.schema.is_null()) {
    const Constraint json = Constraint::json_schema(request.schema);
    request.constraint =
        tools.empty() ? json
                      : Constraint::any_of({Constraint::tool_call(tools, {}, most_calls), json});
  }
  request.conversation = request.conversation.with_tools(std::move(tools));

  request.stop = stops_of(body.value("stop", Json()));
  request.sampling.temperature = number_member(body, "temperature", 0.0, 2.0).value_or(1.0);
  request.sampling.top_p = number_member(body, "top_p", 0.0, 1.0).value_or(1.0);
  request.sampling.min_p = number_member(body, "min_p", 0.0, 1.0).value_or(0.0);
  request.sampling.top_k =
      static_cast<int>(integer_member(body, "top_k", 0, 1'000'000).value_or(0));
  if (const auto seed = integer_member(body, "seed", std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max())) {
    request.seed = static_cast<std::uint64_t>(*seed);
  }
  request.max_tokens = integer_member(body, "max_completion_tokens", 1, kMaxTokens);
  if (!request.max_tokens) request.max_tokens = integer_member(body, "max_tokens", 1, kMaxTokens);
  request.stream = bool_member(body, "stream").value_or(false);
  const Json options = body.value("stream_options", Json());
  if (options.is_object()) {
    request.stream_usage = bool_member(options, "include_usage").value_or(false);
  } else if (!options.is_null()) {
    throw invalid("stream_options must be an object");
  }
  return request;
}

std::string last_user_text(const Conversation& conversation) {
  const auto& turns = conversation.turns();
  const auto found = std::find_if(turns.rbegin(), turns.rend(),
                                  [](const auto& turn) { return turn->role == Role::kUser; });
  if (found == turns.rend() || (*found)->text.empty()) {
    throw invalid("messages must hold a user message with a text: it is the task");
  }
  return (*found)->text;
}

}  // namespace orkestra::service
