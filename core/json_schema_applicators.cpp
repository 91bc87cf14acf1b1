#include <orkestra/core/json_schema_validation.h>

#include <unordered_set>

namespace orkestra {

void Validation::object(const SchemaNode& schema, const Json& value, const std::string& path,
                        int depth, Evaluated& seen) {
  size(schema, path, value.size(), schema.min_properties, schema.max_properties, "/minProperties",
       "/maxProperties", "properties");
  for (const std::string& name : schema.required) {
    if (value.contains(name)) continue;
    add(schema, path + "/" + pointer_token(name), "/required", "is required but missing");
  }
  for (const auto& [name, needs] : schema.dependent_required) {
    if (!value.contains(name)) continue;
    for (const std::string& needed : needs) {
      if (value.contains(needed)) continue;
      add(schema, path + "/" + pointer_token(needed), "/dependentRequired",
          "is required beside " + dump_json(Json(name)) + " but missing");
    }
  }
  for (const auto& [name, dependent] : schema.dependent_schemas) {
    if (value.contains(name)) node(*dependent, value, path, depth + 1, &seen);
  }
  members(schema, value, path, depth, seen);
}

void Validation::members(const SchemaNode& schema, const Json& value, const std::string& path,
                         int depth, Evaluated& seen) {
  if (schema.properties.empty() && schema.pattern_properties.empty() && !schema.additional &&
      !schema.property_names) {
    return;
  }
  std::size_t index = 0;
  for (const auto& [name, member] : value.items()) {
    const std::string at = path + "/" + pointer_token(name);
    if (schema.property_names) {
      const auto wrong = alone(*schema.property_names, Json(name), at, depth, nullptr);
      if (!wrong.empty()) {
        add(schema, at, "/propertyNames",
            "is a name that is not allowed: " + wrong.front().message);
      }
    }
    bool known = false;
    if (const SchemaNode* property = schema.property(name)) {
      known = true;
      node(*property, member, at, depth + 1, nullptr);
    }
    for (const auto& [pattern, property] : schema.pattern_properties) {
      const std::optional<bool> found = pattern->found_in(name);
      if (!found) return give_up(schema, at);
      if (!*found) continue;
      known = true;
      node(*property, member, at, depth + 1, nullptr);
    }
    if (!known && schema.additional) {
      known = true;
      if (schema.additional->never) {
        unknown_property(schema, name, at);
      } else {
        node(*schema.additional, member, at, depth + 1, nullptr);
      }
    }
    if (known && index < seen.size()) seen[index] = true;
    ++index;
  }
}

void Validation::array(const SchemaNode& schema, const Json& value, const std::string& path,
                       int depth, Evaluated& seen) {
  size(schema, path, value.size(), schema.min_items, schema.max_items, "/minItems", "/maxItems",
       "items");
  std::unordered_set<std::string> distinct;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool in_prefix = i < schema.prefix_items.size();
    const std::string at = path + "/" + std::to_string(i);
    if (const SchemaNode* const item = in_prefix ? schema.prefix_items[i] : schema.items) {
      node(*item, value[i], at, depth + 1, nullptr);
      if (i < seen.size()) seen[i] = true;
    }
    if (schema.unique_items && !distinct.insert(canonical_text(value[i])).second) {
      add(schema, at, "/uniqueItems", "repeats an earlier item");
    }
  }
  if (schema.contains) contains(schema, value, path, depth, seen);
}

void Validation::contains(const SchemaNode& schema, const Json& value, const std::string& path,
                          int depth, Evaluated& seen) {
  const std::size_t min = schema.min_contains.value_or(1);
  std::size_t found = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string at = path + "/" + std::to_string(i);
    if (!alone(*schema.contains, value[i], at, depth, nullptr).empty()) continue;
    ++found;
    if (i < seen.size()) seen[i] = true;
  }
  const std::string count = std::to_string(found);
  if (found < min) {
    add(schema, path, schema.min_contains ? "/minContains" : "/contains",
        "must hold at least " + std::to_string(min) +
            " items of the kind that \"contains\" asks "
            "for, holds " +
            count);
  }
  if (schema.max_contains && found > *schema.max_contains) {
    add(schema, path, "/maxContains",
        "must hold at most " + std::to_string(*schema.max_contains) +
            " items of the kind that \"contains\" asks for, holds " + count);
  }
}

