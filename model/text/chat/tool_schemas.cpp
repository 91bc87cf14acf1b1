#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/tool_schemas.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <utility>

namespace orkestra::model {
namespace {

Constraint call_of_good_tools(const Constraint::Node& node, std::vector<DisabledTool>& disabled) {
  std::vector<ToolSpec> good;
  for (const ToolSpec& tool : node.tools) {
    try {
      // Without sources, which say nothing about the schema.
      ConstraintAutomaton::compile(Constraint::json_schema(tool.parameters), true);
      good.push_back(tool);
    } catch (const Error& error) {
      disabled.push_back({tool.name, error.message()});
    }
  }
  if (good.empty()) {
    throw Error(ErrorCode::kUnsupported, "tool " + disabled.back().name + ": " +
                                             disabled.back().reason +
                                             "; no other tool is left to be called");
  }
  return Constraint::tool_call(std::move(good), node.sources);
}

}  // namespace

Constraint without_bad_tools(const Constraint& constraint, std::vector<DisabledTool>& disabled) {
  using Kind = Constraint::Node::Kind;
  const Constraint::Node& node = constraint.node();
  if (node.kind == Kind::kToolCall) return call_of_good_tools(node, disabled);
  if (node.kind != Kind::kSequence && node.kind != Kind::kAnyOf) return constraint;
  std::vector<Constraint> parts;
  for (const Constraint& part : node.parts) parts.push_back(without_bad_tools(part, disabled));
  return node.kind == Kind::kSequence ? Constraint::sequence(std::move(parts))
                                      : Constraint::any_of(std::move(parts));
}

}  // namespace orkestra::model
