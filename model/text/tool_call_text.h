// How a tool call is written as text, per style: the constraint that allows exactly that, and the
// reading of it. Used by chat formats and by the scripted model.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/constraint.h>
#include <orkestra/model/text/chat_format.h>

#include <string>
#include <string_view>

namespace orkestra::model {

// The markers around calls: "<tool_call>", "</tool_call>" or their plural.
std::string_view call_begin(ToolCallStyle style);
std::string_view call_end(ToolCallStyle style);

// The style a template's text gives away; kHermes when it shows none.
ToolCallStyle detect_tool_call_style(std::string_view template_source);

// `constraint` with tool_call nodes replaced by literals and JSON schemas.
Constraint expand_tool_calls(const Constraint& constraint, ToolCallStyle style);

// One call between the markers, as compact JSON. kNano restates the tool's description
// (`tools` gives it; "" when the tool is not among them).
std::string write_call(const ToolCall& call, ToolCallStyle style,
                       const std::vector<ToolSpec>& tools);

// Text with calls -> a turn. Well-formed calls leave the text (and the white space around them
// goes); malformed ones stay in it. Ids are left "": whoever knows the run gives them.
Turn parse_tool_calls(std::string_view written, ToolCallStyle style);

}  // namespace orkestra::model
