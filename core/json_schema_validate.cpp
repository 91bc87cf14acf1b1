#include <orkestra/core/decimal.h>
#include <orkestra/core/json_schema_validation.h>
#include <orkestra/core/nearest.h>

#include <cmath>
#include <functional>

namespace orkestra {
namespace {

constexpr std::size_t kMaxViolations = 16;
constexpr int kMaxDepth = 256;
// Node visits of one validation: recursive alternatives can multiply without growing deep.
constexpr int kMaxSteps = 1'000'000;
constexpr std::size_t kShownValues = 12;

std::size_t code_points(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  return count;
}

bool is_whole(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
}

bool has_type(const Json& value, unsigned types) {
  switch (value.type()) {
    case Json::value_t::null:
      return (types & kTypeNull) != 0;
    case Json::value_t::boolean:
      return (types & kTypeBoolean) != 0;
    case Json::value_t::object:
      return (types & kTypeObject) != 0;
    case Json::value_t::array:
      return (types & kTypeArray) != 0;
    case Json::value_t::string:
      return (types & kTypeString) != 0;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return (types & kTypeNumber) != 0 || ((types & kTypeInteger) != 0 && is_whole(value));
    default:
      return false;
  }
}

std::string type_names(unsigned types) {
  static constexpr std::pair<unsigned, std::string_view> kNames[] = {
      {kTypeString, "a string"},   {kTypeInteger, "a whole number"}, {kTypeNumber, "a number"},
      {kTypeBoolean, "a boolean"}, {kTypeObject, "an object"},       {kTypeArray, "an array"},
      {kTypeNull, "null"}};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((types & bit) != 0) out += (out.empty() ? "" : " or ") + std::string(name);
  }
  return out;
}

}  // namespace

std::string listed_values(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size() && i < kShownValues; ++i) {
    out += (i ? ", " : "") + parts[i];
  }
  if (parts.size() > kShownValues) {
    out += ", ... (" + std::to_string(parts.size()) + " in all)";
  }
  return out;
}

// "; did you mean \"North\"?", or "".
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = nearest(word, candidates, 1);
  return near.empty() ? "" : "; did you mean " + dump_json(near.front()) + "?";
}

void Validation::give_up(const SchemaNode& schema, const std::string& path) {
  gave_up_at_ = SchemaViolation{
      path, schema.path,
      (path.empty() ? std::string("the value") : path) + " is too deep or too large to check"};
}

void Validation::node(const SchemaNode& schema, const Json& value, const std::string& path,
                      int depth, Evaluated* seen) {
  if (gave_up() || violations.size() >= kMaxViolations) return;
  if (depth > kMaxDepth || ++steps_ > kMaxSteps) return give_up(schema, path);
  if (schema.never) return add(schema, path, "", "is not allowed here");
  const bool enters = scope_.empty() || scope_.back() != schema.resource;
  if (enters) scope_.push_back(schema.resource);
  if (schema.types != 0 && !has_type(value, schema.types)) {
    add(schema, path, "/type",
        "must be " + type_names(schema.types) + ", got " + describe_value(value));
  } else {
    for (const SchemaValues& allowed : schema.allowed) {
      if (!allowed.canonical.contains(canonical_text(value))) {
        not_allowed(schema, allowed, value, path);
      }
    }
    Evaluated own(parts_.tracks && value.is_structured() ? value.size() : 0, false);
    if (value.is_object()) object(schema, value, path, depth, own);
    if (value.is_array()) array(schema, value, path, depth, own);
    if (value.is_string()) string(schema, value.get_ref<const std::string&>(), path);
    if (value.is_number()) number(schema, value, path);
    combined(schema, value, path, depth, own);
    unevaluated(schema, value, path, depth, own);
    if (seen) {
      for (std::size_t i = 0; i < own.size(); ++i) (*seen)[i] = (*seen)[i] || own[i];
    }
  }
  if (enters) scope_.pop_back();
}

void Validation::add(const SchemaNode& schema, const std::string& path, const std::string& keyword,
                     const std::string& what) {
  if (violations.size() >= kMaxViolations) return;
  violations.push_back(
      {path, schema.path + keyword, (path.empty() ? std::string("the value") : path) + " " + what});
}

