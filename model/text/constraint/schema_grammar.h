// JSON Schema -> grammar: the texts that are JSON valid for the schema, in the form that is asked
// for. "x-copy" and "x-domain" (ToolSpec) limit values to what the sources say and what exists.
// Exact: every text of the grammar is valid; in JsonForm::kAny every valid text is in it, too
// (within the bounds on white space and nesting). What can't be decided so is refused.
#pragma once

#include <orkestra/core/json_schema_node.h>
#include <orkestra/model/text/constraint/json_grammar.h>
#include <orkestra/model/text/constraint/schema_branch.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::model {

class SchemaGrammar {
 public:
  // Throws Error{kUnsupported} naming a keyword by JSON Pointer, {kInvalid} for a malformed
  // schema, {kExhausted} beyond the bounds.
  SchemaGrammar(JsonGrammar& json, const Json& schema, const std::vector<SpanSource>& sources);
  NodeId compile();

 private:
  using Literals = std::vector<SchemaLiteral>;

  // What fits all of `literals`: a rule, made once for each set of them.
  NodeId value(Literals literals);
  NodeId ways(const Conjunction& conjunction);
  NodeId branch(const SchemaBranch& branch, const Conjunction& conjunction);

  NodeId values(const SchemaBranch& branch, const Conjunction& conjunction);
  std::vector<Json> candidates(const SchemaBranch& branch) const;
  bool fits(const Json& value, const Conjunction& conjunction) const;
  void scalars(const SchemaBranch& branch, std::vector<NodeId>& ways);

  NodeId string(const SchemaBranch& branch);
  CharDfa content(const SchemaBranch& branch);
  const CharDfa& pattern(const SchemaBranch::Pattern& pattern);
  const CharDfa* format(const std::string& name);
  // What strings fit `literals`, one automaton for each way.
  std::vector<CharDfa> contents(Literals literals);

  NodeId number(const SchemaBranch& branch);
  NodeId copied_string();
  NodeId copied_number(const SchemaBranch& branch);

  NodeId array(const SchemaBranch& branch);
  Literals item_at(const SchemaBranch& branch, std::size_t index) const;

  NodeId object(const SchemaBranch& branch);
  // What the member `name` must fit; nullopt when it can't be there.
  std::optional<Literals> member(const SchemaBranch& branch, const std::string& name) const;
  void others(const SchemaBranch& branch, GrammarObject& object);
  NodeId key(const std::string& name);

  JsonGrammar& json_;
  Grammar& grammar_;
  std::shared_ptr<const CompiledSchema> schema_;
  const std::vector<SpanSource>& sources_;
  SchemaExpansion expansion_;
  std::map<Conjunction, RuleId> rules_;
  std::vector<Conjunction> open_rules_;  // whose schemas are still to be read
  std::map<const Regex*, CharDfa> patterns_;
  std::map<std::string, CharDfa> formats_;
  std::optional<NodeId> copied_string_;
};

// The regular expression of a `format` that is enforced while writing; "" for others.
std::string_view format_pattern(std::string_view name);

}  // namespace orkestra::model
