// SchemaNode: one compiled schema object. Private to core/json_schema*.cpp; owned by its
// CompiledSchema and immutable once compiled, so validation may run on many threads at once.
#pragma once

#include <orkestra/core/json_schema.h>

#include <re2/re2.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace orkestra {

// Bits of SchemaNode::types.
enum SchemaType : unsigned {
  kTypeNull = 1,
  kTypeBoolean = 2,
  kTypeObject = 4,
  kTypeArray = 8,
  kTypeNumber = 16,
  kTypeString = 32,
  kTypeInteger = 64,
};

// A closed set of values: enum, const or x-domain.
struct SchemaValues {
  std::string keyword;
  std::vector<Json> values;
  std::unordered_set<std::string> canonical;  // canonical_text of each, for the look-up
};

struct SchemaNode {
  std::string path;    // JSON Pointer into the schema
  bool never = false;  // the schema `false`
  unsigned types = 0;  // SchemaType bits; 0 = any
  std::vector<SchemaValues> allowed;

  std::vector<std::pair<std::string, const SchemaNode*>> properties;
  std::vector<std::string> required;
  const SchemaNode* additional = nullptr;  // additionalProperties

  std::vector<const SchemaNode*> prefix_items;
  const SchemaNode* items = nullptr;
  std::optional<std::size_t> min_items, max_items;
  bool unique_items = false;

  std::optional<std::size_t> min_length, max_length;  // in code points
  std::unique_ptr<const RE2> pattern;

  std::optional<Json> minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;

  std::vector<const SchemaNode*> any_of, one_of, all_of;
  const SchemaNode* negated = nullptr;  // not
  const SchemaNode* ref = nullptr;

  const SchemaNode* property(const std::string& name) const {
    for (const auto& [key, node] : properties) {
      if (key == name) return node;
    }
    return nullptr;
  }
};

class CompiledSchema final : public JsonSchema {
 public:
  CompiledSchema(std::vector<std::unique_ptr<SchemaNode>> nodes, const SchemaNode* root)
      : nodes_(std::move(nodes)), root_(root) {}
  std::vector<SchemaViolation> validate(const Json& instance) const override;

 private:
  std::vector<std::unique_ptr<SchemaNode>> nodes_;
  const SchemaNode* root_;
};

// The same text for values JSON Schema holds equal: keys sorted, 1.0 as 1.
std::string canonical_text(const Json& value);

// "the string \"Nort\"", "the number 5", "an object", "null": short, for messages.
std::string describe_value(const Json& value);

// `name` as one reference token of a JSON Pointer: ~ and / escaped (RFC 6901).
std::string pointer_token(std::string_view name);

}  // namespace orkestra