void Validation::not_allowed(const SchemaNode& schema, const SchemaValues& allowed,
                             const Json& value, const std::string& path) {
  std::vector<std::string> shown, texts;
  for (const Json& one : allowed.values) {
    shown.push_back(dump_json(one));
    if (one.is_string()) texts.push_back(one.get<std::string>());
  }
  const std::string hint =
      value.is_string() ? suggestion(value.get_ref<const std::string&>(), texts) : "";
  const std::string expected =
      shown.size() == 1 ? "must be " + shown.front() : "must be one of " + listed_values(shown);
  const std::string got = value.is_string()
                              ? describe_value(value).substr(std::string_view("the string ").size())
                              : describe_value(value);
  add(schema, path, "/" + allowed.keyword, expected + " (got " + got + hint + ")");
}

void Validation::unknown_property(const SchemaNode& schema, const std::string& name,
                                  const std::string& at) {
  std::vector<std::string> names, shown;
  for (const auto& [key, property] : schema.properties) {
    names.push_back(key);
    shown.push_back(dump_json(key));
  }
  add(schema, at, "/additionalProperties",
      "is not a known property (known: " + (names.empty() ? "none" : listed_values(shown)) +
          suggestion(name, names) + ")");
}

void Validation::size(const SchemaNode& schema, const std::string& path, std::size_t size,
                      const std::optional<std::size_t>& min, const std::optional<std::size_t>& max,
                      const char* min_keyword, const char* max_keyword, const char* noun) {
  if (min && size < *min) {
    add(schema, path, min_keyword,
        "must have at least " + std::to_string(*min) + " " + noun + ", has " +
            std::to_string(size));
  }
  if (max && size > *max) {
    add(schema, path, max_keyword,
        "must have at most " + std::to_string(*max) + " " + noun + ", has " + std::to_string(size));
  }
}

void Validation::string(const SchemaNode& schema, const std::string& text,
                        const std::string& path) {
  if (schema.min_length || schema.max_length) {
    size(schema, path, code_points(text), schema.min_length, schema.max_length, "/minLength",
         "/maxLength", "characters");
  }
  if (!schema.pattern) return;
  const std::optional<bool> found = schema.pattern->found_in(text);
  if (!found) return give_up(schema, path);
  if (!*found) {
    add(schema, path, "/pattern",
        "must match the pattern " + schema.pattern->pattern() + ", got " + describe_value(text));
  }
}

void Validation::number(const SchemaNode& schema, const Json& value, const std::string& path) {
  const bool bounded = schema.minimum || schema.maximum || schema.exclusive_minimum ||
                       schema.exclusive_maximum || schema.multiple_of;
  if (!bounded) return;
  const Decimal x = Decimal::of(value);
  const auto bound = [&](const std::optional<Json>& limit, const char* keyword, const char* word,
                         auto holds) {
    if (limit && !holds(x, Decimal::of(*limit))) {
      add(schema, path, keyword,
          std::string("must be ") + word + " " + dump_json(*limit) + ", got " + dump_json(value));
    }
  };
  bound(schema.minimum, "/minimum", "at least", std::greater_equal<>());
  bound(schema.maximum, "/maximum", "at most", std::less_equal<>());
  bound(schema.exclusive_minimum, "/exclusiveMinimum", "greater than", std::greater<>());
  bound(schema.exclusive_maximum, "/exclusiveMaximum", "less than", std::less<>());
  bound(schema.multiple_of, "/multipleOf", "a multiple of",
        [](const Decimal& a, const Decimal& step) { return a.is_multiple_of(step); });
}

std::vector<SchemaViolation> CompiledSchema::validate(const Json& instance) const {
  Validation validation(parts_);
  validation.node(*parts_.resources.front().node, instance, "", 0, nullptr);
  if (validation.gave_up()) return {validation.gave_up_at()};
  return std::move(validation.violations);
}

std::optional<bool> CompiledSchema::valid_at(std::string_view pointer, const Json& instance) const {
  const auto found = parts_.by_path.find(std::string(pointer));
  if (found == parts_.by_path.end()) return std::nullopt;
  Validation validation(parts_);
  validation.node(*found->second, instance, "", 0, nullptr);
  return !validation.gave_up() && validation.violations.empty();
}

}  // namespace orkestra
