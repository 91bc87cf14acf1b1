// JsonSchema: a compiled JSON Schema, draft 2020-12 in full (the required part of the public test
// suite; `format` and `content*` are annotations, as the draft has it). Immutable; any thread.
// Older drafts are understood where "$schema" names them (array `items`, boolean exclusive
// bounds, "$ref" alone); "x-domain" (ToolSpec) holds like enum. Other keywords are annotations, but
// one that is a letter away from a keyword that asserts something is refused as a slip.
#pragma once

#include <orkestra/core/json.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

// What is wrong, where, phrased so that a model can act on it.
struct SchemaViolation {
  std::string instance_path;  // JSON Pointer into the instance: "/region"
  std::string schema_path;    // JSON Pointer into the schema: "/properties/region/type"
  std::string message;        // "/region must be a string, got the number 5"
};

struct SchemaOptions {
  // The document of an absolute URI (without fragment), for "$ref" to other documents and for
  // "$schema". nullopt or no function: unknown. Nothing is ever fetched by this class itself.
  std::function<std::optional<Json>(const std::string& uri)> resolve{};
};

class JsonSchema {
 public:
  // Throws Error{kUnsupported} for a reference to an unknown document, a regular expression beyond
  // core/regex_syntax.h or a slip; Error{kInvalid} for a malformed schema, with its JSON Pointer;
  // Error{kExhausted} beyond 200,000 subschemas.
  static std::shared_ptr<const JsonSchema> compile(const Json& schema,
                                                   const SchemaOptions& options = {});
  virtual ~JsonSchema() = default;
  // Empty = valid. At most 16 violations; bounded in depth and steps (what is too deep or too
  // much to check is a violation).
  virtual std::vector<SchemaViolation> validate(const Json& instance) const = 0;
  // As validate, by the subschema at a JSON Pointer into the schema; nullopt when none is there.
  virtual std::optional<bool> valid_at(std::string_view pointer, const Json& instance) const = 0;
};

// The violations as one line each, for a tool's error message.
std::string to_text(const std::vector<SchemaViolation>& violations);

}  // namespace orkestra
