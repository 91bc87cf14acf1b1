#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/tool_call_text.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace orkestra::model {
namespace {

constexpr JsonLimits kCallLimits{.max_bytes = std::size_t{1} << 20U, .max_depth = 64};
constexpr std::size_t kMaxCalls = 64;
constexpr std::size_t kMaxDamaged = 8;
constexpr std::string_view kPythonTag = "<|python_tag|>";
constexpr std::string_view kWhite = " \t\r\n";

struct CallForm {
  std::string_view name;
  std::string_view begin;  // the marker, "" for none
  std::string_view end;
  std::string_view open;     // what is written before the first call, between two, after the last
  std::string_view between;  // "" = one call a turn
  std::string_view close;
  std::string_view before;  // of one call: before its members, after them
  std::string_view after;
  std::string_view arguments;  // the member that holds them
  std::string_view example;
};

constexpr std::array<CallForm, kToolCallStyles> kForms{{
    {"nano", "<tool_call>", "</tool_call>", "<tool_call>", "", "</tool_call>", "{", "}",
     "arguments", R"(<tool_call>{"description":"...","name":"...","arguments":{...}}</tool_call>)"},
    {"hermes", "<tool_call>", "</tool_call>", "<tool_call>", "</tool_call>\n<tool_call>",
     "</tool_call>", "{", "}", "arguments",
     R"(<tool_call>{"name":"...","arguments":{...}}</tool_call>)"},
    {"jamba", "<tool_calls>", "</tool_calls>", "<tool_calls>[", ",", "]</tool_calls>", "{", "}",
     "arguments", R"(<tool_calls>[{"name":"...","arguments":{...}}]</tool_calls>)"},
    {"llama3", "", "", "", "", "", "{", "}", "parameters",
     R"({"name":"...","parameters":{...}} and nothing else)"},
    {"openai", "", "", "{\"tool_calls\":[", ",", "]}", "{\"type\":\"function\",\"function\":{",
     "}}", "arguments",
     R"({"tool_calls":[{"type":"function","function":{"name":"...","arguments":{...}}}]})"},
}};

const CallForm& form_of(ToolCallStyle style) { return kForms[static_cast<std::size_t>(style)]; }

// One call up to its arguments.
std::string call_head(const ToolSpec& tool, ToolCallStyle style) {
  const CallForm& form = form_of(style);
  std::string head(form.before);
  if (style == ToolCallStyle::kNano) {
    head += "\"description\":";
    head += dump_json(tool.description);
    head += ',';
  }
  head += "\"name\":";
  head += dump_json(tool.name);
  head += ",\"";
  head += form.arguments;
  head += "\":";
  return head;
}

Constraint literal(std::string_view text) { return Constraint::literal(std::string(text)); }

Constraint expand_call(const Constraint::Node& node, ToolCallStyle style) {
  const CallForm& form = form_of(style);
  std::vector<Constraint> calls;
  for (const ToolSpec& tool : node.tools) {
    calls.push_back(Constraint::sequence({Constraint::literal(call_head(tool, style)),
                                          Constraint::json_schema(tool.parameters, node.sources),
                                          literal(form.after)}));
  }
  const Constraint one = Constraint::any_of(std::move(calls));
  if (form.open.empty()) return one;
  const std::size_t most = form.between.empty() ? 1 : node.most_calls;
  Constraint rest = literal(form.close);
  for (std::size_t i = 1; i < most; ++i) {
    rest = Constraint::any_of(
        {literal(form.close), Constraint::sequence({literal(form.between), one, rest})});
  }
  return Constraint::sequence({literal(form.open), one, std::move(rest)});
}

// Text beside calls: none that begins a call. Where a call is the whole text, what begins with
// { can be nothing but one.
Constraint prose(ToolCallStyle style) {
  if (!call_begin(style).empty()) return Constraint::text_without(std::string(call_begin(style)));
  std::vector<std::string> first;
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c != '{' && kWhite.find(c) == std::string_view::npos) first.emplace_back(1, c);
  }
  return Constraint::sequence({Constraint::choices(std::move(first)), Constraint::text()});
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

