// What a program and its plugin host say to each other, as JSON in frames. The host's side comes
// from a process that may do anything: it is read with bounds and suspicion. Pure functions.
//
//   host:    {"abi": 1, "name": "...", "version": "...", "tools": "<JSON text>"}   or   {"error"}
//   program: {"seq": 1, "tool": "...", "id": "...", "arguments": {...}, "deadline_ms": 5000}
//   host:    {"seq": 1, "status": 0, "text": "..."}
#pragma once

#include <orkestra/core/tool_types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::plugins {

struct Hello {
  std::string name;
  std::string version;
  std::vector<ToolSpec> tools;
  friend bool operator==(const Hello& a, const Hello& b);  // the same plugin with the same tools
};
// Throws Error{kInvalid} saying what is wrong with the plugin.
Hello read_hello(const std::string& text);

// The result of call `seq`: the plugin's value, or its failure. Throws Error{kCorrupt} for what is
// no reply to it. Text that is not JSON is a failure of the plugin, not of the conversation.
ToolResult read_reply(const std::string& text, std::int64_t seq, std::size_t max_bytes);

}  // namespace orkestra::plugins
