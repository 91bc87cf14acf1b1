#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/schema_branch.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxSteps = 50'000;  // of one compile
constexpr std::size_t kMaxBranches = 400;  // of one conjunction

using Fact = NumberTest::Fact;
using FactKind = NumberTest::Kind;

}  // namespace

void undecidable(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::kUnsupported,
              "JSON Schema keyword " + path + " can't be enforced while decoding" + why);
}

unsigned branch_types(unsigned types) {
  if (types == 0) return SchemaBranch::kAllTypes;
  return (types & kTypeNumber) != 0 ? types | kTypeInteger : types;
}

std::vector<SchemaBranch> SchemaExpansion::expand(const Conjunction& conjunction) {
  std::vector<SchemaBranch> branches;
  out_ = &branches;
  run(Pending(conjunction.rbegin(), conjunction.rend()), {}, {});
  return branches;
}

void SchemaExpansion::finish(SchemaBranch branch) {
  if (out_->size() >= kMaxBranches) undecidable("/", ": too many ways to be valid");
  out_->push_back(std::move(branch));
}

void SchemaExpansion::run(Pending pending, SchemaBranch branch, std::set<SchemaLiteral> done) {
  while (!pending.empty()) {
    const SchemaLiteral literal = pending.back();
    pending.pop_back();
    if (++steps_ > kMaxSteps) undecidable(literal.node->path, ": too many ways to be valid");
    if (done.contains({literal.node, !literal.positive})) return;  // a contradiction
    if (!done.insert(literal).second) continue;
    const SchemaNode& node = *literal.node;
    if (!literal.positive) return negative(node, pending, branch, done);
    if (!take_positive(node, branch, pending)) return;
    if (branch.values) return finish(std::move(branch));
    const bool splits = !node.any_of.empty() || !node.one_of.empty() || node.condition ||
                        !node.dependent_schemas.empty() || !node.dependent_required.empty();
    if (splits) return split(node, pending, branch, done);
  }
  finish(std::move(branch));
}

// What `node` says by itself, and what must hold with it; false when nothing is left.
bool SchemaExpansion::take_positive(const SchemaNode& node, SchemaBranch& branch,
                                    Pending& pending) {
  if (node.never) return false;
  branch.types &= branch_types(node.types);
  if (branch.types == 0) return false;
  if (!node.allowed.empty()) {
    branch.values = node.allowed.front().values;
    if (node.allowed.front().keyword == "x-domain") branch.domain = &node;
    return true;
  }
  if (node.copied) branch.copied = &node;
  if (node.pattern) branch.patterns.push_back({node.pattern.get(), true, node.path + "/pattern"});
  if (!node.format.empty()) branch.formats.push_back(node.format);
  branch.min_length = std::max(branch.min_length, node.min_length.value_or(0));
  branch.max_length = std::min(branch.max_length, node.max_length.value_or(SIZE_MAX));
  const auto number = [&](const std::optional<Json>& value, FactKind kind) {
    if (value) branch.numbers.push_back({.kind = kind, .value = Decimal::of(*value)});
  };
  number(node.minimum, FactKind::kAtLeast);
  number(node.exclusive_minimum, FactKind::kAbove);
  number(node.maximum, FactKind::kAtMost);
  number(node.exclusive_maximum, FactKind::kBelow);
  number(node.multiple_of, FactKind::kMultiple);
  take_array(node, branch);
  take_object(node, branch);
  if (node.unevaluated_properties || node.unevaluated_items) take_unevaluated(node, branch);

  if (node.ref) pending.push_back({node.ref, true});
  if (node.dynamic_ref) {
    std::size_t targets = 0;
    for (const SchemaResource& resource : parts_.resources) {
      targets += resource.dynamic_anchors.contains(node.dynamic_anchor) ? 1U : 0U;
    }
    if (!node.dynamic_anchor.empty() && targets > 1) {
      branch.undecided.emplace_back(SchemaBranch::kAllTypes, node.path + "/$dynamicRef");
    }
    pending.push_back({node.dynamic_ref, true});
  }
  for (const SchemaNode* part : node.all_of) pending.push_back({part, true});
  if (node.negated) pending.push_back({node.negated, false});
  return true;
}

void SchemaExpansion::take_array(const SchemaNode& node, SchemaBranch& branch) {
  branch.min_items = std::max(branch.min_items, node.min_items.value_or(0));
  branch.max_items = std::min(branch.max_items, node.max_items.value_or(SIZE_MAX));
  if (!node.prefix_items.empty() || node.items) branch.arrays.push_back(&node);
  if (node.unique_items && node.max_items.value_or(2) > 1) {
    branch.undecided.emplace_back(kTypeArray, node.path + "/uniqueItems");
  }
  if (!node.contains) return;
  const std::size_t min = node.min_contains.value_or(1);
  if (node.max_contains == std::size_t{0} && min == 0) {
    branch.all_items.push_back({node.contains, false});
  } else if (min > 0 || node.max_contains) {
    branch.undecided.emplace_back(kTypeArray, node.path + "/contains");
  }
}

