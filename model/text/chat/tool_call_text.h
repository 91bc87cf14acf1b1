// How a tool call is written as text, per style: the constraint that allows exactly that, and the
// reading of it. Used by chat formats and by the scripted and remote models.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/constraint.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// How a model writes a tool call.
enum class ToolCallStyle {
  kNano,    // <tool_call>{"description":..,"name":..,"arguments":{..}}</tool_call>
  kHermes,  // <tool_call>{"name":..,"arguments":{..}}</tool_call>, several after one another
  kJamba,   // <tool_calls>[{"name":..,"arguments":{..}}, ..]</tool_calls>
  kLlama3,  // {"name":..,"parameters":{..}} alone; <|python_tag|> may stand before it
  kOpenAi,  // {"tool_calls":[{"type":"function","function":{"name":..,"arguments":{..}}}, ..]}
};
constexpr int kToolCallStyles = 5;

std::string_view name(ToolCallStyle style);  // "nano", "hermes", "jamba", "llama3", "openai"

// The markers around calls: "<tool_call>", "</tool_call>" or their plural; "" for styles in which
// a call has none: there it is the whole text.
std::string_view call_begin(ToolCallStyle style);
std::string_view call_end(ToolCallStyle style);

// The style a template gives away: by what it made of a turn that calls `probe` with {"probe":..}
// (`rendered`, "" if it refused), else by its text; kHermes when neither shows one.
ToolCallStyle detect_tool_call_style(std::string_view template_source,
                                     std::string_view rendered = "");

// `constraint` with tool_call nodes replaced by literals and JSON schemas.
Constraint expand_tool_calls(const Constraint& constraint, ToolCallStyle style);

// One call as compact JSON, without markers. kNano restates the tool's description (`tools` gives
// it; "" when the tool is not among them).
std::string write_call(const ToolCall& call, ToolCallStyle style,
                       const std::vector<ToolSpec>& tools);
// A turn's calls, markers included.
std::string write_calls(const std::vector<ToolCall>& calls, ToolCallStyle style,
                        const std::vector<ToolSpec>& tools);

// Text with calls -> a turn. Well-formed calls leave the text (and the white space around them
// goes); malformed ones stay in it, and `damaged` says for each what is wrong and how a call is
// written, in words for the model that wrote it. Ids are left "": whoever knows the run gives them.
struct ReadCalls {
  Turn turn{.role = Role::kAssistant, .text = ""};
  std::vector<std::string> damaged{};
};
ReadCalls read_tool_calls(std::string_view written, ToolCallStyle style);
inline Turn parse_tool_calls(std::string_view written, ToolCallStyle style) {
  return read_tool_calls(written, style).turn;
}

}  // namespace orkestra::model
