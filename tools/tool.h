// Tool: an action the planner can take. Implementations are thread-safe and hold their resources
// (a database handle) themselves. ToolRegistry owns tools and is the only way to call one; adding
// is for one thread, calling for any number.
#pragma once

#include <orkestra/core/json_schema.h>
#include <orkestra/core/limits.h>
#include <orkestra/core/tool_types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::tools {

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const ToolSpec& spec() const = 0;
  // `call.arguments` are already valid for spec().parameters. Must return by limits.deadline and
  // when limits.stop is requested. May throw Error: the registry turns it into a failed result.
  virtual ToolResult run(const ToolCall& call, const Limits& limits) = 0;
};

class ToolRegistry {
 public:
  // `grace`: how long after its deadline, or a stop request, a tool may still return by itself.
  // A tool that doesn't is left behind on its own thread, which keeps the tool alive; the process
  // should not unload what such a tool uses.
  explicit ToolRegistry(std::chrono::milliseconds grace = std::chrono::milliseconds(500))
      : grace_(grace) {}

  // Throws Error{kConflict} when the name is taken, {kInvalid} when the spec is not usable.
  void add(std::unique_ptr<Tool> tool);
  std::vector<ToolSpec> specs() const;  // in order of adding
  const ToolSpec* find(std::string_view name) const;

  // Never throws for what a model can get wrong: an unknown tool, invalid arguments (with the
  // path and what is expected), a tool that fails, overruns its deadline or its output limit.
  ToolResult call(const ToolCall& call, const Limits& limits) const;

 private:
  struct Entry {
    std::shared_ptr<Tool> tool;
    std::shared_ptr<const JsonSchema> parameters;
  };
  std::vector<Entry> entries_;
  std::chrono::milliseconds grace_;
};

}  // namespace orkestra::tools