void SchemaExpansion::take_object(const SchemaNode& node, SchemaBranch& branch) {
  branch.required.insert(node.required.begin(), node.required.end());
  branch.min_properties = std::max(branch.min_properties, node.min_properties.value_or(0));
  branch.max_properties = std::min(branch.max_properties, node.max_properties.value_or(SIZE_MAX));
  if (!node.properties.empty() || !node.pattern_properties.empty()) branch.objects.push_back(&node);
  if (node.additional) branch.rests.push_back({{&node}, node.additional});
  if (node.property_names) branch.names.push_back({node.property_names, true});
}

// The schemas that apply in place beside `node`, itself included; false when some apply only
// sometimes, so that what they look at isn't known beforehand.
bool SchemaExpansion::closure(const SchemaNode& node, std::vector<const SchemaNode*>& out) const {
  if (out.size() > 100) return false;
  out.push_back(&node);
  if (!node.any_of.empty() || !node.one_of.empty() || node.condition || node.dynamic_ref ||
      !node.dependent_schemas.empty() || node.contains) {
    return false;
  }
  if (out.size() > 1 && (node.unevaluated_properties || node.unevaluated_items)) return false;
  if (node.ref && !closure(*node.ref, out)) return false;
  return std::all_of(node.all_of.begin(), node.all_of.end(),
                     [&](const SchemaNode* part) { return closure(*part, out); });
}

void SchemaExpansion::take_unevaluated(const SchemaNode& node, SchemaBranch& branch) {
  std::vector<const SchemaNode*> known;
  const bool fixed = closure(node, known);
  if (node.unevaluated_properties) {
    const bool all = std::any_of(known.begin(), known.end(),
                                 [](const SchemaNode* part) { return part->additional; });
    if (!fixed) {
      branch.undecided.emplace_back(kTypeObject, node.path + "/unevaluatedProperties");
    } else if (!all) {
      branch.rests.push_back({known, node.unevaluated_properties});
    }
  }
  if (node.unevaluated_items) {
    const bool all =
        std::any_of(known.begin(), known.end(), [](const SchemaNode* part) { return part->items; });
    if (!fixed) {
      branch.undecided.emplace_back(kTypeArray, node.path + "/unevaluatedItems");
    } else if (!all) {
      branch.item_rests.push_back({known, node.unevaluated_items});
    }
  }
}

void SchemaExpansion::split(const SchemaNode& node, const Pending& pending,
                            const SchemaBranch& branch, const std::set<SchemaLiteral>& done) {
  // One list of alternatives for each "or" of the node; then all ways through them.
  std::vector<std::vector<Pending>> choices;
  if (!node.any_of.empty()) {
    std::vector<Pending> ways;
    for (const SchemaNode* part : node.any_of) ways.push_back({{part, true}});
    choices.push_back(std::move(ways));
  }
  if (!node.one_of.empty()) {
    std::vector<Pending> ways;
    for (const SchemaNode* part : node.one_of) {
      Pending way;
      for (const SchemaNode* other : node.one_of) {
        if (other != part && !clearly_disjoint(*part, *other)) way.push_back({other, false});
      }
      way.push_back({part, true});  // taken first: it decides what of the others matters
      ways.push_back(std::move(way));
    }
    choices.push_back(std::move(ways));
  }
  if (node.condition && (node.consequence || node.alternative)) {
    Pending then{{node.condition, true}};
    Pending otherwise{{node.condition, false}};
    if (node.consequence) then.push_back({node.consequence, true});
    if (node.alternative) otherwise.push_back({node.alternative, true});
    choices.push_back({then, otherwise});
  }
  const std::function<void(std::size_t, const Pending&, const SchemaBranch&)> walk =
      [&](std::size_t at, const Pending& with, const SchemaBranch& so_far) {
        if (at < choices.size()) {
          for (const Pending& way : choices[at]) {
            Pending more = with;
            more.insert(more.end(), way.begin(), way.end());
            walk(at + 1, more, so_far);
          }
          return;
        }
        const std::size_t schema = at - choices.size();
        const std::size_t list = schema - std::min(schema, node.dependent_schemas.size());
        const bool is_schema = schema < node.dependent_schemas.size();
        if (!is_schema && list >= node.dependent_required.size()) {
          return run(with, so_far, done);
        }
        const std::string& name =
            is_schema ? node.dependent_schemas[schema].first : node.dependent_required[list].first;
        if (!so_far.required.contains(name)) {
          SchemaBranch without = so_far;
          without.forbidden.insert(name);
          walk(at + 1, with, without);
        }
        SchemaBranch has = so_far;
        Pending more = with;
        has.required.insert(name);
        has.types &= kTypeObject;
        if (has.types == 0) return;
        if (is_schema) {
          more.push_back({node.dependent_schemas[schema].second, true});
        } else {
          const auto& needs = node.dependent_required[list].second;
          has.required.insert(needs.begin(), needs.end());
        }
        walk(at + 1, more, has);
      };
  walk(0, pending, branch);
}

}  // namespace orkestra::model
