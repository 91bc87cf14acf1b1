#include <orkestra/core/error.h>
#include <orkestra/model/constraint.h>

#include <utility>

namespace orkestra::model {

using Node = Constraint::Node;

Constraint::Constraint() : Constraint(std::make_shared<const Node>()) {}

Constraint Constraint::text() { return {}; }

Constraint Constraint::text_without(std::string bytes) {
  constexpr std::size_t kMaxBytes = 200;
  if (bytes.empty() || bytes.size() > kMaxBytes) {
    throw Error(ErrorCode::kInvalid, "constraint: text without " + std::to_string(bytes.size()) +
                                         " bytes; 1 to " + std::to_string(kMaxBytes) + " can be");
  }
  return Constraint(
      std::make_shared<const Node>(Node{.kind = Node::Kind::kText, .bytes = std::move(bytes)}));
}

Constraint Constraint::literal(std::string bytes) {
  return Constraint(
      std::make_shared<const Node>(Node{.kind = Node::Kind::kLiteral, .bytes = std::move(bytes)}));
}

Constraint Constraint::choices(std::vector<std::string> choices) {
  if (choices.empty()) throw Error(ErrorCode::kInvalid, "constraint: choices of nothing");
  return Constraint(std::make_shared<const Node>(
      Node{.kind = Node::Kind::kChoices, .choices = std::move(choices)}));
}

Constraint Constraint::span(std::vector<SpanSource> sources, SpanRules rules) {
  return Constraint(std::make_shared<const Node>(
      Node{.kind = Node::Kind::kSpan, .sources = std::move(sources), .rules = rules}));
}

Constraint Constraint::json_schema(Json schema, std::vector<SpanSource> copy_sources,
                                   JsonForm form) {
  return Constraint(std::make_shared<const Node>(Node{.kind = Node::Kind::kJsonSchema,
                                                      .sources = std::move(copy_sources),
                                                      .schema = std::move(schema),
                                                      .form = form}));
}

Constraint Constraint::tool_call(std::vector<ToolSpec> tools, std::vector<SpanSource> copy_sources,
                                 std::size_t most_calls) {
  if (tools.empty()) throw Error(ErrorCode::kInvalid, "constraint: a call of no tool");
  if (most_calls < 1 || most_calls > 16) {
    throw Error(ErrorCode::kInvalid, "constraint: a turn has 1 to 16 calls");
  }
  return Constraint(std::make_shared<const Node>(Node{.kind = Node::Kind::kToolCall,
                                                      .sources = std::move(copy_sources),
                                                      .tools = std::move(tools),
                                                      .most_calls = most_calls}));
}

Constraint Constraint::sequence(std::vector<Constraint> parts) {
  return Constraint(
      std::make_shared<const Node>(Node{.kind = Node::Kind::kSequence, .parts = std::move(parts)}));
}

Constraint Constraint::any_of(std::vector<Constraint> alternatives) {
  if (alternatives.empty()) throw Error(ErrorCode::kInvalid, "constraint: any of nothing");
  return Constraint(std::make_shared<const Node>(
      Node{.kind = Node::Kind::kAnyOf, .parts = std::move(alternatives)}));
}

}  // namespace orkestra::model
