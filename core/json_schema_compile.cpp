#include <orkestra/core/json_schema_node.h>

#include <array>
#include <map>
#include <string_view>

namespace orkestra {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 20'000;

// Keywords that say something to people or to decoding, and nothing about validity.
bool is_annotation(std::string_view keyword) {
  static constexpr auto kAnnotations = std::to_array<std::string_view>(
      {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
       "$comment", "$schema", "format", "contentMediaType", "contentEncoding"});
  return keyword.starts_with("x-") ||
         std::find(kAnnotations.begin(), kAnnotations.end(), keyword) != kAnnotations.end();
}

class Compiler {
 public:
  std::shared_ptr<const JsonSchema> compile(const Json& schema) {
    const SchemaNode* root = node(schema, "", 0);
    for (const auto& [target, users] : references_) {
      const auto found = by_path_.find(target);
      if (found == by_path_.end()) {
        throw malformed(users.front()->path + "/$ref",
                        "points to #" + target + ", which is not in this schema");
      }
      for (SchemaNode* user : users) user->ref = found->second;
    }
    return std::make_shared<CompiledSchema>(std::move(nodes_), root);
  }

 private:
  static Error malformed(const std::string& path, const std::string& what) {
    return {ErrorCode::kInvalid, "JSON Schema: " + path + " " + what};
  }

  const SchemaNode* node(const Json& schema, const std::string& path, int depth) {
    if (depth > kMaxDepth) throw malformed(path, "is nested too deeply");
    if (nodes_.size() >= kMaxNodes) throw malformed(path, "is one part too many");
    nodes_.push_back(std::make_unique<SchemaNode>());
    SchemaNode& out = *nodes_.back();
    out.path = path;
    by_path_[path] = &out;
    if (schema.is_boolean()) {
      out.never = !schema.get<bool>();
      return &out;
    }
    if (!schema.is_object()) {
      throw malformed(path.empty() ? "the schema" : path,
                      "must be an object or a boolean, got " + describe_value(schema));
    }
    for (const auto& [keyword, value] : schema.items()) {
      const std::string at = path + "/" + pointer_token(keyword);
      const bool known =
          general(out, keyword, value, at, depth) || object(out, keyword, value, at, depth) ||
          array(out, keyword, value, at, depth) || string_or_number(out, keyword, value, at) ||
          combined(out, keyword, value, at, depth) || is_annotation(keyword);
      // An $id at the root only names the schema; deeper it would change what $ref means.
      if (!known && !(keyword == "$id" && path.empty())) {
        throw Error(ErrorCode::kUnsupported, "JSON Schema: the keyword " + at +
                                                 " is not supported; remove it or express it "
                                                 "with the supported ones");
      }
    }
    return &out;
  }

  bool general(SchemaNode& out, const std::string& keyword, const Json& value,
               const std::string& at, int depth) {
    if (keyword == "type") {
      if (!value.is_array()) {
        out.types = type_bit(value, at);
      } else {
        if (value.empty()) throw malformed(at, "must name at least one type");
        for (const Json& one : value) out.types |= type_bit(one, at);
      }
    } else if (keyword == "enum" || keyword == "x-domain") {
      if (!value.is_array()) throw malformed(at, "must be an array of the allowed values");
      allow(out, keyword, value);
    } else if (keyword == "const") {
      allow(out, keyword, Json::array({value}));
    } else if (keyword == "x-copy") {
      if (!value.is_boolean()) throw malformed(at, "must be true or false");
    } else if (keyword == "$ref") {
      reference(out, value, at);
    } else if (keyword == "$defs" || keyword == "definitions") {
      if (!value.is_object()) throw malformed(at, "must be an object of schemas");
      for (const auto& [name, schema] : value.items()) {
        node(schema, at + "/" + pointer_token(name), depth + 1);
      }
    } else {
      return false;
    }
    return true;
  }

  bool object(SchemaNode& out, const std::string& keyword, const Json& value, const std::string& at,
              int depth) {
    if (keyword == "properties") {
      if (!value.is_object()) throw malformed(at, "must be an object of schemas");
      for (const auto& [name, schema] : value.items()) {
        out.properties.emplace_back(name, node(schema, at + "/" + pointer_token(name), depth + 1));
      }
    } else if (keyword == "required") {
      const bool names = value.is_array() && std::all_of(value.begin(), value.end(),
                                                         [](auto& v) { return v.is_string(); });
      if (!names) throw malformed(at, "must be an array of property names");
      for (const Json& name : value) out.required.push_back(name.get<std::string>());
    } else if (keyword == "additionalProperties") {
      out.additional = node(value, at, depth + 1);
    } else {
      return false;
    }
    return true;
  }

  bool array(SchemaNode& out, const std::string& keyword, const Json& value, const std::string& at,
             int depth) {
    if (keyword == "items") {
      if (value.is_array()) throw malformed(at, "must be one schema; for several use prefixItems");
      out.items = node(value, at, depth + 1);
    } else if (keyword == "prefixItems") {
      out.prefix_items = nodes(value, at, depth);
    } else if (keyword == "minItems") {
      out.min_items = count(value, at);
    } else if (keyword == "maxItems") {
      out.max_items = count(value, at);
    } else if (keyword == "uniqueItems") {
      if (!value.is_boolean()) throw malformed(at, "must be true or false");
      out.unique_items = value.get<bool>();
    } else {
      return false;
    }
    return true;
  }

