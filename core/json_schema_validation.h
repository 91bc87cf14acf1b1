// Validation: one instance held against a compiled schema. Private to core/json_schema*.cpp; lives
// for one call. json_schema_validate.cpp judges single values, json_schema_applicators.cpp what
// schemas say with other schemas.
#pragma once

#include <orkestra/core/json_schema_node.h>

#include <optional>
#include <string>
#include <vector>

namespace orkestra {

class Validation {
 public:
  explicit Validation(const SchemaParts& parts) : parts_(parts) {}

  std::vector<SchemaViolation> violations;

  // Inside anyOf, oneOf and not a violation says nothing yet, but giving up always counts.
  bool gave_up() const { return gave_up_at_.has_value(); }
  const SchemaViolation& gave_up_at() const { return *gave_up_at_; }

  // Adds what `schema` finds wrong with `value`. `seen` (may be null) learns which members or
  // items of `value` the schema looked at.
  void node(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
            Evaluated* seen);

 private:
  void give_up(const SchemaNode& schema, const std::string& path);
  void add(const SchemaNode& schema, const std::string& path, const std::string& keyword,
           const std::string& what);
  void not_allowed(const SchemaNode& schema, const SchemaValues& allowed, const Json& value,
                   const std::string& path);
  void unknown_property(const SchemaNode& schema, const std::string& name, const std::string& at);
  void string(const SchemaNode& schema, const std::string& text, const std::string& path);
  void number(const SchemaNode& schema, const Json& value, const std::string& path);
  void size(const SchemaNode& schema, const std::string& path, std::size_t size,
            const std::optional<std::size_t>& min, const std::optional<std::size_t>& max,
            const char* min_keyword, const char* max_keyword, const char* noun);

  void object(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
              Evaluated& seen);
  void members(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
               Evaluated& seen);
  void array(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
             Evaluated& seen);
  void contains(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
                Evaluated& seen);
  void combined(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
                Evaluated& seen);
  void alternatives(const SchemaNode& schema, const std::vector<const SchemaNode*>& parts,
                    const std::string& keyword, const Json& value, const std::string& path,
                    int depth, Evaluated& seen);
  void unevaluated(const SchemaNode& schema, const Json& value, const std::string& path, int depth,
                   Evaluated& seen);
  // What `schema` alone says about `value`, sharing the step budget; what it looked at counts only
  // when it holds.
  std::vector<SchemaViolation> alone(const SchemaNode& schema, const Json& value,
                                     const std::string& path, int depth, Evaluated* seen);
  const SchemaNode* dynamic_target(const SchemaNode& schema) const;

  const SchemaParts& parts_;
  std::vector<std::size_t> scope_;  // resources that were entered, outermost first
  int steps_ = 0;
  std::optional<SchemaViolation> gave_up_at_;
};

// The parts in one line; long lists by their head.
std::string listed_values(const std::vector<std::string>& parts);

// "; did you mean \"North\"?", or "".
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace orkestra
