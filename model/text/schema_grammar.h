// JSON Schema -> grammar: the texts that are compact JSON valid for the schema, properties in the
// schema's order, with no other properties than it declares. "x-copy" and "x-domain" (ToolSpec)
// limit values to what the sources say and what exists.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/json_grammar.h>

#include <map>
#include <string>
#include <vector>

namespace orkestra::model {

class SchemaGrammar {
 public:
  SchemaGrammar(Grammar& grammar, JsonGrammar& json, const Json& root,
                const std::vector<SpanSource>& sources)
      : grammar_(grammar), json_(json), root_(root), sources_(sources) {}

  // Throws Error{kUnsupported} naming a keyword by JSON Pointer, {kInvalid} for a malformed
  // schema, {kExhausted} beyond the bounds.
  NodeId compile();

 private:
  NodeId schema(const Json& schema, const std::string& path, int depth);
  NodeId typed(const Json& schema, const std::string& type, const std::string& path, int depth);
  NodeId reference(const Json& schema, const std::string& path);
  const Json* target_of(const std::string& reference) const;  // nullptr when there is none
  NodeId alternatives(const Json& schema, const std::string& path, int depth);
  NodeId values(const Json& schema, const Json& list, const std::string& path);
  NodeId object(const Json& schema, const std::string& path, int depth);
  NodeId array(const Json& schema, const std::string& path, int depth);
  NodeId string(const Json& schema, const std::string& path);
  NodeId number(const Json& schema, bool whole, const std::string& path);
  NodeId copied_string();
  NodeId copied_number(bool whole);
  Json domain(const Json& schema, const std::string& path) const;

  Grammar& grammar_;
  JsonGrammar& json_;
  const Json& root_;
  const std::vector<SpanSource>& sources_;
  std::map<std::string, RuleId> rules_;  // by $ref
  std::vector<std::string> open_rules_;  // whose schemas are still to be read
  std::optional<NodeId> copied_string_;
};

}  // namespace orkestra::model
