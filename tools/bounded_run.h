// The two bounds a tool can't break: its time and the size of its result.
#pragma once

#include <orkestra/tools/tool.h>

#include <chrono>
#include <cstddef>
#include <memory>

namespace orkestra::tools {

// Runs the tool on a thread of its own. At limits.deadline, or when limits.stop is requested, the
// tool's own stop token fires; `grace` later the call returns a failure whatever the tool does
// (kDeadline, kCancelled). A tool that still runs then is left behind: its thread shares ownership
// of the tool and of copies of the call and the limits, so nothing it touches is destroyed under
// it, and what it returns is dropped. A failure of a tool that is not safe to repeat says
// kOutcomeUnknown instead. Exceptions become failures; starting no thread is kExhausted.
ToolResult run_bounded(const std::shared_ptr<Tool>& tool, const ToolCall& call,
                       const Limits& limits, std::chrono::milliseconds grace);

// Cuts result.value to at most `max_bytes` of compact JSON and sets result.truncated: an array
// loses elements from its end, a text its tail; anything else becomes the head of its JSON text.
void truncate(ToolResult& result, std::size_t max_bytes);

}  // namespace orkestra::tools
