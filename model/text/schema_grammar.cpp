#include <orkestra/core/error.h>
#include <orkestra/model/text/copy_sources.h>
#include <orkestra/model/text/schema_grammar.h>
#include <orkestra/model/text/schema_keywords.h>

#include <algorithm>
#include <set>
#include <utility>

namespace orkestra::model {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxProperties = 512;
constexpr std::size_t kMaxRules = 512;

[[noreturn]] void unsupported(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::kUnsupported,
              "JSON Schema keyword " + path + " can't be enforced while decoding" + why);
}

}  // namespace

NodeId SchemaGrammar::compile() {
  const NodeId root = schema(root_, "", 0);
  while (!open_rules_.empty()) {  // a queue, not a recursion: references may go in circles
    const std::string name = open_rules_.back();
    open_rules_.pop_back();
    grammar_.define(rules_.at(name), schema(*target_of(name), name.substr(1), 0));
  }
  return root;
}

NodeId SchemaGrammar::schema(const Json& schema, const std::string& path, int depth) {
  if (depth > kMaxDepth) {
    throw Error(ErrorCode::kExhausted,
                "JSON Schema at " + path + ": nested deeper than " + std::to_string(kMaxDepth));
  }
  if (schema.is_boolean()) return schema.get<bool>() ? json_.value() : grammar_.nothing();
  if (!schema.is_object()) fail_keyword(path, "a schema is an object or a boolean");
  refuse_unknown_keywords(schema, path);
  if (schema.contains("$ref")) return reference(schema, path);
  if (schema.contains("anyOf")) return alternatives(schema, path, depth);
  if (const auto all = schema.find("allOf"); all != schema.end()) {
    refuse_keywords_beside(schema, {"allOf"}, path);
    if (!all->is_array() || all->size() != 1) unsupported(path + "/allOf", " with several schemas");
    return this->schema(all->front(), path + "/allOf/0", depth + 1);
  }
  if (const auto constant = schema.find("const"); constant != schema.end()) {
    refuse_keywords_beside(schema, {"const", "type"}, path);
    return values(schema, Json::array({*constant}), path);
  }
  if (const auto list = schema.find("enum"); list != schema.end()) {
    refuse_keywords_beside(schema, {"enum", "type"}, path);
    if (!list->is_array() || list->empty()) fail_keyword(path + "/enum", "not a list of values");
    return values(schema, *list, path);
  }
  if (schema.contains("x-domain")) {
    refuse_keywords_beside(schema, {"x-domain", "x-copy", "type"}, path);
    return values(schema, domain(schema, path), path);
  }
  std::vector<NodeId> ways;
  for (const std::string& type : schema_types(schema, path)) {
    ways.push_back(typed(schema, type, path, depth));
  }
  return ways.size() == 1 ? ways.front() : grammar_.any_of(std::move(ways));
}

NodeId SchemaGrammar::typed(const Json& schema, const std::string& type, const std::string& path,
                            int depth) {
  const bool copied = flag_keyword(schema, "x-copy", path);
  if (copied && (type == "string" || type == "number" || type == "integer")) {
    refuse_keywords_beside(schema, {"x-copy", "type"}, path);
    return type == "string" ? copied_string() : copied_number(type == "integer");
  }
  if (copied) unsupported(path + "/x-copy", " for the type " + type);
  if (type == "object") return object(schema, path, depth);
  if (type == "array") return array(schema, path, depth);
  if (type == "string") return string(schema, path);
  if (type == "number" || type == "integer") return number(schema, type == "integer", path);
  return type == "boolean" ? json_.boolean() : json_.null();
}

NodeId SchemaGrammar::reference(const Json& schema, const std::string& path) {
  refuse_keywords_beside(schema, {"$ref"}, path);
  const Json& target = schema.at("$ref");
  if (!target.is_string()) fail_keyword(path + "/$ref", "not a string");
  const std::string& name = target.get_ref<const std::string&>();
  if (const auto known = rules_.find(name); known != rules_.end()) {
    return grammar_.rule(known->second);
  }
  if (rules_.size() >= kMaxRules) {
    throw Error(ErrorCode::kExhausted,
                "JSON Schema: more than " + std::to_string(kMaxRules) + " different $ref");
  }
  if (!name.starts_with('#')) unsupported(path + "/$ref", ": " + name + " is outside the schema");
  if (!target_of(name)) fail_keyword(path + "/$ref", name + " does not exist");
  const RuleId rule = grammar_.make_rule();
  rules_.emplace(name, rule);
  open_rules_.push_back(name);
  return grammar_.rule(rule);
}

const Json* SchemaGrammar::target_of(const std::string& reference) const {
  try {
    return &root_.at(Json::json_pointer(reference.substr(1)));
  } catch (const nlohmann::json::exception&) {
    return nullptr;
  }
}

NodeId SchemaGrammar::alternatives(const Json& schema, const std::string& path, int depth) {
  refuse_keywords_beside(schema, {"anyOf", "type"}, path);
  const Json& list = schema.at("anyOf");
  if (!list.is_array() || list.empty()) fail_keyword(path + "/anyOf", "not a list of schemas");
  std::vector<NodeId> ways;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Json branch = list[i];
    const std::string branch_path = path + "/anyOf/" + std::to_string(i);
    if (schema.contains("type") && branch.is_object()) {  // "type" beside anyOf holds for each
      if (branch.contains("type") && branch.at("type") != schema.at("type")) {
        unsupported(path + "/type", " beside anyOf with other types");
      }
      branch["type"] = schema.at("type");
    }
    ways.push_back(this->schema(branch, branch_path, depth + 1));
  }
  return grammar_.any_of(std::move(ways));
}