// Throws Error saying what is wrong.
ToolCall call_from_json(const Json& json) {
  if (!json.is_object()) throw Error(ErrorCode::kInvalid, "a call is a JSON object");
  // OpenAI's form holds the call in a member.
  if (const auto function = json.find("function"); function != json.end()) {
    if (function->is_object()) return call_from_json(*function);
  }
  const auto name = json.find("name");
  if (name == json.end() || !name->is_string() || name->get_ref<const std::string&>().empty()) {
    throw Error(ErrorCode::kInvalid, "the member \"name\" has to be the name of a tool");
  }
  ToolCall call{.id = "", .name = name->get<std::string>()};
  auto arguments = json.find("arguments");
  if (arguments == json.end()) arguments = json.find("parameters");
  if (arguments == json.end()) return call;
  call.arguments = arguments->is_string() ? parse_json(arguments->get_ref<const std::string&>(),
                                                       "the arguments", kCallLimits)
                                          : *arguments;
  if (!call.arguments.is_object()) {
    throw Error(ErrorCode::kInvalid, "the arguments of " + call.name + " have to be a JSON object");
  }
  return call;
}

// The calls of one marked stretch. Throws Error saying what is wrong.
std::vector<ToolCall> read_calls(std::string_view body) {
  const Json json = parse_json(body, "the call", kCallLimits);
  const Json list = json.is_array() ? json : Json::array({json});
  if (list.empty()) throw Error(ErrorCode::kInvalid, "there is no call in the list");
  if (list.size() > kMaxCalls) {
    throw Error(ErrorCode::kInvalid, "a turn has at most " + std::to_string(kMaxCalls) + " calls");
  }
  std::vector<ToolCall> calls;
  for (const Json& element : list) calls.push_back(call_from_json(element));
  return calls;
}

// Where a stretch of JSON that begins at `at` is closed by `end`: an argument may hold the marker
// in a string. npos where nothing does.
std::size_t find_close(std::string_view text, std::size_t at, std::string_view end) {
  bool in_string = false;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (!in_string && text.substr(i, end.size()) == end) return i;
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

bool is_call(std::string_view body) {
  try {
    return !read_calls(body).empty();
  } catch (const Error&) {
    return false;
  }
}

void tell_damage(ReadCalls& read, ToolCallStyle style, const std::string& why) {
  if (read.damaged.size() >= kMaxDamaged) return;
  read.damaged.push_back("This tool call can't be read: " + why + ". Write it as " +
                         std::string(form_of(style).example));
}

// Styles without markers: the whole text is a call, or none of it is.
ReadCalls read_bare(std::string_view written, ToolCallStyle style) {
  ReadCalls read;
  read.turn.text = written;
  std::string_view body = trimmed(written);
  const bool tagged = body.starts_with(kPythonTag);
  if (tagged) body = trimmed(body.substr(kPythonTag.size()));
  if (!body.starts_with('{') && !tagged) return read;
  const auto names = [&](std::string_view member) {
    return body.find(member) != std::string_view::npos;
  };
  const bool meant =
      tagged || (style == ToolCallStyle::kOpenAi
                     ? names("\"tool_calls\"")
                     : names("\"name\"") && (names("\"parameters\"") || names("\"arguments\"")));
  if (!meant) return read;  // an answer in JSON
  try {
    const Json json = parse_json(body, "the call", kCallLimits);
    const auto list = json.find("tool_calls");
    read.turn.tool_calls = read_calls(list == json.end() ? dump_json(json) : dump_json(*list));
    read.turn.text.clear();
  } catch (const Error& error) {
    tell_damage(read, style, error.message());
  }
  return read;
}

}  // namespace

std::string_view name(ToolCallStyle style) { return form_of(style).name; }
std::string_view call_begin(ToolCallStyle style) { return form_of(style).begin; }
std::string_view call_end(ToolCallStyle style) { return form_of(style).end; }

ToolCallStyle detect_tool_call_style(std::string_view source, std::string_view rendered) {
  const auto shows = [](std::string_view text, std::initializer_list<std::string_view> signs) {
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) {
      return text.find(sign) != std::string_view::npos;
    });
  };
  const std::size_t description = source.find("{\"description\":");
  const std::size_t name = source.find("\"name\":");
  const bool described_first =
      description != std::string_view::npos && description < name && name != std::string_view::npos;
  const bool has_marker = shows(source, {"<tool_call>"});
  if (has_marker && described_first) return ToolCallStyle::kNano;
  if (shows(rendered, {"<tool_calls>"})) return ToolCallStyle::kJamba;
  if (shows(rendered, {"<tool_call>"})) return ToolCallStyle::kHermes;
  if (shows(rendered, {"\"parameters\": {\"probe\"", "\"parameters\":{\"probe\""})) {
    return ToolCallStyle::kLlama3;
  }
  if (shows(rendered, {"\"function\": {\"name\": \"probe\"", "\"function\":{\"name\":\"probe\""})) {
    return ToolCallStyle::kOpenAi;
  }
  return shows(source, {"<tool_calls>"}) ? ToolCallStyle::kJamba : ToolCallStyle::kHermes;
}

