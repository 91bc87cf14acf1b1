#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/constraint/constraint_program.h>
#include <orkestra/model/text/constraint/schema_grammar.h>

#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

constexpr int kMaxDepth = 64;

// Any text in which `forbidden` never occurs: the matching automaton of Knuth, Morris and Pratt
// (1977) without its last step. State k: the last k bytes read are the first k of `forbidden`.
ByteDfa text_without(std::string_view forbidden) {
  ByteDfa dfa;
  dfa.states.resize(forbidden.size());
  for (std::size_t k = 0; k < forbidden.size(); ++k) {
    ByteDfa::State& state = dfa.states[k];
    for (int byte = 0; byte < 256; ++byte) {
      const std::string read = std::string(forbidden.substr(0, k)) + static_cast<char>(byte);
      std::size_t kept = read.size();
      while (!forbidden.starts_with(std::string_view(read).substr(read.size() - kept))) --kept;
      state.next[static_cast<std::size_t>(byte)] =
          kept == forbidden.size() ? ByteDfa::kDead : static_cast<std::uint8_t>(kept);
    }
  }
  return dfa;
}

class Compiler {
 public:
  NodeId compile(const Constraint& constraint, int depth = 0) {
    if (depth > kMaxDepth) {
      throw Error(ErrorCode::kExhausted,
                  "constraint: nested deeper than " + std::to_string(kMaxDepth));
    }
    const Constraint::Node& node = constraint.node();
    using Kind = Constraint::Node::Kind;
    switch (node.kind) {
      case Kind::kText:
        return node.bytes.empty() ? grammar_.text() : grammar_.dfa(text_without(node.bytes));
      case Kind::kLiteral:
        return grammar_.bytes(node.bytes);
      case Kind::kChoices:
        return grammar_.span(SpanIndex::choices(node.choices));
      case Kind::kSpan:
        return grammar_.span(SpanIndex::spans(node.sources, node.rules, false));
      case Kind::kJsonSchema:
        return SchemaGrammar(node.form == JsonForm::kCompact ? compact_ : any_, node.schema,
                             node.sources)
            .compile();
      case Kind::kToolCall:
        break;
      case Kind::kSequence:
        return grammar_.sequence(parts(node, depth));
      case Kind::kAnyOf:
        return grammar_.any_of(parts(node, depth));
    }
    throw Error(ErrorCode::kInvalid,
                "constraint: a tool call must be expanded by a chat format before compiling");
  }

  Grammar take_grammar() { return std::move(grammar_); }

 private:
  std::vector<NodeId> parts(const Constraint::Node& node, int depth) {
    std::vector<NodeId> ids;
    for (const Constraint& part : node.parts) ids.push_back(compile(part, depth + 1));
    return ids;
  }

  Grammar grammar_;
  JsonGrammar compact_{grammar_, JsonForm::kCompact};
  JsonGrammar any_{grammar_, JsonForm::kAny};
};

}  // namespace

std::shared_ptr<const ConstraintAutomaton> ConstraintAutomaton::compile(
    const Constraint& constraint, bool allow_nothing) {
  Compiler compiler;
  const NodeId root = compiler.compile(constraint);
  return compile_grammar(compiler.take_grammar(), root, allow_nothing);
}

}  // namespace orkestra::model