NodeId SchemaGrammar::values(const Json& schema, const Json& list, const std::string& path) {
  const std::vector<std::string> types =
      schema.contains("type") ? schema_types(schema, path) : std::vector<std::string>();
  std::set<std::string> texts;
  for (const Json& value : list) {
    const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const auto& t) {
                        return has_type(value, t);
                      });
    if (fits) texts.insert(dump_json(value));
  }
  return grammar_.span(SpanIndex::choices({texts.begin(), texts.end()}));
}

// "x-domain" values; with "x-copy" those that a source names, or all when it names none.
Json SchemaGrammar::domain(const Json& schema, const std::string& path) const {
  const Json& all = schema.at("x-domain");
  if (!all.is_array() || all.empty()) fail_keyword(path + "/x-domain", "not a list of values");
  if (!flag_keyword(schema, "x-copy", path)) return all;
  Json named = Json::array();
  for (const Json& value : all) {
    const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (occurs_in(text, sources_)) named.push_back(value);
  }
  return named.empty() ? all : named;
}

NodeId SchemaGrammar::object(const Json& schema, const std::string& path, int depth) {
  const Json properties = schema.value("properties", Json::object());
  const Json required = schema.value("required", Json::array());
  if (!properties.is_object()) fail_keyword(path + "/properties", "not an object");
  if (!required.is_array()) fail_keyword(path + "/required", "not a list of names");
  if (properties.size() + required.size() > kMaxProperties) {
    throw Error(ErrorCode::kExhausted, "JSON Schema at " + path + ": more than " +
                                           std::to_string(kMaxProperties) + " properties");
  }
  const auto more = schema.find("additionalProperties");
  const bool closed = more != schema.end() && *more == false;
  if (properties.empty() && required.empty()) {
    if (closed) return grammar_.bytes("{}");
    const NodeId member = more == schema.end()
                              ? json_.value()
                              : this->schema(*more, path + "/additionalProperties", depth + 1);
    return json_.list('{', grammar_.sequence({json_.string(), grammar_.bytes(":"), member}), '}', 0,
                      kUnlimited);
  }

  struct Property {
    NodeId member;
    bool required;
  };
  std::vector<Property> members;
  std::set<std::string> names;
  for (const Json& name : required) {
    if (!name.is_string()) fail_keyword(path + "/required", "not a list of names");
    names.insert(name.get<std::string>());
  }
  const auto add = [&](const std::string& name, NodeId value, bool is_required) {
    const NodeId key = grammar_.bytes(dump_json(Json(name)) + ":");
    members.push_back({grammar_.sequence({key, value}), is_required});
  };
  for (const auto& [name, property] : properties.items()) {
    const std::string property_path = path + "/properties" + pointer_token(name);
    add(name, this->schema(property, property_path, depth + 1), names.erase(name) > 0);
  }
  // Required, but not described: any value, where that is allowed.
  for (const std::string& name : names)
    add(name, closed ? grammar_.nothing() : json_.value(), true);

  // What may follow when the first i members are decided: [0] nothing was written, [1] something.
  NodeId rest[2] = {grammar_.bytes("}"), grammar_.bytes("}")};
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    NodeId now[2];
    for (const std::size_t written : {0U, 1U}) {
      const NodeId comma = written == 1 ? grammar_.bytes(",") : grammar_.empty();
      const NodeId with = grammar_.sequence({comma, it->member, rest[1]});
      now[written] = it->required ? with : grammar_.any_of({with, rest[written]});
    }
    rest[0] = now[0];
    rest[1] = now[1];
  }
  return grammar_.sequence({grammar_.bytes("{"), rest[0]});
}

NodeId SchemaGrammar::array(const Json& schema, const std::string& path, int depth) {
  const std::uint32_t min = size_keyword(schema, "minItems", 0, path);
  const std::uint32_t max = size_keyword(schema, "maxItems", kUnlimited, path);
  const auto items = schema.find("items");
  const NodeId item =
      items == schema.end() ? json_.value() : this->schema(*items, path + "/items", depth + 1);
  return json_.list('[', item, ']', min, max);
}

NodeId SchemaGrammar::string(const Json& schema, const std::string& path) {
  const std::uint32_t min = size_keyword(schema, "minLength", 0, path);
  const std::uint32_t max = size_keyword(schema, "maxLength", kUnlimited, path);
  return min > max ? grammar_.nothing() : json_.string(min, max);
}

NodeId SchemaGrammar::number(const Json& schema, bool whole, const std::string& path) {
  const NumberBounds bounds = number_bounds(schema, whole, path);
  return whole ? json_.integer(bounds) : json_.number(bounds);
}

NodeId SchemaGrammar::copied_string() {
  if (!copied_string_) {
    const NodeId span = grammar_.span(SpanIndex::spans(sources_, {}, true));
    copied_string_ = grammar_.sequence({grammar_.bytes("\""), span, grammar_.bytes("\"")});
  }
  return *copied_string_;
}

NodeId SchemaGrammar::copied_number(bool whole) {
  return grammar_.span(SpanIndex::choices(numbers_in(sources_, whole)));
}

}  // namespace orkestra::model