  bool string_or_number(SchemaNode& out, const std::string& keyword, const Json& value,
                        const std::string& at) {
    if (keyword == "minLength") {
      out.min_length = count(value, at);
    } else if (keyword == "maxLength") {
      out.max_length = count(value, at);
    } else if (keyword == "pattern") {
      out.pattern = regex(value, at);
    } else if (keyword == "minimum") {
      out.minimum = number(value, at);
    } else if (keyword == "maximum") {
      out.maximum = number(value, at);
    } else if (keyword == "exclusiveMinimum") {
      out.exclusive_minimum = number(value, at);
    } else if (keyword == "exclusiveMaximum") {
      out.exclusive_maximum = number(value, at);
    } else if (keyword == "multipleOf") {
      out.multiple_of = number(value, at);
      if (value.get<double>() <= 0) throw malformed(at, "must be greater than 0");
    } else {
      return false;
    }
    return true;
  }

  bool combined(SchemaNode& out, const std::string& keyword, const Json& value,
                const std::string& at, int depth) {
    if (keyword == "anyOf") {
      out.any_of = nodes(value, at, depth);
    } else if (keyword == "oneOf") {
      out.one_of = nodes(value, at, depth);
    } else if (keyword == "allOf") {
      out.all_of = nodes(value, at, depth);
    } else if (keyword == "not") {
      out.negated = node(value, at, depth + 1);
    } else {
      return false;
    }
    return true;
  }

  static unsigned type_bit(const Json& name, const std::string& at) {
    static const std::map<std::string, unsigned> kBits = {
        {"null", kTypeNull},      {"boolean", kTypeBoolean}, {"object", kTypeObject},
        {"array", kTypeArray},    {"number", kTypeNumber},   {"string", kTypeString},
        {"integer", kTypeInteger}};
    if (name.is_string()) {
      if (const auto bit = kBits.find(name.get<std::string>()); bit != kBits.end()) {
        return bit->second;
      }
    }
    throw malformed(at, "names no JSON type: " + describe_value(name));
  }

  static void allow(SchemaNode& out, const std::string& keyword, const Json& values) {
    SchemaValues allowed{keyword, {}, {}};
    for (const Json& value : values) {
      if (allowed.canonical.insert(canonical_text(value)).second) allowed.values.push_back(value);
    }
    out.allowed.push_back(std::move(allowed));
  }

  void reference(SchemaNode& out, const Json& value, const std::string& at) {
    const std::string target = value.is_string() ? value.get<std::string>() : "";
    const bool local =
        target == "#" || target.starts_with("#/$defs/") || target.starts_with("#/definitions/");
    if (!local) {
      throw Error(ErrorCode::kUnsupported, "JSON Schema: " + at +
                                               " must be # or start with "
                                               "#/$defs/, got " +
                                               describe_value(value));
    }
    references_[target.substr(1)].push_back(&out);
  }

  std::vector<const SchemaNode*> nodes(const Json& schemas, const std::string& at, int depth) {
    if (!schemas.is_array() || schemas.empty()) {
      throw malformed(at, "must be an array of at least one schema");
    }
    std::vector<const SchemaNode*> out;
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      out.push_back(node(schemas[i], at + "/" + std::to_string(i), depth + 1));
    }
    return out;
  }

  static std::size_t count(const Json& value, const std::string& at) {
    const bool whole = value.is_number() && value.get<double>() >= 0 &&
                       value.get<double>() < 0x1p53 &&
                       value.get<double>() == static_cast<double>(value.get<std::uint64_t>());
    if (!whole) throw malformed(at, "must be a whole number, 0 or more");
    return value.get<std::size_t>();
  }

  static Json number(const Json& value, const std::string& at) {
    if (!value.is_number()) throw malformed(at, "must be a number, got " + describe_value(value));
    return value;
  }

  static std::unique_ptr<const RE2> regex(const Json& value, const std::string& at) {
    if (!value.is_string()) throw malformed(at, "must be a regular expression in a string");
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    auto out = std::make_unique<RE2>(value.get_ref<const std::string&>(), options);
    if (!out->ok()) {
      // Perl operators such as look-ahead are well formed, only not ours.
      const bool perl =
          out->error_code() == RE2::ErrorBadPerlOp || out->error_code() == RE2::ErrorBadEscape;
      throw Error(perl ? ErrorCode::kUnsupported : ErrorCode::kInvalid,
                  "JSON Schema: " + at + ": " + out->error());
    }
    return out;
  }

  std::vector<std::unique_ptr<SchemaNode>> nodes_;
  std::map<std::string, const SchemaNode*> by_path_;
  std::map<std::string, std::vector<SchemaNode*>> references_;
};

}  // namespace

std::shared_ptr<const JsonSchema> JsonSchema::compile(const Json& schema) {
  return Compiler().compile(schema);
}

}  // namespace orkestra
