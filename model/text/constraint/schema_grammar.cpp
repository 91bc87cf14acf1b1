#include <orkestra/core/error.h>
#include <orkestra/core/json_schema_validation.h>
#include <orkestra/model/text/constraint/copy_sources.h>
#include <orkestra/model/text/constraint/schema_grammar.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxRules = 5000;

// In-place references that lead back to where they began say nothing.
class CycleSearch {
 public:
  void visit(const SchemaNode& node) {
    int& state = states_[&node];
    if (state == 2) return;
    if (state == 1) {
      throw Error(ErrorCode::kInvalid, "JSON Schema at " + (node.path.empty() ? "/" : node.path) +
                                           ": a $ref refers to nothing but itself");
    }
    state = 1;
    if (++depth_ > 1000) {
      throw Error(ErrorCode::kExhausted, "JSON Schema at " + node.path + ": nested too deeply");
    }
    const auto each = [&](const std::vector<const SchemaNode*>& parts) {
      for (const SchemaNode* part : parts) visit(*part);
    };
    each(node.all_of);
    each(node.any_of);
    each(node.one_of);
    for (const SchemaNode* part : {node.ref, node.dynamic_ref, node.negated, node.condition,
                                   node.consequence, node.alternative}) {
      if (part) visit(*part);
    }
    for (const auto& [name, part] : node.dependent_schemas) visit(*part);
    --depth_;
    states_[&node] = 2;
  }

 private:
  std::map<const SchemaNode*, int> states_;
  int depth_ = 0;
};

// Whether a schema only refers to others: what fits it is then a choice among theirs.
bool only_refers(const SchemaNode& n) {
  const bool values = n.never || n.types != 0 || !n.allowed.empty() || n.min_length ||
                      n.max_length || n.pattern || !n.format.empty() || n.copied || n.minimum ||
                      n.maximum || n.exclusive_minimum || n.exclusive_maximum || n.multiple_of;
  const bool objects = !n.properties.empty() || !n.pattern_properties.empty() ||
                       !n.required.empty() || n.additional || n.property_names ||
                       n.min_properties || n.max_properties || !n.dependent_required.empty() ||
                       !n.dependent_schemas.empty() || n.unevaluated_properties;
  const bool arrays = !n.prefix_items.empty() || n.items || n.min_items || n.max_items ||
                      n.unique_items || n.contains || n.unevaluated_items;
  return !values && !objects && !arrays && !n.negated && !n.condition && !n.dynamic_ref &&
         n.one_of.empty();
}

bool is_excluded(const SchemaBranch& branch, const Json& value) {
  return std::any_of(branch.excluded.begin(), branch.excluded.end(),
                     [&](const Json& one) { return canonical_text(one) == canonical_text(value); });
}

}  // namespace

SchemaGrammar::SchemaGrammar(JsonGrammar& json, const Json& schema,
                             const std::vector<SpanSource>& sources)
    : json_(json),
      grammar_(json.grammar()),
      schema_(std::dynamic_pointer_cast<const CompiledSchema>(JsonSchema::compile(schema))),
      sources_(sources),
      expansion_(schema_->parts()) {}

NodeId SchemaGrammar::compile() {
  // What a schema of schemas of somebody's own leaves out is not known here.
  const Json& root_schema = *schema_->parts().resources.front().root;
  if (root_schema.is_object() && root_schema.contains("$schema") &&
      root_schema.at("$schema").is_string()) {
    const auto& dialect = root_schema.at("$schema").get_ref<const std::string&>();
    if (dialect.find("://") != std::string::npos &&
        dialect.find("json-schema.org/") == std::string::npos) {
      undecidable("/$schema", ": " + dialect + " is not known");
    }
  }
  CycleSearch cycles;
  for (const auto& node : schema_->parts().nodes) cycles.visit(*node);
  const NodeId root = value({{schema_->parts().resources.front().node, true}});
  while (!open_rules_.empty()) {  // a queue, not a recursion: references may go in circles
    const Conjunction next = std::move(open_rules_.back());
    open_rules_.pop_back();
    grammar_.define(rules_.at(next), ways(next));
  }
  return json_.document(root);
}

