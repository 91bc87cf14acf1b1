// Constraint: what a model may write. An immutable tree of nodes, cheap to copy, that knows no
// tokenizer: the embedded engine compiles it to a byte automaton
// (model/text/constraint/constraint_automaton.h), the scripted model checks its replies against the
// same automaton.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/core/tool_types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// Text that spans may be copied from, named for the report ("request", "1").
struct SpanSource {
  std::string id;
  std::string text;
};

struct SpanRules {
  std::size_t min_bytes = 1;
  std::size_t max_bytes = 4096;
  bool whole_words = true;  // a span starts and ends at word edges of its source
  bool one_space = false;   // white space in a source counts as one space, however much there is
};

// A tool that can't be called under a constraint: its schema says something that can't be decided.
struct DisabledTool {
  std::string name;
  std::string reason;  // with the JSON Pointer of the keyword
};

// Which of the texts of a JSON value are meant.
enum class JsonForm {
  // What models write: no white space, one spelling of fixed strings, members in the schema's order
  // and only those it names (others where it says so), plain numbers; `format` holds.
  kCompact,
  // Whatever RFC 8259 allows, white space within 4 KiB in one place, members in any order;
  // `format` is a note, as the draft has it.
  kAny,
};

class Constraint {
 public:
  // Anything, until the model ends its turn. Also the default.
  Constraint();
  static Constraint text();
  // Anything in which `bytes` (1 to 200 of them) never occur: prose beside a tool call in any_of
  // becomes this with the call's opening marker, so that a call once begun is a valid one.
  static Constraint text_without(std::string bytes);
  // Exactly these bytes.
  static Constraint literal(std::string bytes);
  // One of these strings. `choices` must not be empty.
  static Constraint choices(std::vector<std::string> choices);
  // A substring of one of the sources, verbatim.
  static Constraint span(std::vector<SpanSource> sources, SpanRules rules = {});
  // JSON text valid for `schema`. "x-copy" strings and numbers are spans of `copy_sources`;
  // "x-domain" values are choices. Throws Error{kUnsupported} naming the keyword by JSON Pointer.
  static Constraint json_schema(Json schema, std::vector<SpanSource> copy_sources = {},
                                JsonForm form = JsonForm::kCompact);
  // One call of one of `tools`, in the model's own tool-call style (its ChatFormat's), arguments
  // as json_schema; up to `most_calls` of them where the style has several in one turn. `tools`
  // must not be empty. Beside text() in any_of: text, a call, or text and then a call.
  static Constraint tool_call(std::vector<ToolSpec> tools,
                              std::vector<SpanSource> copy_sources = {},
                              std::size_t most_calls = 1);
  static Constraint sequence(std::vector<Constraint> parts);
  static Constraint any_of(std::vector<Constraint> alternatives);

  struct Node;
  const Node& node() const { return *node_; }

 private:
  explicit Constraint(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

struct Constraint::Node {
  enum class Kind { kText, kLiteral, kChoices, kSpan, kJsonSchema, kToolCall, kSequence, kAnyOf };
  Kind kind = Kind::kText;
  std::string bytes{};                 // kLiteral; kText: what must not occur, "" = nothing
  std::vector<std::string> choices{};  // kChoices
  std::vector<SpanSource> sources{};   // kSpan, kJsonSchema, kToolCall
  SpanRules rules{};                   // kSpan
  Json schema = nullptr;               // kJsonSchema
  JsonForm form = JsonForm::kCompact;  // kJsonSchema
  std::vector<ToolSpec> tools{};       // kToolCall
  std::size_t most_calls = 1;          // kToolCall
  std::vector<Constraint> parts{};     // kSequence, kAnyOf
};

}  // namespace orkestra::model
