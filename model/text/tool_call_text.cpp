#include <orkestra/model/text/tool_call_text.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

constexpr JsonLimits kCallLimits{.max_bytes = std::size_t{1} << 20U, .max_depth = 64};
constexpr std::size_t kMaxCalls = 64;

std::string call_head(const ToolSpec& tool, ToolCallStyle style) {
  std::string head = "{";
  if (style == ToolCallStyle::kNano) {
    head += "\"description\":";
    head += dump_json(tool.description);
    head += ',';
  }
  head += "\"name\":";
  head += dump_json(tool.name);
  head += ",\"arguments\":";
  return head;
}

Constraint expand_call(const Constraint::Node& node, ToolCallStyle style) {
  std::vector<Constraint> calls;
  for (const ToolSpec& tool : node.tools) {
    calls.push_back(Constraint::sequence({Constraint::literal(call_head(tool, style)),
                                          Constraint::json_schema(tool.parameters, node.sources),
                                          Constraint::literal("}")}));
  }
  const bool in_array = style == ToolCallStyle::kJamba;
  std::string begin(call_begin(style));
  std::string end(call_end(style));
  if (in_array) {
    begin += '[';
    end.insert(0, 1, ']');
  }
  return Constraint::sequence({Constraint::literal(std::move(begin)),
                               Constraint::any_of(std::move(calls)),
                               Constraint::literal(std::move(end))});
}

std::optional<ToolCall> call_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto name = json.find("name");
  if (name == json.end() || !name->is_string()) return std::nullopt;
  ToolCall call{.id = "", .name = name->get<std::string>()};
  auto arguments = json.find("arguments");
  if (arguments == json.end()) arguments = json.find("parameters");
  if (arguments == json.end()) return call;
  call.arguments = arguments->is_string() ? parse_json(arguments->get_ref<const std::string&>(),
                                                       "arguments", kCallLimits)
                                          : *arguments;
  if (!call.arguments.is_object()) return std::nullopt;
  return call;
}

// The calls of one marked stretch; none when it is malformed.
std::vector<ToolCall> read_calls(std::string_view body) {
  std::vector<ToolCall> calls;
  try {
    const Json json = parse_json(body, "tool call", kCallLimits);
    const Json list = json.is_array() ? json : Json::array({json});
    for (const Json& element : list) {
      std::optional<ToolCall> call = call_from_json(element);
      if (!call) return {};
      calls.push_back(std::move(*call));
    }
  } catch (const Error&) {
    return {};
  }
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

std::string trimmed(const std::string& text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

}  // namespace

std::string_view call_begin(ToolCallStyle style) {
  return style == ToolCallStyle::kJamba ? "<tool_calls>" : "<tool_call>";
}

std::string_view call_end(ToolCallStyle style) {
  return style == ToolCallStyle::kJamba ? "</tool_calls>" : "</tool_call>";
}

ToolCallStyle detect_tool_call_style(std::string_view source) {
  if (source.find("<tool_calls>") != std::string_view::npos) return ToolCallStyle::kJamba;
  const std::size_t description = source.find("{\"description\":");
  const std::size_t name = source.find("\"name\":");
  const bool described_first =
      description != std::string_view::npos && description < name && name != std::string_view::npos;
  const bool has_marker = source.find("<tool_call>") != std::string_view::npos;
  return has_marker && described_first ? ToolCallStyle::kNano : ToolCallStyle::kHermes;
}

Constraint expand_tool_calls(const Constraint& constraint, ToolCallStyle style) {
  using Kind = Constraint::Node::Kind;
  const Constraint::Node& node = constraint.node();
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
        const bool prose =
            beside_call && part.node().kind == Kind::kText && part.node().bytes.empty();
        parts.push_back(prose ? Constraint::text_without(std::string(call_begin(style)))
                              : expand_tool_calls(part, style));
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
  return call_head(named, style) + dump_json(call.arguments) + '}';
}

Turn parse_tool_calls(std::string_view written, ToolCallStyle style) {
  const std::string_view begin = call_begin(style);
  const std::string_view end = call_end(style);
  Turn turn{.role = Role::kAssistant, .text = ""};
  std::size_t done = 0;
  while (turn.tool_calls.size() < kMaxCalls) {
    const std::size_t open = written.find(begin, done);
    if (open == std::string_view::npos) break;
    const std::size_t body = open + begin.size();
    std::size_t close = written.find(end, body);
    if (close == std::string_view::npos) break;
    std::vector<ToolCall> calls = read_calls(written.substr(body, close - body));
    if (calls.empty()) {
      const std::size_t later = find_close(written, body, end);
      if (later != std::string_view::npos && later != close) {
        calls = read_calls(written.substr(body, later - body));
        if (!calls.empty()) close = later;
      }
    }
    const std::size_t after = close + end.size();
    // A call that can't be read stays in the text.
    turn.text += written.substr(done, (calls.empty() ? after : open) - done);
    for (ToolCall& call : calls) turn.tool_calls.push_back(std::move(call));
    done = after;
  }
  turn.text += written.substr(done);
  if (!turn.tool_calls.empty()) turn.text = trimmed(turn.text);
  return turn;
}

}  // namespace orkestra::model
