#include <orkestra/model/text/constraint/schema_branch.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

using FactKind = NumberTest::Kind;

}  // namespace

// "Not all of these" is "one of them not": a way for each keyword.
void SchemaExpansion::negative(const SchemaNode& node, const Pending& pending,
                               const SchemaBranch& branch, const std::set<SchemaLiteral>& done) {
  if (node.never) return run(pending, branch, done);
  const auto also = [&](std::vector<SchemaLiteral> literals) {
    Pending more = pending;
    more.insert(more.end(), literals.begin(), literals.end());
    run(std::move(more), branch, done);
  };
  const auto undecided = [&](unsigned types, const std::string& keyword) {
    if ((branch.types & types) == 0) return;
    SchemaBranch way = branch;
    way.types &= types;
    way.undecided.emplace_back(types, node.path + keyword);
    finish(std::move(way));
  };
  negative_values(node, pending, branch, done);
  negative_containers(node, pending, branch, done);
  if (node.ref) also({{node.ref, false}});
  if (node.dynamic_ref) undecided(SchemaBranch::kAllTypes, "/$dynamicRef");
  for (const SchemaNode* part : node.all_of) also({{part, false}});
  if (!node.any_of.empty()) {
    std::vector<SchemaLiteral> none;
    for (const SchemaNode* part : node.any_of) none.push_back({part, false});
    also(std::move(none));
  }
  if (!node.one_of.empty()) {
    std::vector<SchemaLiteral> none;
    for (const SchemaNode* part : node.one_of) none.push_back({part, false});
    also(std::move(none));
    for (std::size_t i = 0; i < node.one_of.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (clearly_disjoint(*node.one_of[i], *node.one_of[j])) continue;
        also({{node.one_of[j], true}, {node.one_of[i], true}});
      }
    }
  }
  if (node.negated) also({{node.negated, true}});
  if (node.condition) {
    if (node.consequence) also({{node.consequence, false}, {node.condition, true}});
    if (node.alternative) also({{node.alternative, false}, {node.condition, false}});
  }
  for (const auto& [name, needs] : node.dependent_required) {
    for (const std::string& need : needs) {
      SchemaBranch way = branch;
      way.types &= kTypeObject;
      way.required.insert(name);
      way.forbidden.insert(need);
      if (way.types != 0) run(pending, way, done);
    }
  }
  for (const auto& [name, schema] : node.dependent_schemas) {
    SchemaBranch way = branch;
    way.types &= kTypeObject;
    way.required.insert(name);
    Pending more = pending;
    more.push_back({schema, false});
    if (way.types != 0) run(std::move(more), way, done);
  }
  if (node.unevaluated_properties) undecided(kTypeObject, "/unevaluatedProperties");
  if (node.unevaluated_items) undecided(kTypeArray, "/unevaluatedItems");
}

void SchemaExpansion::negative_values(const SchemaNode& node, const Pending& pending,
                                      const SchemaBranch& branch,
                                      const std::set<SchemaLiteral>& done) {
  const auto way = [&](unsigned types, auto change) {
    SchemaBranch changed = branch;
    changed.types &= types;
    if (changed.types == 0) return;
    change(changed);
    run(pending, std::move(changed), done);
  };
  if (node.types != 0) way(SchemaBranch::kAllTypes & ~branch_types(node.types), [](auto&) {});
  for (const SchemaValues& allowed : node.allowed) {
    way(SchemaBranch::kAllTypes, [&](SchemaBranch& b) {
      b.excluded.insert(b.excluded.end(), allowed.values.begin(), allowed.values.end());
    });
  }
  if (node.pattern) {
    way(kTypeString, [&](SchemaBranch& b) {
      b.patterns.push_back({node.pattern.get(), false, node.path + "/pattern"});
    });
  }
  if (node.min_length && *node.min_length > 0) {
    way(kTypeString,
        [&](SchemaBranch& b) { b.max_length = std::min(b.max_length, *node.min_length - 1); });
  }
  if (node.max_length) {
    way(kTypeString,
        [&](SchemaBranch& b) { b.min_length = std::max(b.min_length, *node.max_length + 1); });
  }
  const auto number = [&](const std::optional<Json>& value, FactKind kind) {
    if (!value) return;
    way(SchemaBranch::kNumbers, [&](SchemaBranch& b) {
      b.numbers.push_back(
          {.kind = kind, .value = Decimal::of(*value), .negated = kind == FactKind::kMultiple});
    });
  };
  number(node.minimum, FactKind::kBelow);
  number(node.exclusive_minimum, FactKind::kAtMost);
  number(node.maximum, FactKind::kAbove);
  number(node.exclusive_maximum, FactKind::kAtLeast);
  number(node.multiple_of, FactKind::kMultiple);
}

