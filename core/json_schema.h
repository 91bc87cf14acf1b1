// JsonSchema: a compiled JSON Schema (draft 2020-12, the vocabulary tools use). Immutable.
// Supported: type, enum, const, properties, required, additionalProperties, items, prefixItems,
// min/maxItems, uniqueItems, min/maxLength, pattern (RE2), minimum, maximum, exclusive*,
// multipleOf, anyOf, oneOf, allOf, not, $ref to #/$defs, and annotations. Any other keyword is
// refused by its JSON Pointer, never dropped.
#pragma once

#include <orkestra/core/json.h>

#include <memory>
#include <string>
#include <vector>

namespace orkestra {

// What is wrong, where, phrased so that a model can act on it.
struct SchemaViolation {
  std::string instance_path;  // JSON Pointer into the instance: "/region"
  std::string schema_path;    // JSON Pointer into the schema: "/properties/region/type"
  std::string message;        // "/region must be a string, got the number 5"
};

class JsonSchema {
 public:
  // Throws Error{kUnsupported} naming a keyword, Error{kInvalid} for a malformed schema.
  static std::shared_ptr<const JsonSchema> compile(const Json& schema);
  virtual ~JsonSchema() = default;
  // Empty = valid. At most 16 violations; bounded in depth.
  virtual std::vector<SchemaViolation> validate(const Json& instance) const = 0;
};

// The violations as one line each, for a tool's error message.
std::string to_text(const std::vector<SchemaViolation>& violations);

}  // namespace orkestra
