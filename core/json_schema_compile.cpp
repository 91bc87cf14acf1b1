#include <orkestra/core/json_schema_compiler.h>
#include <orkestra/core/json_schema_uri.h>
#include <orkestra/core/nearest.h>

#include <algorithm>
#include <array>

namespace orkestra {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 200'000;
constexpr std::size_t kMaxDocuments = 100;

// Keywords that assert something: a name one letter away from one of them is a slip.
constexpr auto kAsserting = std::to_array<std::string_view>({"type",
                                                             "enum",
                                                             "const",
                                                             "properties",
                                                             "required",
                                                             "additionalProperties",
                                                             "patternProperties",
                                                             "propertyNames",
                                                             "minProperties",
                                                             "maxProperties",
                                                             "dependentRequired",
                                                             "dependentSchemas",
                                                             "prefixItems",
                                                             "items",
                                                             "minItems",
                                                             "maxItems",
                                                             "uniqueItems",
                                                             "contains",
                                                             "minContains",
                                                             "maxContains",
                                                             "unevaluatedItems",
                                                             "unevaluatedProperties",
                                                             "minLength",
                                                             "maxLength",
                                                             "pattern",
                                                             "minimum",
                                                             "maximum",
                                                             "exclusiveMinimum",
                                                             "exclusiveMaximum",
                                                             "multipleOf",
                                                             "anyOf",
                                                             "oneOf",
                                                             "allOf"});

std::string_view slipped_keyword(std::string_view keyword) {
  if (keyword.size() < 4 || keyword.starts_with("x-") || keyword.starts_with("_")) return "";
  for (const std::string_view known : kAsserting) {
    if (keyword != known && edit_distance(keyword, known) == 1) return known;
  }
  return "";
}

std::pair<std::string, std::string> split_fragment(const std::string& uri) {
  const std::size_t hash = uri.find('#');
  if (hash == std::string::npos) return {uri, ""};
  return {uri.substr(0, hash), uri.substr(hash + 1)};
}

std::string string_member(const Json& schema, const char* name) {
  const auto it = schema.find(name);
  return it != schema.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Error SchemaCompiler::malformed(const std::string& path, const std::string& what) {
  return {ErrorCode::kInvalid, "JSON Schema: " + path + " " + what};
}

SchemaParts SchemaCompiler::compile(const Json& schema) {
  add_document("", schema, "");
  while (!references_.empty()) {
    const Reference reference = references_.front();
    references_.pop_front();
    resolve(reference);
  }
  for (const auto& owned : parts_.nodes) parts_.by_path.emplace(owned->path, owned.get());
  return std::move(parts_);
}

SchemaCompiler::Dialect SchemaCompiler::dialect_of(const std::string& name) {
  const std::string uri = split_fragment(name).first;
  const auto is_draft = [&](std::string_view draft) {
    return uri.ends_with("json-schema.org/" + std::string(draft) + "/schema");
  };
  if (is_draft("draft-03") || is_draft("draft-04")) return {true, true, true, true};
  if (is_draft("draft-06") || is_draft("draft-07")) return {true, true, false, true};
  if (is_draft("draft/2019-09")) return {false, true, false, true};
  if (uri == kSchemaOfSchemas || uri.empty() || uri.find(':') == std::string::npos) return {};
  // A schema of schemas of one's own may leave vocabularies out.
  const Json* const meta = document(uri);
  if (!meta || !meta->is_object() || !meta->contains("$vocabulary")) return {};
  const Json& vocabularies = meta->at("$vocabulary");
  Dialect dialect;
  dialect.asserts = vocabularies.is_object() &&
                    vocabularies.contains("https://json-schema.org/draft/2020-12/vocab/validation");
  return dialect;
}

const Json* SchemaCompiler::document(const std::string& uri) {
  if (uri == kSchemaOfSchemas) return &schema_of_schemas();
  if (!options_.resolve) return nullptr;
  std::optional<Json> found = options_.resolve(uri);
  if (!found) return nullptr;
  parts_.documents.push_back(std::make_unique<const Json>(std::move(*found)));
  return parts_.documents.back().get();
}

std::size_t SchemaCompiler::add_document(const std::string& uri, Json document,
                                         const std::string& path) {
  if (parts_.documents.size() >= kMaxDocuments) {
    throw Error(ErrorCode::kExhausted, "JSON Schema: more than 100 documents");
  }
  parts_.documents.push_back(std::make_unique<const Json>(std::move(document)));
  const Json& root = *parts_.documents.back();
  const std::size_t resource = parts_.resources.size();
  parts_.resources.push_back({.uri = uri, .root = &root});
  dialects_.emplace_back();
  by_uri_.emplace(uri, resource);
  parts_.resources[resource].node = node(root, path, {.resource = resource});
  return resource;
}

// Reads "$schema", "$id" and the anchors of a schema object; a new resource changes `scope`.
void SchemaCompiler::identify(const Json& schema, SchemaNode& out, Scope& scope) {
  const bool is_root = parts_.resources[scope.resource].root == &schema;
  const std::string named = string_member(schema, "$schema");
  if (!named.empty()) scope.dialect = dialect_of(named);
  std::string id = string_member(schema, "$id");
  if (id.empty() && scope.dialect.flag_bounds) id = string_member(schema, "id");
  if (scope.dialect.ref_alone && schema.contains("$ref")) id.clear();
  if (!id.empty()) {
    const auto [uri, fragment] = split_fragment(id);
    if (!uri.empty()) {
      const std::string full = resolve_uri(parts_.resources[scope.resource].uri, uri);
      if (is_root) {
        parts_.resources[scope.resource].uri = full;
      } else {
        scope.resource = parts_.resources.size();
        parts_.resources.push_back({.uri = full, .root = &schema, .node = &out});
        dialects_.emplace_back();
      }
      by_uri_.emplace(full, scope.resource);
    }
    if (!fragment.empty()) parts_.resources[scope.resource].anchors.emplace(fragment, &out);
  }
  dialects_[scope.resource] = scope.dialect;
  out.resource = scope.resource;
  SchemaResource& resource = parts_.resources[scope.resource];
  const std::string anchor = string_member(schema, "$anchor");
  if (!anchor.empty()) resource.anchors.emplace(anchor, &out);
  const std::string dynamic = string_member(schema, "$dynamicAnchor");
  if (!dynamic.empty()) {
    resource.anchors.emplace(dynamic, &out);
    resource.dynamic_anchors.emplace(dynamic, &out);
  }
}

const SchemaNode* SchemaCompiler::node(const Json& schema, const std::string& path, Scope scope) {
  if (const auto known = by_json_.find(&schema); known != by_json_.end()) return known->second.node;
  if (++scope.depth > kMaxDepth) throw malformed(path, "is nested too deeply");
  if (parts_.nodes.size() >= kMaxNodes) {
    throw Error(ErrorCode::kExhausted, "JSON Schema: more than 200000 subschemas");
  }
  parts_.nodes.push_back(std::make_unique<SchemaNode>());
  SchemaNode& out = *parts_.nodes.back();
  out.path = path;
  out.resource = scope.resource;
  if (schema.is_boolean()) {
    out.never = !schema.get<bool>();
    by_json_.emplace(&schema, Place{&out, scope.resource});
    return &out;
  }
  if (!schema.is_object()) {
    throw malformed(path.empty() ? "the schema" : path,
                    "must be an object or a boolean, got " + describe_value(schema));
  }
  identify(schema, out, scope);
  by_json_.emplace(&schema, Place{&out, scope.resource});
  const bool only_ref = scope.dialect.ref_alone && schema.contains("$ref");
  for (const auto& [keyword, value] : schema.items()) {
    if (only_ref && keyword != "$ref" && keyword != "definitions" && keyword != "$defs") continue;
    const std::string at = path + "/" + pointer_token(keyword);
    const bool known =
        general(out, keyword, value, at, scope) || object(out, keyword, value, at, scope) ||
        dependencies(out, keyword, value, at, scope) || array(out, keyword, value, at, scope) ||
        string_or_number(out, keyword, value, at, scope) ||
        combined(out, keyword, value, at, scope);
    if (known) continue;
    if (const auto slip = slipped_keyword(keyword); !slip.empty()) {
      throw Error(ErrorCode::kUnsupported, "JSON Schema: the keyword " + at +
                                               " is not known; did you mean " + std::string(slip) +
                                               "?");
    }
  }
  if (!only_ref) legacy(out, schema, path, scope);
  return &out;
}

std::vector<const SchemaNode*> SchemaCompiler::nodes(const Json& schemas, const std::string& at,
                                                     Scope scope) {
  if (!schemas.is_array() || schemas.empty()) {
    throw malformed(at, "must be an array of at least one schema");
  }
  std::vector<const SchemaNode*> out;
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    out.push_back(node(schemas[i], at + "/" + std::to_string(i), scope));
  }
  return out;
}

void SchemaCompiler::map(const Json& schemas, const std::string& at, Scope scope,
                         std::vector<std::pair<std::string, const SchemaNode*>>& out) {
  if (!schemas.is_object()) throw malformed(at, "must be an object of schemas");
  for (const auto& [name, schema] : schemas.items()) {
    out.emplace_back(name, node(schema, at + "/" + pointer_token(name), scope));
  }
}

void SchemaCompiler::resolve(const Reference& reference) {
  const Place place = find(reference.uri, reference.at);
  if (!reference.dynamic) {
    reference.user->ref = place.node;
    return;
  }
  reference.user->dynamic_ref = place.node;
  // Only a reference that first leads to a dynamic anchor looks for it in the dynamic scope.
  const std::string fragment = split_fragment(reference.uri).second;
  const auto& anchors = parts_.resources[place.resource].dynamic_anchors;
  const auto anchor = anchors.find(fragment);
  if (anchor != anchors.end() && anchor->second == place.node) {
    reference.user->dynamic_anchor = fragment;
  }
}

SchemaCompiler::Place SchemaCompiler::find(const std::string& uri, const std::string& at) {
  const auto [address, raw] = split_fragment(uri);
  auto known = by_uri_.find(address);
  if (known == by_uri_.end()) {
    const Json* const found = document(address);
    if (!found) {
      throw Error(ErrorCode::kUnsupported, "JSON Schema: " + at + " refers to " + address +
                                               ", a document that is not known here; put what "
                                               "is needed of it under $defs");
    }
    add_document(address, *found, address + "#");
    known = by_uri_.find(address);
  }
  const std::string fragment = decode_percent(raw);
  const std::size_t resource = known->second;
  if (fragment.empty()) return {parts_.resources[resource].node, resource};
  if (fragment.front() == '/') return follow_pointer(resource, fragment, at);
  const auto& anchors = parts_.resources[resource].anchors;
  const auto anchor = anchors.find(fragment);
  if (anchor == anchors.end()) {
    throw malformed(at, "points to #" + fragment + ", which is not in this schema");
  }
  return {anchor->second, anchor->second->resource};
}

SchemaCompiler::Place SchemaCompiler::follow_pointer(std::size_t resource,
                                                     const std::string& pointer,
                                                     const std::string& at) {
  const Json* json = parts_.resources[resource].root;
  const auto fail = [&] {
    throw malformed(at, "points to #" + pointer + ", which is not in this schema");
  };
  for (std::size_t begin = 1; begin <= pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    std::string token;
    for (std::size_t i = begin; i < end; ++i) {
      const bool escape = pointer[i] == '~' && i + 1 < end;
      token += escape ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
    }
    begin = end + 1;
    if (json->is_object() && json->contains(token)) {
      json = &json->at(token);
    } else if (json->is_array() && !token.empty() && token.size() < 7 &&
               token.find_first_not_of("0123456789") == std::string::npos &&
               std::stoul(token) < json->size()) {
      json = &(*json)[std::stoul(token)];
    } else {
      fail();
    }
    if (const auto known = by_json_.find(json); known != by_json_.end()) {
      resource = known->second.resource;
    }
  }
  if (!json->is_object() && !json->is_boolean()) fail();
  const SchemaNode* const found = node(*json, parts_.resources[resource].node->path + pointer,
                                       {.resource = resource, .dialect = dialects_[resource]});
  return {found, found->resource};
}

std::shared_ptr<const JsonSchema> JsonSchema::compile(const Json& schema,
                                                      const SchemaOptions& options) {
  return std::make_shared<CompiledSchema>(SchemaCompiler(options).compile(schema));
}

}  // namespace orkestra