void SchemaExpansion::negative_containers(const SchemaNode& node, const Pending& pending,
                                          const SchemaBranch& branch,
                                          const std::set<SchemaLiteral>& done) {
  const auto way = [&](unsigned types, auto change) {
    SchemaBranch changed = branch;
    changed.types &= types;
    if (changed.types == 0) return;
    change(changed);
    run(pending, std::move(changed), done);
  };
  const auto undecided = [&](unsigned types, const std::string& keyword) {
    way(types, [&](SchemaBranch& b) { b.undecided.emplace_back(types, node.path + keyword); });
  };
  for (const std::string& name : node.required) {
    way(kTypeObject, [&](SchemaBranch& b) { b.forbidden.insert(name); });
  }
  for (const auto& [name, schema] : node.properties) {
    way(kTypeObject, [&](SchemaBranch& b) {
      b.required.insert(name);
      b.members[name].push_back({schema, false});
    });
  }
  if (node.min_properties && *node.min_properties > 0) {
    way(kTypeObject, [&](SchemaBranch& b) {
      b.max_properties = std::min(b.max_properties, *node.min_properties - 1);
    });
  }
  if (node.max_properties) {
    way(kTypeObject, [&](SchemaBranch& b) {
      b.min_properties = std::max(b.min_properties, *node.max_properties + 1);
    });
  }
  if (!node.pattern_properties.empty()) undecided(kTypeObject, "/patternProperties");
  if (node.additional) undecided(kTypeObject, "/additionalProperties");
  if (node.property_names) undecided(kTypeObject, "/propertyNames");
  if (node.min_items && *node.min_items > 0) {
    way(kTypeArray,
        [&](SchemaBranch& b) { b.max_items = std::min(b.max_items, *node.min_items - 1); });
  }
  if (node.max_items) {
    way(kTypeArray,
        [&](SchemaBranch& b) { b.min_items = std::max(b.min_items, *node.max_items + 1); });
  }
  for (std::size_t i = 0; i < node.prefix_items.size(); ++i) {
    way(kTypeArray, [&](SchemaBranch& b) {
      b.min_items = std::max(b.min_items, i + 1);
      b.items[i].push_back({node.prefix_items[i], false});
    });
  }
  if (node.items) undecided(kTypeArray, "/items");
  if (node.unique_items) undecided(kTypeArray, "/uniqueItems");
  if (node.contains) {
    if (node.min_contains.value_or(1) == 1 && !node.max_contains) {
      way(kTypeArray, [&](SchemaBranch& b) { b.all_items.push_back({node.contains, false}); });
    } else {
      undecided(kTypeArray, "/contains");
    }
  }
}

namespace {

// What a quick look at a schema tells: references and allOf followed, alternatives not.
struct Summary {
  unsigned types = SchemaBranch::kAllTypes;
  std::vector<const SchemaNode*> nodes;
};

void look(const SchemaNode& node, Summary& out) {
  if (out.nodes.size() > 50) return;
  out.nodes.push_back(&node);
  if (node.never) out.types = 0;
  out.types &= branch_types(node.types);
  if (node.ref) look(*node.ref, out);
  for (const SchemaNode* part : node.all_of) look(*part, out);
}

const SchemaValues* values_of(const Summary& summary) {
  for (const SchemaNode* node : summary.nodes) {
    if (!node->allowed.empty()) return &node->allowed.front();
  }
  return nullptr;
}

std::vector<const SchemaNode*> members_of(const Summary& summary, const std::string& name) {
  std::vector<const SchemaNode*> found;
  for (const SchemaNode* node : summary.nodes) {
    if (const SchemaNode* member = node->property(name)) found.push_back(member);
  }
  return found;
}

bool forbids(const Summary& summary, const std::string& name) {
  return std::any_of(summary.nodes.begin(), summary.nodes.end(), [&](const SchemaNode* node) {
    return node->additional && node->additional->never && node->pattern_properties.empty() &&
           !node->property(name);
  });
}

// `a` requires a member that `b` forbids, or that `b` wants to be something else.
bool kept_apart(const Summary& a, const Summary& b, int depth) {
  for (const SchemaNode* node : a.nodes) {
    for (const std::string& name : node->required) {
      if (forbids(b, name)) return true;
      for (const SchemaNode* mine : members_of(a, name)) {
        for (const SchemaNode* theirs : members_of(b, name)) {
          if (clearly_disjoint(*mine, *theirs, depth + 1)) return true;
        }
      }
    }
  }
  return false;
}

}  // namespace

bool clearly_disjoint(const SchemaNode& a, const SchemaNode& b, int depth) {
  if (depth > 3) return false;
  Summary x, y;
  look(a, x);
  look(b, y);
  if ((x.types & y.types) == 0) return true;
  const SchemaValues* const mine = values_of(x);
  const SchemaValues* const theirs = values_of(y);
  if (mine && theirs) {
    return std::none_of(mine->canonical.begin(), mine->canonical.end(),
                        [&](const auto& value) { return theirs->canonical.contains(value); });
  }
  if ((x.types & y.types) != kTypeObject) return false;
  return kept_apart(x, y, depth) || kept_apart(y, x, depth);
}

}  // namespace orkestra::model