std::vector<SchemaViolation> Validation::alone(const SchemaNode& schema, const Json& value,
                                               const std::string& path, int depth,
                                               Evaluated* seen) {
  std::vector<SchemaViolation> outer;
  outer.swap(violations);
  Evaluated own(seen ? seen->size() : 0, false);
  node(schema, value, path, depth + 1, seen ? &own : nullptr);
  outer.swap(violations);
  if (outer.empty()) {
    for (std::size_t i = 0; i < own.size(); ++i) (*seen)[i] = (*seen)[i] || own[i];
  }
  return outer;
}

// The outermost resource that was entered and has the anchor decides.
const SchemaNode* Validation::dynamic_target(const SchemaNode& schema) const {
  if (schema.dynamic_anchor.empty()) return schema.dynamic_ref;
  for (const std::size_t resource : scope_) {
    const auto& anchors = parts_.resources[resource].dynamic_anchors;
    if (const auto it = anchors.find(schema.dynamic_anchor); it != anchors.end()) return it->second;
  }
  return schema.dynamic_ref;
}

void Validation::combined(const SchemaNode& schema, const Json& value, const std::string& path,
                          int depth, Evaluated& seen) {
  if (schema.ref) node(*schema.ref, value, path, depth + 1, &seen);
  if (schema.dynamic_ref) node(*dynamic_target(schema), value, path, depth + 1, &seen);
  for (const SchemaNode* part : schema.all_of) node(*part, value, path, depth + 1, &seen);
  if (!schema.any_of.empty()) {
    alternatives(schema, schema.any_of, "/anyOf", value, path, depth, seen);
  }
  if (!schema.one_of.empty()) {
    alternatives(schema, schema.one_of, "/oneOf", value, path, depth, seen);
  }
  if (schema.negated && alone(*schema.negated, value, path, depth, nullptr).empty()) {
    add(schema, path, "/not", "is a value that is excluded here: " + describe_value(value));
  }
  if (schema.condition) {
    const bool holds = alone(*schema.condition, value, path, depth, &seen).empty();
    const SchemaNode* const then = holds ? schema.consequence : schema.alternative;
    if (then) node(*then, value, path, depth + 1, &seen);
  }
}

void Validation::alternatives(const SchemaNode& schema, const std::vector<const SchemaNode*>& parts,
                              const std::string& keyword, const Json& value,
                              const std::string& path, int depth, Evaluated& seen) {
  std::vector<std::string> matched, reasons;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto found = alone(*parts[i], value, path, depth, &seen);
    const std::string number = std::to_string(i + 1);
    if (found.empty()) {
      matched.push_back(number);
      // What the others looked at counts, too, when somebody asks for it.
      if (keyword == "/anyOf" && !parts_.tracks) return;
    } else {
      reasons.push_back("(" + number + ") " + found.front().message);
    }
  }
  if (matched.size() == 1 || (keyword == "/anyOf" && !matched.empty())) return;
  if (matched.empty()) {
    add(schema, path, keyword, "fits none of the alternatives: " + listed_values(reasons));
  } else {
    add(schema, path, keyword, "must fit exactly one alternative, fits " + listed_values(matched));
  }
}

void Validation::unevaluated(const SchemaNode& schema, const Json& value, const std::string& path,
                             int depth, Evaluated& seen) {
  if (value.is_object() && schema.unevaluated_properties) {
    std::size_t index = 0;
    for (const auto& [name, member] : value.items()) {
      const std::string at = path + "/" + pointer_token(name);
      if (seen[index]) {
      } else if (schema.unevaluated_properties->never) {
        add(schema, at, "/unevaluatedProperties", "is not a known property");
      } else {
        node(*schema.unevaluated_properties, member, at, depth + 1, nullptr);
      }
      seen[index++] = true;
    }
  }
  if (value.is_array() && schema.unevaluated_items) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string at = path + "/" + std::to_string(i);
      if (!seen[i]) node(*schema.unevaluated_items, value[i], at, depth + 1, nullptr);
      seen[i] = true;
    }
  }
}

}  // namespace orkestra
