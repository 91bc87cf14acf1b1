#include <orkestra/core/error.h>
#include <orkestra/model/text/constraint/grammar.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {

using Kind = GrammarNode::Kind;

NodeId Grammar::add(GrammarNode node) {
  if (nodes_.size() >= kMaxNodes) {
    throw Error(ErrorCode::kExhausted,
                "constraint: a grammar of more than " + std::to_string(kMaxNodes) + " parts");
  }
  nodes_.push_back(std::move(node));
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Grammar::bytes(std::string_view bytes) {
  return add({.kind = Kind::kBytes, .bytes = std::string(bytes)});
}

NodeId Grammar::range(char first, char last) {
  return add({.kind = Kind::kRange,
              .first = static_cast<std::uint8_t>(first),
              .last = static_cast<std::uint8_t>(last)});
}

NodeId Grammar::dfa(ByteDfa dfa) {
  dfas_.push_back(std::move(dfa));
  return add({.kind = Kind::kDfa, .index = static_cast<std::uint32_t>(dfas_.size() - 1)});
}

NodeId Grammar::span(SpanIndex index) {
  spans_.push_back(std::move(index));
  return add({.kind = Kind::kSpan, .index = static_cast<std::uint32_t>(spans_.size() - 1)});
}

NodeId Grammar::string(StringRule rule) {
  if (rule.empty()) return nothing();
  strings_.push_back(std::move(rule));
  return add({.kind = Kind::kString, .index = static_cast<std::uint32_t>(strings_.size() - 1)});
}

NodeId Grammar::number(NumberRule rule) {
  if (!rule.possible({})) return nothing();
  numbers_.push_back(std::move(rule));
  return add({.kind = Kind::kNumber, .index = static_cast<std::uint32_t>(numbers_.size() - 1)});
}

NodeId Grammar::number(NumberTest test) {
  number_tests_.push_back(std::move(test));
  return add(
      {.kind = Kind::kNumberText, .index = static_cast<std::uint32_t>(number_tests_.size() - 1)});
}

NodeId Grammar::object(GrammarObject object) {
  std::vector<NodeId> children;
  for (const GrammarObject::Member& member : object.members) children.push_back(member.node);
  children.insert(children.end(), object.others.begin(), object.others.end());
  objects_.push_back(std::move(object));
  return add({.kind = Kind::kObject,
              .index = static_cast<std::uint32_t>(objects_.size() - 1),
              .children = std::move(children)});
}

NodeId Grammar::sequence(std::vector<NodeId> children) {
  return add({.kind = Kind::kSequence, .children = std::move(children)});
}

NodeId Grammar::any_of(std::vector<NodeId> children) {
  return add({.kind = Kind::kAnyOf, .children = std::move(children)});
}

NodeId Grammar::repeat(NodeId child, std::uint32_t min, std::uint32_t max) {
  if (min > max) return nothing();
  return add({.kind = Kind::kRepeat, .first = min, .last = max, .children = {child}});
}

RuleId Grammar::make_rule() {
  rules_.push_back(0);
  return static_cast<RuleId>(rules_.size() - 1);
}

NodeId Grammar::rule(RuleId rule) { return add({.kind = Kind::kRule, .index = rule}); }

std::vector<bool> Grammar::nullable() const {
  std::vector<bool> null(nodes_.size(), false);
  const auto is_null = [&](NodeId child) { return null[child]; };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (null[i]) continue;
      const GrammarNode& node = nodes_[i];
      const auto& c = node.children;
      bool now = node.kind == Kind::kEmpty || node.kind == Kind::kText || node.kind == Kind::kDfa ||
                 node.kind == Kind::kSpace;
      if (node.kind == Kind::kBytes) now = node.bytes.empty();
      if (node.kind == Kind::kSequence) now = std::all_of(c.begin(), c.end(), is_null);
      if (node.kind == Kind::kAnyOf) now = std::any_of(c.begin(), c.end(), is_null);
      if (node.kind == Kind::kRepeat) now = node.first == 0 || is_null(c.front());
      if (node.kind == Kind::kRule) now = is_null(rules_[node.index]);
      if (now) null[i] = changed = true;
    }
  }
  return null;
}

void Grammar::refuse_left_recursion() const {
  const std::vector<bool> null = nullable();
  // Rules a rule can reach before anything is written.
  std::vector<std::vector<RuleId>> first(rules_.size());
  for (RuleId rule = 0; rule < rules_.size(); ++rule) {
    std::vector<NodeId> open{rules_[rule]};
    std::vector<bool> seen(nodes_.size(), false);
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      if (seen[id]) continue;
      seen[id] = true;
      const GrammarNode& node = nodes_[id];
      if (node.kind == Kind::kRule) first[rule].push_back(node.index);
      if (node.kind == Kind::kObject) continue;  // its brace comes first
      for (const NodeId child : node.children) {
        open.push_back(child);
        if (node.kind == Kind::kSequence && !null[child]) break;
      }
    }
  }
  // Depth-first search for a cycle; 1 = on the path, 2 = done.
  std::vector<int> state(rules_.size(), 0);
  for (RuleId root = 0; root < rules_.size(); ++root) {
    std::vector<std::pair<RuleId, std::size_t>> path;
    if (state[root] == 0) path.emplace_back(root, 0);
    while (!path.empty()) {
      auto& [rule, next] = path.back();
      state[rule] = 1;
      if (next == first[rule].size()) {
        state[rule] = 2;
        path.pop_back();
        continue;
      }
      const RuleId target = first[rule][next++];
      if (state[target] == 1) {
        throw Error(ErrorCode::kInvalid, "constraint: a $ref refers to nothing but itself");
      }
      if (state[target] == 0) path.emplace_back(target, 0);
    }
  }
}

}  // namespace orkestra::model
