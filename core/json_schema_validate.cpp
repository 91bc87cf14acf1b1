#include <orkestra/core/json_schema_node.h>
#include <orkestra/core/nearest.h>

#include <cmath>
#include <unordered_set>

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

// Exact for both 64-bit integers and doubles: x87 and aarch64 long double hold 64 bits or more.
long double numeric(const Json& value) {
  if (value.is_number_unsigned()) return static_cast<long double>(value.get<std::uint64_t>());
  if (value.is_number_integer()) return static_cast<long double>(value.get<std::int64_t>());
  return value.get<double>();
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

std::string listed(const std::vector<std::string>& parts) {
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

class Validation {
 public:
  std::vector<SchemaViolation> violations;

  // Inside anyOf, oneOf and not a violation says nothing yet, but giving up always counts.
  bool gave_up() const { return gave_up_at_.has_value(); }
  const SchemaViolation& gave_up_at() const { return *gave_up_at_; }

  void node(const SchemaNode& schema, const Json& value, const std::string& path, int depth) {
    if (gave_up() || violations.size() >= kMaxViolations) return;
    if (depth > kMaxDepth || ++steps_ > kMaxSteps) {
      gave_up_at_ =
          SchemaViolation{path, schema.path, subject(path) + " is too deep or too large to check"};
      return;
    }
    if (schema.never) return add(schema, path, "", "is not allowed here");
    if (schema.types != 0 && !has_type(value, schema.types)) {
      return add(schema, path, "/type",
                 "must be " + type_names(schema.types) + ", got " + describe_value(value));
    }
    for (const SchemaValues& allowed : schema.allowed) {
      if (!allowed.canonical.contains(canonical_text(value)))
        not_allowed(schema, allowed, value, path);
    }
    if (value.is_object()) object(schema, value, path, depth);
    if (value.is_array()) array(schema, value, path, depth);
    if (value.is_string()) string(schema, value.get_ref<const std::string&>(), path);
    if (value.is_number()) number(schema, value, path);
    combined(schema, value, path, depth);
  }

 private:
  void add(const SchemaNode& schema, const std::string& path, const std::string& keyword,
           const std::string& what) {
    if (violations.size() >= kMaxViolations) return;
    violations.push_back({path, schema.path + keyword, subject(path) + " " + what});
  }

  static std::string subject(const std::string& path) {
    return path.empty() ? std::string("the value") : path;
  }

  void not_allowed(const SchemaNode& schema, const SchemaValues& allowed, const Json& value,
                   const std::string& path) {
    std::vector<std::string> shown, texts;
    for (const Json& one : allowed.values) {
      shown.push_back(dump_json(one));
      if (one.is_string()) texts.push_back(one.get<std::string>());
    }
    const std::string hint =
        value.is_string() ? suggestion(value.get_ref<const std::string&>(), texts) : "";
    const std::string expected =
        shown.size() == 1 ? "must be " + shown.front() : "must be one of " + listed(shown);
    const std::string got =
        value.is_string() ? describe_value(value).substr(std::string_view("the string ").size())
                          : describe_value(value);
    add(schema, path, "/" + allowed.keyword, expected + " (got " + got + hint + ")");
  }

  void object(const SchemaNode& schema, const Json& value, const std::string& path, int depth) {
    for (const std::string& name : schema.required) {
      if (value.contains(name)) continue;
      add(schema, path + "/" + pointer_token(name), "/required", "is required but missing");
    }
    for (const auto& [name, member] : value.items()) {
      const std::string at = path + "/" + pointer_token(name);
      if (const SchemaNode* property = schema.property(name)) {
        node(*property, member, at, depth + 1);
      } else if (schema.additional && schema.additional->never) {
        unknown_property(schema, name, at);
      } else if (schema.additional) {
        node(*schema.additional, member, at, depth + 1);
      }
    }
  }

  void unknown_property(const SchemaNode& schema, const std::string& name, const std::string& at) {
    std::vector<std::string> names, shown;
    for (const auto& [key, property] : schema.properties) {
      names.push_back(key);
      shown.push_back(dump_json(key));
    }
    add(schema, at, "/additionalProperties",
        "is not a known property (known: " + (names.empty() ? "none" : listed(shown)) +
            suggestion(name, names) + ")");
  }

  void array(const SchemaNode& schema, const Json& value, const std::string& path, int depth) {
    const std::size_t size = value.size();
    if (schema.min_items && size < *schema.min_items) {
      add(schema, path, "/minItems",
          "must have at least " + std::to_string(*schema.min_items) + " items, has " +
              std::to_string(size));
    }
    if (schema.max_items && size > *schema.max_items) {
      add(schema, path, "/maxItems",
          "must have at most " + std::to_string(*schema.max_items) + " items, has " +
              std::to_string(size));
    }
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < size; ++i) {
      const std::string at = path + "/" + std::to_string(i);
      if (i < schema.prefix_items.size()) {
        node(*schema.prefix_items[i], value[i], at, depth + 1);
      } else if (schema.items) {
        node(*schema.items, value[i], at, depth + 1);
      }
      if (schema.unique_items && !seen.insert(canonical_text(value[i])).second) {
        add(schema, at, "/uniqueItems", "repeats an earlier item");
      }
    }
  }

  void string(const SchemaNode& schema, const std::string& text, const std::string& path) {
    if (schema.min_length || schema.max_length) {
      const std::size_t length = code_points(text);
      if (schema.min_length && length < *schema.min_length) {
        add(schema, path, "/minLength",
            "must have at least " + std::to_string(*schema.min_length) + " characters, has " +
                std::to_string(length));
      }
      if (schema.max_length && length > *schema.max_length) {
        add(schema, path, "/maxLength",
            "must have at most " + std::to_string(*schema.max_length) + " characters, has " +
                std::to_string(length));
      }
    }
    if (schema.pattern && !RE2::PartialMatch(text, *schema.pattern)) {
      add(schema, path, "/pattern",
          "must match the pattern " + schema.pattern->pattern() + ", got " + describe_value(text));
    }
  }

  void number(const SchemaNode& schema, const Json& value, const std::string& path) {
    const long double x = numeric(value);
    const auto bound = [&](const std::optional<Json>& limit, const char* keyword, const char* word,
                           auto holds) {
      if (limit && !holds(x, numeric(*limit))) {
        add(schema, path, keyword,
            std::string("must be ") + word + " " + dump_json(*limit) + ", got " + dump_json(value));
      }
    };
    bound(schema.minimum, "/minimum", "at least", std::greater_equal<>());
    bound(schema.maximum, "/maximum", "at most", std::less_equal<>());
    bound(schema.exclusive_minimum, "/exclusiveMinimum", "greater than", std::greater<>());
    bound(schema.exclusive_maximum, "/exclusiveMaximum", "less than", std::less<>());
    // Decimal fractions have no exact double: 0.3 counts as a multiple of 0.1.
    bound(schema.multiple_of, "/multipleOf", "a multiple of", [](long double v, long double m) {
      const long double off = std::abs(std::remainder(v, m));
      const bool whole = v == std::floor(v) && m == std::floor(m);
      return whole ? off == 0 : off <= 1e-12L * std::max(std::abs(v), m);
    });
  }

  // What `schema` alone says about `value`, sharing the step budget.
  std::vector<SchemaViolation> alone(const SchemaNode& schema, const Json& value,
                                     const std::string& path, int depth) {
    std::vector<SchemaViolation> outer;
    outer.swap(violations);
    node(schema, value, path, depth + 1);
    outer.swap(violations);
    return outer;
  }

  void combined(const SchemaNode& schema, const Json& value, const std::string& path, int depth) {
    if (schema.ref) node(*schema.ref, value, path, depth + 1);
    for (const SchemaNode* part : schema.all_of) node(*part, value, path, depth + 1);
    if (!schema.any_of.empty()) alternatives(schema, schema.any_of, "/anyOf", value, path, depth);
    if (!schema.one_of.empty()) alternatives(schema, schema.one_of, "/oneOf", value, path, depth);
    if (schema.negated && alone(*schema.negated, value, path, depth).empty()) {
      add(schema, path, "/not", "is a value that is excluded here: " + describe_value(value));
    }
  }

  void alternatives(const SchemaNode& schema, const std::vector<const SchemaNode*>& parts,
                    const std::string& keyword, const Json& value, const std::string& path,
                    int depth) {
    std::vector<std::string> matched, reasons;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto found = alone(*parts[i], value, path, depth);
      const std::string number = std::to_string(i + 1);
      if (found.empty()) {
        matched.push_back(number);
        if (keyword == "/anyOf") return;
      } else {
        reasons.push_back("(" + number + ") " + found.front().message);
      }
    }
    if (matched.size() == 1) return;
    if (matched.empty()) {
      add(schema, path, keyword, "fits none of the alternatives: " + listed(reasons));
    } else {
      add(schema, path, keyword, "must fit exactly one alternative, fits " + listed(matched));
    }
  }

  int steps_ = 0;
  std::optional<SchemaViolation> gave_up_at_;
};

}  // namespace

std::vector<SchemaViolation> CompiledSchema::validate(const Json& instance) const {
  Validation validation;
  validation.node(*root_, instance, "", 0);
  if (validation.gave_up()) return {validation.gave_up_at()};
  return std::move(validation.violations);
}

}  // namespace orkestra
