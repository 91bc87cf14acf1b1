#include <orkestra/core/json_schema_compiler.h>
#include <orkestra/core/json_schema_uri.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace orkestra {
namespace {

Error malformed_at(const std::string& path, const std::string& what) {
  return {ErrorCode::kInvalid, "JSON Schema: " + path + " " + what};
}

unsigned type_bit(const Json& name, const std::string& at) {
  static const std::map<std::string, unsigned> kBits = {
      {"null", kTypeNull},      {"boolean", kTypeBoolean}, {"object", kTypeObject},
      {"array", kTypeArray},    {"number", kTypeNumber},   {"string", kTypeString},
      {"integer", kTypeInteger}};
  if (name.is_string()) {
    if (const auto bit = kBits.find(name.get<std::string>()); bit != kBits.end()) {
      return bit->second;
    }
  }
  throw malformed_at(at, "names no JSON type: " + describe_value(name));
}

void allow(SchemaNode& out, const std::string& keyword, const Json& values) {
  SchemaValues allowed{keyword, {}, {}};
  for (const Json& value : values) {
    if (allowed.canonical.insert(canonical_text(value)).second) allowed.values.push_back(value);
  }
  out.allowed.push_back(std::move(allowed));
}

std::size_t count(const Json& value, const std::string& at) {
  const bool whole = value.is_number() && value.get<double>() >= 0 &&
                     value.get<double>() < 0x1p53 &&
                     value.get<double>() == static_cast<double>(value.get<std::uint64_t>());
  if (!whole) throw malformed_at(at, "must be a whole number, 0 or more");
  return value.get<std::size_t>();
}

Json number(const Json& value, const std::string& at) {
  if (!value.is_number()) throw malformed_at(at, "must be a number, got " + describe_value(value));
  return value;
}

bool flag(const Json& value, const std::string& at) {
  if (!value.is_boolean()) throw malformed_at(at, "must be true or false");
  return value.get<bool>();
}

std::vector<std::string> names(const Json& value, const std::string& at) {
  const bool good = value.is_array() &&
                    std::all_of(value.begin(), value.end(), [](auto& v) { return v.is_string(); });
  if (!good) throw malformed_at(at, "must be an array of property names");
  return value.get<std::vector<std::string>>();
}

std::unique_ptr<const Regex> regex(const std::string& pattern, const std::string& at) {
  try {
    return std::make_unique<const Regex>(pattern);
  } catch (const Error& e) {
    throw Error(e.code(), "JSON Schema: " + at + ": " + e.message());
  }
}

}  // namespace