Constraint expand_tool_calls(const Constraint& constraint, ToolCallStyle style) {
  using Kind = Constraint::Node::Kind;
  const Constraint::Node& node = constraint.node();
  const auto is_free = [](const Constraint& part) {
    return part.node().kind == Kind::kText && part.node().bytes.empty();
  };
  const bool beside_text =
      node.kind == Kind::kAnyOf && std::any_of(node.parts.begin(), node.parts.end(), is_free);
  const bool beside_call =
      node.kind == Kind::kAnyOf &&
      std::any_of(node.parts.begin(), node.parts.end(),
                  [](const Constraint& part) { return part.node().kind == Kind::kToolCall; });
  switch (node.kind) {
    case Kind::kToolCall:
      return expand_call(node, style);
    case Kind::kSequence:
    case Kind::kAnyOf: {
      std::vector<Constraint> parts;
      for (const Constraint& part : node.parts) {
        if (beside_call && is_free(part)) {
          parts.push_back(prose(style));
        } else if (beside_text && part.node().kind == Kind::kToolCall &&
                   !call_begin(style).empty()) {
          parts.push_back(Constraint::sequence({prose(style), expand_call(part.node(), style)}));
        } else {
          parts.push_back(expand_tool_calls(part, style));
        }
      }
      return node.kind == Kind::kSequence ? Constraint::sequence(std::move(parts))
                                          : Constraint::any_of(std::move(parts));
    }
    default:
      return constraint;
  }
}

std::string write_call(const ToolCall& call, ToolCallStyle style,
                       const std::vector<ToolSpec>& tools) {
  const auto spec = std::find_if(tools.begin(), tools.end(),
                                 [&](const ToolSpec& tool) { return tool.name == call.name; });
  const ToolSpec named{.name = call.name,
                       .description = spec == tools.end() ? "" : spec->description};
  return call_head(named, style) + dump_json(call.arguments) + std::string(form_of(style).after);
}

std::string write_calls(const std::vector<ToolCall>& calls, ToolCallStyle style,
                        const std::vector<ToolSpec>& tools) {
  const CallForm& form = form_of(style);
  std::string text(form.open);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) text += form.between;
    text += write_call(calls[i], style, tools);
  }
  return text + std::string(form.close);
}

ReadCalls read_tool_calls(std::string_view written, ToolCallStyle style) {
  const std::string_view begin = call_begin(style);
  const std::string_view end = call_end(style);
  if (begin.empty()) return read_bare(written, style);
  ReadCalls read;
  Turn& turn = read.turn;
  std::size_t done = 0;
  while (turn.tool_calls.size() < kMaxCalls) {
    const std::size_t open = written.find(begin, done);
    if (open == std::string_view::npos) break;
    const std::size_t body = open + begin.size();
    std::size_t close = written.find(end, body);
    if (close == std::string_view::npos) {
      tell_damage(read, style, std::string(begin) + " is not followed by " + std::string(end));
      break;
    }
    // An argument may hold the marker.
    if (!is_call(written.substr(body, close - body))) {
      const std::size_t later = find_close(written, body, end);
      const bool holds_marker = later != std::string_view::npos && later != close &&
                                is_call(written.substr(body, later - body));
      if (holds_marker) close = later;
    }
    const std::size_t after = close + end.size();
    try {
      std::vector<ToolCall> calls = read_calls(written.substr(body, close - body));
      turn.text += written.substr(done, open - done);
      for (ToolCall& call : calls) turn.tool_calls.push_back(std::move(call));
    } catch (const Error& error) {
      turn.text += written.substr(done, after - done);  // what can't be read stays in the text
      tell_damage(read, style, error.message());
    }
    done = after;
  }
  turn.text += written.substr(done);
  if (!turn.tool_calls.empty()) turn.text = std::string(trimmed(turn.text));
  return read;
}

}  // namespace orkestra::model
