// SchemaCompiler: JSON -> SchemaNodes. Private to core/json_schema*.cpp; lives for one compile.
// json_schema_compile.cpp knows resources and references, json_schema_keywords.cpp the keywords.
#pragma once

#include <orkestra/core/json_schema_node.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orkestra {

class SchemaCompiler {
 public:
  explicit SchemaCompiler(const SchemaOptions& options) : options_(options) {}
  SchemaParts compile(const Json& schema);

 private:
  // How the draft that "$schema" names differs from 2020-12.
  struct Dialect {
    bool ref_alone = false;    // "$ref" makes its siblings mute (draft 7 and before)
    bool item_lists = false;   // "items" may be an array (2019-09 and before)
    bool flag_bounds = false;  // "exclusiveMinimum": true (draft 4 and before)
    bool asserts = true;       // the vocabulary of "type", "minimum" and so on is in use
  };
  // What a subschema stands in.
  struct Scope {
    std::size_t resource = 0;
    Dialect dialect{};
    int depth = 0;
  };
  struct Reference {
    SchemaNode* user;
    std::string uri;  // resolved, with fragment
    std::string at;
    bool dynamic;
  };
  struct Place {
    const SchemaNode* node = nullptr;
    std::size_t resource = 0;
  };

  static Error malformed(const std::string& path, const std::string& what);

  const SchemaNode* node(const Json& schema, const std::string& path, Scope scope);
  std::vector<const SchemaNode*> nodes(const Json& schemas, const std::string& at, Scope scope);
  void map(const Json& schemas, const std::string& at, Scope scope,
           std::vector<std::pair<std::string, const SchemaNode*>>& out);
  void identify(const Json& schema, SchemaNode& out, Scope& scope);
  Dialect dialect_of(const std::string& name);
  std::size_t add_document(const std::string& uri, Json document, const std::string& path);
  void resolve(const Reference& reference);
  Place find(const std::string& uri, const std::string& at);
  Place follow_pointer(std::size_t resource, const std::string& pointer, const std::string& at);
  const Json* document(const std::string& uri);

  bool general(SchemaNode& out, const std::string& keyword, const Json& value,
               const std::string& at, Scope scope);
  bool object(SchemaNode& out, const std::string& keyword, const Json& value, const std::string& at,
              Scope scope);
  bool array(SchemaNode& out, const std::string& keyword, const Json& value, const std::string& at,
             Scope scope);
  bool dependencies(SchemaNode& out, const std::string& keyword, const Json& value,
                    const std::string& at, Scope scope);
  bool string_or_number(SchemaNode& out, const std::string& keyword, const Json& value,
                        const std::string& at, Scope scope);
  bool combined(SchemaNode& out, const std::string& keyword, const Json& value,
                const std::string& at, Scope scope);
  void legacy(SchemaNode& out, const Json& schema, const std::string& path, Scope scope);

  const SchemaOptions& options_;
  SchemaParts parts_;
  std::unordered_map<const Json*, Place> by_json_;
  std::unordered_map<std::string, std::size_t> by_uri_;  // resources
  std::vector<Dialect> dialects_;                        // of resources
  std::deque<Reference> references_;
};

}  // namespace orkestra