bool SchemaCompiler::general(SchemaNode& out, const std::string& keyword, const Json& value,
                             const std::string& at, Scope scope) {
  if (keyword == "type") {
    if (!scope.dialect.asserts) return true;
    if (!value.is_array()) {
      out.types = type_bit(value, at);
    } else {
      if (value.empty()) throw malformed(at, "must name at least one type");
      for (const Json& one : value) out.types |= type_bit(one, at);
    }
  } else if (keyword == "enum" || keyword == "x-domain") {
    if (!value.is_array()) throw malformed(at, "must be an array of the allowed values");
    if (scope.dialect.asserts) allow(out, keyword, value);
  } else if (keyword == "const") {
    if (scope.dialect.asserts) allow(out, keyword, Json::array({value}));
  } else if (keyword == "x-copy") {
    out.copied = flag(value, at);
  } else if (keyword == "format") {
    if (value.is_string()) out.format = value.get<std::string>();
  } else if (keyword == "$ref" || keyword == "$dynamicRef") {
    if (!value.is_string()) throw malformed(at, "must be a string, got " + describe_value(value));
    references_.push_back(
        {&out,
         resolve_uri(parts_.resources[scope.resource].uri, value.get_ref<const std::string&>()), at,
         keyword == "$dynamicRef"});
  } else if (keyword == "$recursiveRef") {
    throw Error(ErrorCode::kUnsupported,
                "JSON Schema: " + at + " is of draft 2019-09; use $dynamicRef");
  } else if (keyword == "$defs" || keyword == "definitions") {
    std::vector<std::pair<std::string, const SchemaNode*>> unused;
    map(value, at, scope, unused);
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::object(SchemaNode& out, const std::string& keyword, const Json& value,
                            const std::string& at, Scope scope) {
  if (keyword == "properties") {
    map(value, at, scope, out.properties);
  } else if (keyword == "patternProperties") {
    std::vector<std::pair<std::string, const SchemaNode*>> patterns;
    map(value, at, scope, patterns);
    for (const auto& [pattern, schema] : patterns) {
      out.pattern_properties.emplace_back(regex(pattern, at + "/" + pointer_token(pattern)),
                                          schema);
    }
  } else if (keyword == "required") {
    // Draft 3 and many hand-written schemas have "required": true inside a property.
    if (value.is_boolean() && scope.dialect.flag_bounds) return true;
    const std::vector<std::string> all = names(value, at);
    if (scope.dialect.asserts) out.required = all;
  } else if (keyword == "additionalProperties") {
    out.additional = node(value, at, scope);
  } else if (keyword == "propertyNames") {
    out.property_names = node(value, at, scope);
  } else if (keyword == "unevaluatedProperties") {
    out.unevaluated_properties = node(value, at, scope);
    parts_.tracks = true;
  } else if (keyword == "minProperties" || keyword == "maxProperties") {
    const std::size_t n = count(value, at);
    if (scope.dialect.asserts) (keyword[1] == 'i' ? out.min_properties : out.max_properties) = n;
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::dependencies(SchemaNode& out, const std::string& keyword, const Json& value,
                                  const std::string& at, Scope scope) {
  const bool required = keyword == "dependentRequired";
  const bool schemas = keyword == "dependentSchemas";
  const bool either = keyword == "dependencies";  // draft 7 and before
  if (!required && !schemas && !either) return false;
  if (!value.is_object()) throw malformed(at, "must be an object");
  for (const auto& [name, needs] : value.items()) {
    const std::string place = at + "/" + pointer_token(name);
    if (required || (either && needs.is_array())) {
      const std::vector<std::string> all = names(needs, place);
      if (scope.dialect.asserts) out.dependent_required.emplace_back(name, all);
    } else {
      out.dependent_schemas.emplace_back(name, node(needs, place, scope));
    }
  }
  return true;
}

bool SchemaCompiler::array(SchemaNode& out, const std::string& keyword, const Json& value,
                           const std::string& at, Scope scope) {
  if (keyword == "items") {
    if (value.is_array()) {
      if (!scope.dialect.item_lists) {
        throw malformed(at, "must be one schema; for several use prefixItems");
      }
      return true;  // read by legacy()
    }
    out.items = node(value, at, scope);
  } else if (keyword == "prefixItems") {
    out.prefix_items = nodes(value, at, scope);
  } else if (keyword == "contains") {
    out.contains = node(value, at, scope);
  } else if (keyword == "unevaluatedItems") {
    out.unevaluated_items = node(value, at, scope);
    parts_.tracks = true;
  } else if (keyword == "minItems" || keyword == "maxItems" || keyword == "minContains" ||
             keyword == "maxContains") {
    const std::size_t n = count(value, at);
    if (!scope.dialect.asserts) return true;
    if (keyword == "minItems") out.min_items = n;
    if (keyword == "maxItems") out.max_items = n;
    if (keyword == "minContains") out.min_contains = n;
    if (keyword == "maxContains") out.max_contains = n;
  } else if (keyword == "uniqueItems") {
    out.unique_items = flag(value, at) && scope.dialect.asserts;
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::string_or_number(SchemaNode& out, const std::string& keyword,
                                      const Json& value, const std::string& at, Scope scope) {
  const bool exclusive = keyword == "exclusiveMinimum" || keyword == "exclusiveMaximum";
  if (exclusive && scope.dialect.flag_bounds && value.is_boolean()) return true;  // legacy()
  SchemaNode unused;
  SchemaNode& to = scope.dialect.asserts ? out : unused;
  if (keyword == "minLength") {
    to.min_length = count(value, at);
  } else if (keyword == "maxLength") {
    to.max_length = count(value, at);
  } else if (keyword == "pattern") {
    if (!value.is_string()) throw malformed(at, "must be a regular expression in a string");
    to.pattern = regex(value.get<std::string>(), at);
  } else if (keyword == "minimum") {
    to.minimum = number(value, at);
  } else if (keyword == "maximum") {
    to.maximum = number(value, at);
  } else if (keyword == "exclusiveMinimum") {
    to.exclusive_minimum = number(value, at);
  } else if (keyword == "exclusiveMaximum") {
    to.exclusive_maximum = number(value, at);
  } else if (keyword == "multipleOf") {
    to.multiple_of = number(value, at);
    if (value.get<double>() <= 0) throw malformed(at, "must be greater than 0");
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::combined(SchemaNode& out, const std::string& keyword, const Json& value,
                              const std::string& at, Scope scope) {
  if (keyword == "anyOf") {
    out.any_of = nodes(value, at, scope);
  } else if (keyword == "oneOf") {
    out.one_of = nodes(value, at, scope);
  } else if (keyword == "allOf") {
    out.all_of = nodes(value, at, scope);
  } else if (keyword == "not") {
    out.negated = node(value, at, scope);
  } else if (keyword == "if") {
    out.condition = node(value, at, scope);
  } else if (keyword == "then") {
    out.consequence = node(value, at, scope);
  } else if (keyword == "else") {
    out.alternative = node(value, at, scope);
  } else {
    return false;
  }
  return true;
}

// What older drafts say with several keywords together.
void SchemaCompiler::legacy(SchemaNode& out, const Json& schema, const std::string& path,
                            Scope scope) {
  if (scope.dialect.item_lists && schema.contains("items") && schema.at("items").is_array()) {
    const Json& items = schema.at("items");
    for (std::size_t i = 0; i < items.size(); ++i) {
      out.prefix_items.push_back(node(items[i], path + "/items/" + std::to_string(i), scope));
    }
    if (schema.contains("additionalItems")) {
      out.items = node(schema.at("additionalItems"), path + "/additionalItems", scope);
    }
  }
  if (!scope.dialect.flag_bounds) return;
  const auto excludes = [&](const char* keyword) {
    return schema.contains(keyword) && schema.at(keyword) == true;
  };
  if (excludes("exclusiveMinimum")) out.exclusive_minimum.swap(out.minimum);
  if (excludes("exclusiveMaximum")) out.exclusive_maximum.swap(out.maximum);
}

}  // namespace orkestra
