#include <orkestra/core/error.h>
#include <orkestra/core/json_schema_validation.h>
#include <orkestra/model/text/constraint/schema_grammar.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxProperties = 1000;
constexpr std::size_t kMaxCount = 4096;  // of minProperties and maxProperties
constexpr std::size_t kMaxPatterns = 6;  // of names, at one place

using Literals = std::vector<SchemaLiteral>;

bool matches(const Regex& regex, const std::string& name) {
  const std::optional<bool> found = regex.found_in(name);
  if (!found) undecidable("/patternProperties", ": a pattern takes too long");
  return *found;
}

bool never(const Literals& literals) {
  return std::any_of(literals.begin(), literals.end(), [](const SchemaLiteral& literal) {
    return literal.positive && literal.node->never;
  });
}

}  // namespace

NodeId SchemaGrammar::key(const std::string& name) {
  return json_.compact() ? grammar_.bytes(dump_json(Json(name))) : json_.exactly(name);
}

std::optional<Literals> SchemaGrammar::member(const SchemaBranch& branch,
                                              const std::string& name) const {
  if (branch.forbidden.contains(name)) return std::nullopt;
  if (!fits(Json(name), branch.names)) return std::nullopt;
  Literals literals;
  const auto look = [&](const SchemaNode& node, bool add) {
    bool known = false;
    if (const SchemaNode* property = node.property(name)) {
      known = true;
      if (add) literals.push_back({property, true});
    }
    for (const auto& [regex, schema] : node.pattern_properties) {
      if (!matches(*regex, name)) continue;
      known = true;
      if (add) literals.push_back({schema, true});
    }
    return known;
  };
  for (const SchemaNode* node : branch.objects) look(*node, true);
  for (const SchemaBranch::Rest& rest : branch.rests) {
    const bool known = std::any_of(rest.known.begin(), rest.known.end(),
                                   [&](const SchemaNode* node) { return look(*node, false); });
    if (!known) literals.push_back({rest.rest, true});
  }
  if (const auto it = branch.members.find(name); it != branch.members.end()) {
    literals.insert(literals.end(), it->second.begin(), it->second.end());
  }
  if (never(literals)) return std::nullopt;
  return literals;
}

NodeId SchemaGrammar::object(const SchemaBranch& branch) {
  std::vector<std::string> names;
  const auto add_name = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const SchemaNode* node : branch.objects) {
    for (const auto& [name, schema] : node->properties) add_name(name);
  }
  for (const std::string& name : branch.required) add_name(name);
  for (const auto& [name, literals] : branch.members) add_name(name);
  if (names.size() > kMaxProperties) {
    throw Error(ErrorCode::kExhausted, "JSON Schema: more than " + std::to_string(kMaxProperties) +
                                           " properties in one object");
  }
  GrammarObject object{.ordered = json_.compact(),
                       .open = json_.open('{'),
                       .comma = json_.comma(),
                       .close = json_.close('}')};
  if (branch.min_properties > kMaxCount ||
      (branch.max_properties != SIZE_MAX && branch.max_properties > kMaxCount)) {
    undecidable("/maxProperties", ": more than 4096");
  }
  object.min = static_cast<std::uint32_t>(branch.min_properties);
  if (branch.max_properties != SIZE_MAX) {
    object.max = static_cast<std::uint32_t>(branch.max_properties);
  }
  for (const std::string& name : names) {
    const bool required = branch.required.contains(name);
    const std::optional<Literals> literals = member(branch, name);
    if (!literals && required) return grammar_.nothing();
    if (literals) object.members.push_back({json_.member(key(name), value(*literals)), required});
  }
  const std::size_t declared = object.members.size();
  const bool patterns =
      std::any_of(branch.objects.begin(), branch.objects.end(),
                  [](const auto* node) { return !node->pattern_properties.empty(); });
  // Models write the members that are described, and no others unless the schema speaks of them.
  const bool wanted = !json_.compact() || declared == 0 || patterns || !branch.rests.empty() ||
                      declared < object.min;
  if (wanted) others(branch, object);
  if (json_.compact() && !object.others.empty() && object.min > 1) {
    // Free names may repeat, and readers keep one of two: only named members count for sure.
    if (declared >= object.min) {
      object.others.clear();
    } else if (branch.required.size() < object.min) {
      undecidable("/minProperties", ": the names of the members are not known");
    }
  }
  return grammar_.object(std::move(object));
}

// Members whose names are not known beforehand: one kind for each set of patterns that the name
// may match.
void SchemaGrammar::others(const SchemaBranch& branch, GrammarObject& object) {
  std::vector<const Regex*> patterns;
  std::vector<std::string> known(branch.forbidden.begin(), branch.forbidden.end());
  const auto look = [&](const SchemaNode& node) {
    for (const auto& [name, schema] : node.properties) known.push_back(name);
    for (const auto& [regex, schema] : node.pattern_properties) patterns.push_back(regex.get());
  };
  for (const SchemaNode* node : branch.objects) look(*node);
  for (const SchemaBranch::Rest& rest : branch.rests) {
    for (const SchemaNode* node : rest.known) look(*node);
  }
  known.insert(known.end(), branch.required.begin(), branch.required.end());
  for (const auto& [name, literals] : branch.members) known.push_back(name);
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  if (patterns.size() > kMaxPatterns) {
    undecidable("/patternProperties", ": more than " + std::to_string(kMaxPatterns) + " patterns");
  }
  const CharDfa names = known.empty() ? CharDfa::any() : CharDfa::strings(known).complement();
  const std::vector<CharDfa> allowed =
      branch.names.empty() ? std::vector<CharDfa>{CharDfa::any()} : contents(branch.names);
  for (std::size_t set = 0; set < std::size_t{1} << patterns.size(); ++set) {
    const auto in_set = [&](const Regex* regex) {
      const auto at = std::find(patterns.begin(), patterns.end(), regex) - patterns.begin();
      return (set >> static_cast<std::size_t>(at) & 1U) != 0;
    };
    const auto touches = [&](const SchemaNode* node) {
      return std::any_of(node->pattern_properties.begin(), node->pattern_properties.end(),
                         [&](const auto& one) { return in_set(one.first.get()); });
    };
    Literals literals;
    for (const SchemaNode* node : branch.objects) {
      for (const auto& [regex, schema] : node->pattern_properties) {
        if (in_set(regex.get())) literals.push_back({schema, true});
      }
    }
    for (const SchemaBranch::Rest& rest : branch.rests) {
      if (std::none_of(rest.known.begin(), rest.known.end(), touches)) {
        literals.push_back({rest.rest, true});
      }
    }
    if (never(literals)) continue;
    // Names of a kind that nothing speaks of are left to those who read, not to models.
    if (json_.compact() && literals.empty() && !object.members.empty() &&
        object.members.size() >= object.min) {
      continue;
    }
    CharDfa content = names;
    for (const Regex* regex : patterns) {
      const CharDfa& one = pattern({regex, true, "/patternProperties"});
      content = content.intersection(in_set(regex) ? one : one.complement());
    }
    for (const CharDfa& one : allowed) {
      const CharDfa both = content.intersection(one);
      if (both.empty()) continue;
      object.others.push_back(json_.member(json_.string(both), value(literals)));
    }
  }
}

}  // namespace orkestra::model
