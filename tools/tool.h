// Tool: an action the planner can take. Implementations are thread-safe and hold their resources
// (a database handle) themselves. ToolRegistry owns tools and is the only way to call one.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/core/tool_types.h>

#include <map>
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
  // Throws Error{kConflict} when the name is taken, {kInvalid} when the spec is not usable.
  void add(std::unique_ptr<Tool> tool);
  std::vector<ToolSpec> specs() const;  // in order of adding
  const ToolSpec* find(std::string_view name) const;

  // Never throws for what a model can get wrong: an unknown tool, invalid arguments (with the
  // path and what is expected), a tool that fails, overruns its deadline or its output limit.
  ToolResult call(const ToolCall& call, const Limits& limits) const;

 private:
  std::vector<std::shared_ptr<Tool>> tools_;
};

}  // namespace orkestra::tools