NodeId SchemaGrammar::value(Literals literals) {
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  if (literals.empty()) return json_.value();
  const auto known = rules_.find(literals);
  if (known != rules_.end()) return grammar_.rule(known->second);
  if (rules_.size() >= kMaxRules) {
    throw Error(ErrorCode::kExhausted, "JSON Schema: more than " + std::to_string(kMaxRules) +
                                           " different schemas that hold together");
  }
  const RuleId rule = grammar_.make_rule();
  rules_.emplace(literals, rule);
  open_rules_.push_back(std::move(literals));
  return grammar_.rule(rule);
}

NodeId SchemaGrammar::ways(const Conjunction& conjunction) {
  std::vector<NodeId> ways;
  const SchemaNode& first = *conjunction.front().node;
  if (conjunction.size() == 1 && conjunction.front().positive && only_refers(first) &&
      (first.any_of.empty() || (!first.ref && first.all_of.empty()))) {
    if (first.any_of.empty()) {
      Literals all;
      if (first.ref) all.push_back({first.ref, true});
      for (const SchemaNode* part : first.all_of) all.push_back({part, true});
      return value(std::move(all));
    }
    for (const SchemaNode* part : first.any_of) ways.push_back(value({{part, true}}));
    return ways.size() == 1 ? ways.front() : grammar_.any_of(std::move(ways));
  }
  for (const SchemaBranch& one : expansion_.expand(conjunction)) {
    ways.push_back(branch(one, conjunction));
  }
  return ways.size() == 1 ? ways.front() : grammar_.any_of(std::move(ways));
}

NodeId SchemaGrammar::branch(const SchemaBranch& branch, const Conjunction& conjunction) {
  if (branch.values) return values(branch, conjunction);
  for (const auto& [types, path] : branch.undecided) {
    if ((branch.types & types) != 0) undecidable(path);
  }
  if (branch.copied && (branch.types & (kTypeString | SchemaBranch::kNumbers)) != branch.types) {
    undecidable(branch.copied->path + "/x-copy", " for types that no text has");
  }
  std::vector<NodeId> ways;
  scalars(branch, ways);
  const auto no_value_excluded = [&](bool arrays) {
    for (const Json& one : branch.excluded) {
      if (arrays ? one.is_array() : one.is_object()) {
        undecidable("/not", ": a whole array or object is excluded");
      }
    }
  };
  if ((branch.types & kTypeArray) != 0) {
    no_value_excluded(true);
    ways.push_back(array(branch));
  }
  if ((branch.types & kTypeObject) != 0) {
    no_value_excluded(false);
    ways.push_back(object(branch));
  }
  return ways.size() == 1 ? ways.front() : grammar_.any_of(std::move(ways));
}

void SchemaGrammar::scalars(const SchemaBranch& branch, std::vector<NodeId>& ways) {
  const bool plain =
      branch.types == SchemaBranch::kAllTypes && branch.numbers.empty() && branch.excluded.empty();
  if ((branch.types & kTypeNull) != 0 && !is_excluded(branch, nullptr))
    ways.push_back(json_.null());
  if ((branch.types & kTypeBoolean) != 0) {
    for (const bool value : {true, false}) {
      if (!is_excluded(branch, value)) ways.push_back(grammar_.bytes(value ? "true" : "false"));
    }
  }
  if (plain) {
    ways.push_back(json_.number());
  } else if ((branch.types & SchemaBranch::kNumbers) != 0) {
    ways.push_back(number(branch));
  }
  if ((branch.types & kTypeString) != 0) ways.push_back(string(branch));
}

