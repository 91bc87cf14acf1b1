#include <orkestra/core/error.h>
#include <orkestra/model/text/schema_keywords.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orkestra::model {
namespace {

constexpr std::array<std::string_view, 14> kAnnotations{
    "title",   "description", "default",     "examples", "$schema",    "$id",      "$comment",
    "$anchor", "$defs",       "definitions", "format",   "deprecated", "readOnly", "writeOnly"};

constexpr std::array<std::string_view, 21> kKeywords{
    "type",      "enum",     "const",    "properties",           "required",
    "items",     "minItems", "maxItems", "additionalProperties", "minLength",
    "maxLength", "minimum",  "maximum",  "exclusiveMinimum",     "exclusiveMaximum",
    "anyOf",     "allOf",    "$ref",     "uniqueItems",          "x-copy",
    "x-domain"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

void fail_keyword(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kInvalid, "JSON Schema at " + (path.empty() ? "/" : path) + ": " + what);
}

std::string pointer_token(std::string_view name) {
  std::string token = "/";
  for (const char c : name) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

void refuse_unknown_keywords(const Json& schema, const std::string& path) {
  for (const auto& [name, member] : schema.items()) {
    if (contains(kKeywords, name) || contains(kAnnotations, name)) continue;
    throw Error(ErrorCode::kUnsupported, "JSON Schema keyword " + path + pointer_token(name) +
                                             " can't be enforced while decoding");
  }
  if (flag_keyword(schema, "uniqueItems", path)) {
    throw Error(ErrorCode::kUnsupported,
                "JSON Schema keyword " + path + "/uniqueItems can't be enforced while decoding");
  }
}

void refuse_keywords_beside(const Json& schema, std::initializer_list<std::string_view> allowed,
                            const std::string& path) {
  for (const auto& [name, member] : schema.items()) {
    if (contains(allowed, name) || contains(kAnnotations, name)) continue;
    throw Error(ErrorCode::kUnsupported, "JSON Schema keyword " + path + pointer_token(name) +
                                             " can't be enforced while decoding beside " +
                                             std::string(*allowed.begin()));
  }
}

std::vector<std::string> schema_types(const Json& schema, const std::string& path) {
  std::vector<std::string> types;
  if (const auto type = schema.find("type"); type != schema.end()) {
    const Json list = type->is_array() ? *type : Json::array({*type});
    for (const Json& element : list) {
      constexpr std::array<std::string_view, 7> kTypes{"object",  "array",   "string", "number",
                                                       "integer", "boolean", "null"};
      if (!element.is_string() || !contains(kTypes, element.get_ref<const std::string&>())) {
        fail_keyword(path + "/type", "no JSON type: " + dump_json(element));
      }
      types.push_back(element.get<std::string>());
    }
    return types;
  }
  const auto any = [&](std::initializer_list<std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](auto name) { return schema.contains(name); });
  };
  if (any({"properties", "required", "additionalProperties"})) types.emplace_back("object");
  if (any({"items", "minItems", "maxItems"})) types.emplace_back("array");
  if (any({"minLength", "maxLength", "x-copy"})) types.emplace_back("string");
  if (any({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})) {
    types.emplace_back("number");
  }
  if (types.empty()) types = {"object", "array", "string", "number", "boolean", "null"};
  return types;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>());
  }
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "number" && value.is_number()) ||
         (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
}

std::uint32_t size_keyword(const Json& schema, const std::string& keyword, std::uint32_t fallback,
                           const std::string& path) {
  const auto it = schema.find(keyword);
  if (it == schema.end()) return fallback;
  if (!it->is_number_unsigned() && !(it->is_number_integer() && it->get<std::int64_t>() >= 0)) {
    fail_keyword(path + "/" + keyword, "not a size: " + dump_json(*it));
  }
  const auto size = it->get<std::uint64_t>();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(size, kUnlimited - 1));
}

bool flag_keyword(const Json& schema, const std::string& keyword, const std::string& path) {
  const auto it = schema.find(keyword);
  if (it == schema.end()) return false;
  if (!it->is_boolean()) fail_keyword(path + "/" + keyword, "not true or false");
  return it->get<bool>();
}

NumberBounds number_bounds(const Json& schema, bool whole, const std::string& path) {
  NumberBounds bounds;
  const auto read = [&](const std::string& keyword, bool lower, bool excluded) {
    const auto it = schema.find(keyword);
    if (it == schema.end()) return;
    if (!it->is_number()) fail_keyword(path + "/" + keyword, "not a number");
    const auto real = it->get<double>();
    if (std::abs(real) >= 1e18) return;  // beyond what is written anyway
    const double floor = std::floor(real);
    bool excludes = excluded;
    auto value = static_cast<std::int64_t>(floor);
    if (floor != real) {
      if (!whole) {
        throw Error(ErrorCode::kUnsupported, "JSON Schema keyword " + path + "/" + keyword +
                                                 " can't be enforced while decoding: " +
                                                 dump_json(*it) + " is no whole number");
      }
      if (lower) ++value;
      excludes = false;
    }
    std::optional<std::int64_t>& bound = lower ? bounds.min : bounds.max;
    bool& bound_excluded = lower ? bounds.min_excluded : bounds.max_excluded;
    const bool tighter =
        !bound || (lower ? value > *bound : value < *bound) || (value == *bound && excludes);
    if (tighter) {
      bound = value;
      bound_excluded = excludes;
    }
  };
  read("minimum", true, false);
  read("exclusiveMinimum", true, true);
  read("maximum", false, false);
  read("exclusiveMaximum", false, true);
  return bounds;
}

}  // namespace orkestra::model
