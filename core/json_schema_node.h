// SchemaNode: one compiled schema object; owned by its CompiledSchema and immutable once compiled,
// so validation may run on many threads at once. Not public: read by core/json_schema* and by
// model/text/schema*, which turns it into what may be written.
#pragma once

#include <orkestra/core/json_schema.h>
#include <orkestra/core/regex.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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
  std::string path;  // JSON Pointer into the schema; behind "URI#" for another document
  std::size_t resource = 0;
  bool never = false;  // the schema `false`
  unsigned types = 0;  // SchemaType bits; 0 = any
  std::vector<SchemaValues> allowed;

  std::vector<std::pair<std::string, const SchemaNode*>> properties;
  std::vector<std::pair<std::unique_ptr<const Regex>, const SchemaNode*>> pattern_properties;
  std::vector<std::string> required;
  const SchemaNode* additional = nullptr;  // additionalProperties
  const SchemaNode* property_names = nullptr;
  std::optional<std::size_t> min_properties, max_properties;
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required;
  std::vector<std::pair<std::string, const SchemaNode*>> dependent_schemas;
  const SchemaNode* unevaluated_properties = nullptr;

  std::vector<const SchemaNode*> prefix_items;
  const SchemaNode* items = nullptr;
  std::optional<std::size_t> min_items, max_items;
  bool unique_items = false;
  const SchemaNode* contains = nullptr;
  std::optional<std::size_t> min_contains, max_contains;
  const SchemaNode* unevaluated_items = nullptr;

  std::optional<std::size_t> min_length, max_length;  // in code points
  std::unique_ptr<const Regex> pattern;
  std::string format;   // an annotation
  bool copied = false;  // x-copy

  std::optional<Json> minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;

  std::vector<const SchemaNode*> any_of, one_of, all_of;
  const SchemaNode* negated = nullptr;    // not
  const SchemaNode* condition = nullptr;  // if
  const SchemaNode* consequence = nullptr;
  const SchemaNode* alternative = nullptr;
  const SchemaNode* ref = nullptr;
  const SchemaNode* dynamic_ref = nullptr;  // where it leads in its own resource
  std::string dynamic_anchor;               // the anchor looked for in the dynamic scope; "" = none

  const SchemaNode* property(const std::string& name) const {
    for (const auto& [key, node] : properties) {
      if (key == name) return node;
    }
    return nullptr;
  }
};

// A schema with an identifier of its own: what relative references and anchors go by.
struct SchemaResource {
  std::string uri;
  const Json* root = nullptr;
  const SchemaNode* node = nullptr;
  std::map<std::string, const SchemaNode*> anchors, dynamic_anchors;
};

struct SchemaParts {
  std::vector<std::unique_ptr<const Json>> documents;  // [0] is the schema itself
  std::vector<std::unique_ptr<SchemaNode>> nodes;
  std::vector<SchemaResource> resources;
  std::unordered_map<std::string, const SchemaNode*> by_path;
  bool tracks = false;  // some unevaluated* asks what was looked at
};

class CompiledSchema final : public JsonSchema {
 public:
  explicit CompiledSchema(SchemaParts parts) : parts_(std::move(parts)) {}
  std::vector<SchemaViolation> validate(const Json& instance) const override;
  std::optional<bool> valid_at(std::string_view pointer, const Json& instance) const override;
  const SchemaParts& parts() const { return parts_; }

 private:
  SchemaParts parts_;
};

// What a subschema says about one object or array: which members or items it looked at.
using Evaluated = std::vector<bool>;

// The meta-schema of draft 2020-12, for schemas that refer to it.
const Json& schema_of_schemas();
constexpr std::string_view kSchemaOfSchemas = "https://json-schema.org/draft/2020-12/schema";

// The same text for values JSON Schema holds equal: keys sorted, 1.0 as 1.
std::string canonical_text(const Json& value);

// "the string \"Nort\"", "the number 5", "an object", "null": short, for messages.
std::string describe_value(const Json& value);

// `name` as one reference token of a JSON Pointer: ~ and / escaped (RFC 6901).
std::string pointer_token(std::string_view name);

}  // namespace orkestra