bool SchemaGrammar::fits(const Json& value, const Conjunction& conjunction) const {
  return std::all_of(conjunction.begin(), conjunction.end(), [&](const SchemaLiteral& literal) {
    Validation validation(schema_->parts());
    validation.node(*literal.node, value, "", 0, nullptr);
    if (validation.gave_up()) {
      undecidable(literal.node->path, ": a fixed value takes too long to check");
    }
    return validation.violations.empty() == literal.positive;
  });
}

// "x-domain" values; with "x-copy" those that a source names, or all when it names none.
std::vector<Json> SchemaGrammar::candidates(const SchemaBranch& branch) const {
  if (!branch.domain || !branch.domain->copied) return *branch.values;
  std::vector<Json> named;
  for (const Json& value : *branch.values) {
    const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (occurs_in(text, sources_)) named.push_back(value);
  }
  return named.empty() ? *branch.values : named;
}

NodeId SchemaGrammar::values(const SchemaBranch& branch, const Conjunction& conjunction) {
  std::set<std::string> texts;
  std::vector<std::string> strings;
  std::vector<NodeId> ways;
  for (const Json& value : candidates(branch)) {
    if (!fits(value, conjunction)) continue;
    if (json_.compact()) {
      texts.insert(dump_json(value));
    } else if (value.is_string()) {
      strings.push_back(value.get<std::string>());
    } else {
      ways.push_back(json_.constant(value));
    }
  }
  if (json_.compact()) {
    if (texts.empty()) return grammar_.nothing();
    return grammar_.span(SpanIndex::choices({texts.begin(), texts.end()}));
  }
  if (!strings.empty()) ways.push_back(json_.string(CharDfa::strings(strings)));
  return grammar_.any_of(std::move(ways));
}

NodeId SchemaGrammar::number(const SchemaBranch& branch) {
  using Kind = NumberTest::Kind;
  if (branch.copied) return copied_number(branch);
  const bool whole = (branch.types & kTypeNumber) == 0;
  const bool broken = (branch.types & kTypeInteger) == 0;  // only numbers that are not whole
  std::vector<NumberTest::Fact> facts = branch.numbers;
  for (const Json& one : branch.excluded) {
    if (one.is_number()) {
      facts.push_back({.kind = Kind::kEquals, .value = Decimal::of(one), .negated = true});
    }
  }
  if (facts.empty() && !broken) return whole ? json_.integer() : json_.number();
  if (!json_.compact()) {
    if (whole || broken) facts.push_back({.kind = Kind::kWhole, .negated = broken});
    return grammar_.number(NumberTest{std::move(facts)});
  }
  std::optional<NumberBound> min, max;
  std::vector<Decimal> steps;
  std::vector<Decimal> excluded;
  bool decided = !broken;
  for (const NumberTest::Fact& fact : facts) {
    const bool lower = fact.kind == Kind::kAtLeast || fact.kind == Kind::kAbove;
    const bool excludes = fact.kind == Kind::kAbove || fact.kind == Kind::kBelow;
    if (fact.kind == Kind::kMultiple && !fact.negated) {
      steps.push_back(fact.value);
    } else if (fact.kind == Kind::kEquals) {
      excluded.push_back(fact.value);
    } else if (fact.kind == Kind::kMultiple) {
      decided = false;
    } else if (lower) {
      const bool tighter = !min || fact.value > min->value;
      if (tighter || (fact.value == min->value && excludes)) min = {fact.value, excludes};
    } else {
      const bool tighter = !max || fact.value < max->value;
      if (tighter || (fact.value == max->value && excludes)) max = {fact.value, excludes};
    }
  }
  std::optional<NumberRule> rule;
  if (decided) rule = NumberRule::make(whole, min, max, steps, excluded);
  if (!rule) undecidable(broken ? "/type" : "/multipleOf", ": these numbers have no simple form");
  return grammar_.number(std::move(*rule));
}

