// Grammar: what may be written, as a graph of nodes; the form between a Constraint and the
// automaton's program. Built by one thread, then compiled and dropped.
#pragma once

#include <orkestra/model/text/constraint/number_rule.h>
#include <orkestra/model/text/constraint/number_test.h>
#include <orkestra/model/text/constraint/span_index.h>
#include <orkestra/model/text/constraint/string_rule.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

using NodeId = std::uint32_t;
using RuleId = std::uint32_t;

constexpr std::uint32_t kUnlimited = UINT32_MAX;

// A deterministic automaton over bytes. It may end in every state: text without some marker.
struct ByteDfa {
  static constexpr std::uint8_t kDead = 255;
  struct State {
    std::vector<std::uint8_t> next = std::vector<std::uint8_t>(256, kDead);
  };
  std::vector<State> states;  // [0] is the start
};

struct GrammarNode {
  enum class Kind {
    kEmpty,
    kNothing,     // matches no text at all
    kBytes,       // bytes
    kRange,       // one byte in [first, last]
    kText,        // any bytes
    kDfa,         // index; may match nothing
    kSpan,        // index
    kString,      // index: a JSON string
    kNumber,      // index: a JSON number, restricted while it is written
    kNumberText,  // index: a JSON number in any spelling, judged when it ends
    kSpace,       // JSON's white space, up to `last` bytes
    kObject,      // index: the members of an object, braces included
    kSequence,    // children
    kAnyOf,       // children
    kRepeat,      // children[0], first to last times
    kRule,        // index: a rule, so that grammars can recurse
  };
  Kind kind = Kind::kEmpty;
  std::string bytes{};
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint32_t index = 0;
  std::vector<NodeId> children{};
};

// The members of an object. Each is a sequence "key":value; commas and braces are added.
struct GrammarObject {
  struct Member {
    NodeId node = 0;
    bool required = false;
  };
  std::vector<Member> members{};  // each at most once
  std::vector<NodeId> others{};   // any number of times
  std::uint32_t min = 0;          // members in all
  std::uint32_t max = kUnlimited;
  bool ordered = true;  // members in this order, others behind them; otherwise in any order
  NodeId open = 0;      // "{", "," and "}", with the white space around them
  NodeId comma = 0;
  NodeId close = 0;
};

// The least that the texts of each node take.
struct GrammarCost {
  static constexpr std::uint32_t kNone = UINT32_MAX;  // no text matches
  static constexpr std::uint32_t kMost = 1U << 30U;   // and more
  std::vector<std::uint32_t> bytes{};                 // [size()] of the shortest text
  std::vector<std::uint32_t> nesting{};               // [size()] frames that reading it takes
};

class Grammar {
 public:
  static constexpr std::size_t kMaxNodes = 500'000;

  NodeId empty() { return add({}); }
  NodeId nothing() { return add({.kind = GrammarNode::Kind::kNothing}); }
  NodeId bytes(std::string_view bytes);
  NodeId range(char first, char last);
  NodeId text() { return add({.kind = GrammarNode::Kind::kText}); }
  NodeId dfa(ByteDfa dfa);
  NodeId span(SpanIndex index);
  NodeId string(StringRule rule);
  NodeId number(NumberRule rule);
  NodeId number(NumberTest test);
  NodeId space(std::uint32_t max) { return add({.kind = GrammarNode::Kind::kSpace, .last = max}); }
  NodeId object(GrammarObject object);
  NodeId sequence(std::vector<NodeId> children);
  NodeId any_of(std::vector<NodeId> children);
  NodeId optional(NodeId child) { return any_of({child, empty()}); }
  // `child` must not match the empty text.
  NodeId repeat(NodeId child, std::uint32_t min, std::uint32_t max);
  // A rule is made before its body, so the body can refer to it.
  RuleId make_rule();
  void define(RuleId rule, NodeId body) { rules_[rule] = body; }
  NodeId rule(RuleId rule);

  const GrammarNode& node(NodeId id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  NodeId body(RuleId rule) const { return rules_[rule]; }
  std::size_t rule_count() const { return rules_.size(); }
  std::vector<ByteDfa>& dfas() { return dfas_; }
  std::vector<SpanIndex>& spans() { return spans_; }
  std::vector<StringRule>& strings() { return strings_; }
  std::vector<NumberRule>& numbers() { return numbers_; }
  const std::vector<SpanIndex>& spans() const { return spans_; }
  const std::vector<StringRule>& strings() const { return strings_; }
  const std::vector<NumberRule>& numbers() const { return numbers_; }
  std::vector<NumberTest>& number_tests() { return number_tests_; }
  const GrammarObject& object_at(std::uint32_t index) const { return objects_[index]; }

  // Bounds of what is missing, and what no text matches: that must not be started.
  GrammarCost cost() const;
  // Throws Error{kInvalid} when a rule refers to itself before anything is written.
  void refuse_left_recursion() const;

 private:
  NodeId add(GrammarNode node);
  std::vector<bool> nullable() const;

  std::vector<GrammarNode> nodes_;
  std::vector<NodeId> rules_;
  std::vector<ByteDfa> dfas_;
  std::vector<SpanIndex> spans_;
  std::vector<StringRule> strings_;
  std::vector<NumberRule> numbers_;
  std::vector<NumberTest> number_tests_;
  std::vector<GrammarObject> objects_;
};

}  // namespace orkestra::model