NodeId SchemaGrammar::copied_string() {
  if (!copied_string_) {
    const NodeId span = grammar_.span(SpanIndex::spans(sources_, {}, true));
    copied_string_ = grammar_.sequence({grammar_.bytes("\""), span, grammar_.bytes("\"")});
  }
  return *copied_string_;
}

NodeId SchemaGrammar::copied_number(const SchemaBranch& branch) {
  const NumberTest test{branch.numbers};
  std::vector<std::string> fitting;
  for (const std::string& text : numbers_in(sources_, (branch.types & kTypeNumber) == 0)) {
    const std::optional<Decimal> number = Decimal::parse(text);
    if (number && test.holds(*number) && !is_excluded(branch, Json::parse(text))) {
      fitting.push_back(text);
    }
  }
  if (fitting.empty()) return grammar_.nothing();
  return grammar_.span(SpanIndex::choices(fitting));
}

SchemaGrammar::Literals SchemaGrammar::item_at(const SchemaBranch& branch,
                                               std::size_t index) const {
  Literals literals = branch.all_items;
  for (const SchemaNode* node : branch.arrays) {
    if (index < node->prefix_items.size()) {
      literals.push_back({node->prefix_items[index], true});
    } else if (node->items) {
      literals.push_back({node->items, true});
    }
  }
  for (const SchemaBranch::Rest& rest : branch.item_rests) {
    const bool known =
        std::any_of(rest.known.begin(), rest.known.end(),
                    [&](const SchemaNode* node) { return index < node->prefix_items.size(); });
    if (!known) literals.push_back({rest.rest, true});
  }
  if (const auto it = branch.items.find(index); it != branch.items.end()) {
    literals.insert(literals.end(), it->second.begin(), it->second.end());
  }
  return literals;
}

NodeId SchemaGrammar::array(const SchemaBranch& branch) {
  std::size_t described = branch.items.empty() ? 0 : branch.items.rbegin()->first + 1;
  bool open = branch.all_items.empty() && branch.item_rests.empty();
  const auto measure = [&](const SchemaNode* node) {
    described = std::max(described, node->prefix_items.size());
    open = open && !node->items;
  };
  for (const SchemaNode* node : branch.arrays) measure(node);
  for (const SchemaBranch::Rest& rest : branch.item_rests) {
    for (const SchemaNode* node : rest.known) measure(node);
  }
  std::size_t max = branch.max_items;
  // Models write the items that are described, and no others unless they must.
  if (json_.compact() && open && described > 0) {
    max = std::min(max, std::max(described, branch.min_items));
  }
  if (branch.min_items > max) return grammar_.nothing();
  const auto bounded = [](std::size_t n) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(n, kUnlimited - 1));
  };
  // From the end: the repeated rest, then the described items, each optional beyond the minimum.
  NodeId tail = grammar_.empty();
  if (max > described) {
    const NodeId item = value(item_at(branch, described));
    const std::uint32_t min = bounded(branch.min_items - std::min(branch.min_items, described));
    const std::uint32_t most = max == SIZE_MAX ? kUnlimited : bounded(max - described);
    if (described > 0) {
      tail = grammar_.repeat(grammar_.sequence({json_.comma(), item}), min, most);
    } else {
      const NodeId more =
          grammar_.repeat(grammar_.sequence({json_.comma(), item}), min > 0 ? min - 1 : 0,
                          most == kUnlimited ? kUnlimited : most - 1);
      tail = grammar_.sequence({item, more});
      if (min == 0) tail = grammar_.optional(tail);
    }
  }
  for (std::size_t i = std::min(described, max); i-- > 0;) {
    const NodeId item = value(item_at(branch, i));
    tail =
        i == 0 ? grammar_.sequence({item, tail}) : grammar_.sequence({json_.comma(), item, tail});
    if (i >= branch.min_items) tail = grammar_.optional(tail);
  }
  return grammar_.sequence({json_.open('['), tail, json_.close(']')});
}

}  // namespace orkestra::model
