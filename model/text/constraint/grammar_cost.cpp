// The least that a node's texts cost: Dijkstra's search over a grammar (Knuth 1977, "A
// generalization of Dijkstra's algorithm"). Cheapest nodes first; a node is settled when what it
// needs is.

#include <orkestra/model/text/constraint/grammar.h>

#include <algorithm>
#include <queue>
#include <utility>

namespace orkestra::model {
namespace {

using Kind = GrammarNode::Kind;
constexpr std::uint32_t kNone = GrammarCost::kNone;

struct Least {
  std::uint32_t bytes = kNone;
  std::uint32_t nesting = 0;
};

std::uint32_t added(std::uint32_t a, std::uint32_t b) {
  if (a == kNone || b == kNone) return kNone;
  return std::min(GrammarCost::kMost, a + b);
}

class CostSearch {
 public:
  explicit CostSearch(const Grammar& grammar)
      : grammar_(grammar), least_(grammar.size()), missing_(grammar.size(), 0) {}

  GrammarCost run() {
    link();
    for (NodeId id = 0; id < grammar_.size(); ++id) settle_leaf(id);
    while (!queue_.empty()) {
      const auto [bytes, id] = queue_.top();
      queue_.pop();
      if (done_[id]) continue;
      done_[id] = true;
      for (std::uint32_t i = begin_[id]; i < begin_[id + 1]; ++i) child_settled(parents_[i], id);
    }
    GrammarCost cost;
    for (NodeId id = 0; id < grammar_.size(); ++id) {
      cost.bytes.push_back(done_[id] ? least_[id].bytes : kNone);
      cost.nesting.push_back(least_[id].nesting);
    }
    return cost;
  }

 private:
  template <typename Visit>
  void each_child(NodeId id, const Visit& visit) const {
    const GrammarNode& node = grammar_.node(id);
    for (const NodeId child : node.children) visit(child);
    if (node.kind == Kind::kRule) visit(grammar_.body(node.index));
    if (node.kind == Kind::kObject) {
      const GrammarObject& object = grammar_.object_at(node.index);
      for (const NodeId part : {object.open, object.comma, object.close}) visit(part);
    }
  }

  // Edges turned round: from a node to those that are made of it.
  void link() {
    const std::size_t n = grammar_.size();
    begin_.assign(n + 1, 0);
    done_.assign(n, false);
    for (NodeId id = 0; id < n; ++id) {
      each_child(id, [&](NodeId child) {
        ++begin_[child + 1];
        ++missing_[id];
      });
    }
    for (std::size_t i = 0; i < n; ++i) begin_[i + 1] += begin_[i];
    parents_.resize(begin_[n]);
    std::vector<std::uint32_t> at(begin_.begin(), begin_.end() - 1);
    for (NodeId id = 0; id < n; ++id) {
      each_child(id, [&](NodeId child) { parents_[at[child]++] = id; });
    }
  }

  void offer(NodeId id, Least least) {
    if (done_[id] || least.bytes >= least_[id].bytes) return;
    least_[id] = least;
    queue_.emplace(least.bytes, id);
  }

  void settle_leaf(NodeId id) {
    const GrammarNode& node = grammar_.node(id);
    switch (node.kind) {
      case Kind::kEmpty:
      case Kind::kText:
      case Kind::kSpace:
      case Kind::kDfa:
        return offer(id, {.bytes = 0});
      case Kind::kBytes:
        return offer(id, {.bytes = static_cast<std::uint32_t>(node.bytes.size())});
      case Kind::kRange:
      case Kind::kNumberText:
        return offer(id, {.bytes = 1});
      case Kind::kSpan: {
        const SpanIndex& spans = grammar_.spans()[node.index];
        if (!spans.empty()) offer(id, {.bytes = spans.distance(spans.start())});
        return;
      }
      case Kind::kString:
        return offer(id, {.bytes = grammar_.strings()[node.index].distance(StringRule::start())});
      case Kind::kNumber:
        return offer(id, {.bytes = grammar_.numbers()[node.index].distance({})});
      case Kind::kSequence:
        if (node.children.empty()) offer(id, {.bytes = 0});
        return;
      case Kind::kRepeat:
        if (node.first == 0) offer(id, {.bytes = 0, .nesting = 1});
        return;
      default:
        return;
    }
  }

  void child_settled(NodeId id, NodeId child) {
    const GrammarNode& node = grammar_.node(id);
    const Least& part = least_[child];
    --missing_[id];
    switch (node.kind) {
      case Kind::kAnyOf:
        return offer(id, part);
      case Kind::kRule:
        return offer(id, {.bytes = part.bytes, .nesting = part.nesting + 1});
      case Kind::kRepeat: {
        std::uint64_t bytes = std::uint64_t{part.bytes} * node.first;
        bytes = std::min<std::uint64_t>(bytes, GrammarCost::kMost);
        return offer(id, {static_cast<std::uint32_t>(bytes), part.nesting + 1});
      }
      case Kind::kSequence: {
        if (missing_[id] > 0) return;
        Least all{.bytes = 0};
        for (const NodeId one : node.children) {
          all.bytes = added(all.bytes, least_[one].bytes);
          all.nesting = std::max(all.nesting, least_[one].nesting);
        }
        return offer(id, all);
      }
      case Kind::kObject:
        return offer(id, object(grammar_.object_at(node.index)));
      default:
        return;
    }
  }

  Least object(const GrammarObject& object) const {
    Least all{.bytes = 0};
    const auto add = [&](NodeId id) {
      all.bytes = added(all.bytes, done_[id] ? least_[id].bytes : kNone);
      all.nesting = std::max(all.nesting, least_[id].nesting + 1);
    };
    for (const NodeId id : {object.open, object.close, object.comma}) {
      if (!done_[id]) return {};
    }
    add(object.open);
    add(object.close);
    std::uint32_t count = 0;
    std::vector<NodeId> optional;
    for (const GrammarObject::Member& member : object.members) {
      if (member.required) {
        add(member.node);
        ++count;
      } else if (done_[member.node]) {
        optional.push_back(member.node);
      }
    }
    if (all.bytes == kNone || count > object.max || object.min > object.max) return {};
    const auto cheaper = [&](NodeId a, NodeId b) { return least_[a].bytes < least_[b].bytes; };
    if (count < object.min) std::sort(optional.begin(), optional.end(), cheaper);
    for (std::size_t i = 0; count < object.min && i < optional.size(); ++i, ++count) {
      add(optional[i]);
    }
    if (count < object.min) {
      std::vector<NodeId> others;
      for (const NodeId other : object.others) {
        if (done_[other]) others.push_back(other);
      }
      if (others.empty()) return {};
      const NodeId other = *std::min_element(others.begin(), others.end(), cheaper);
      for (; count < object.min; ++count) add(other);
    }
    for (std::uint32_t i = 1; i < count; ++i) {
      all.bytes = added(all.bytes, least_[object.comma].bytes);
    }
    return all;
  }

  const Grammar& grammar_;
  std::vector<Least> least_;
  std::vector<std::uint32_t> missing_;  // children that are not settled
  std::vector<bool> done_;
  std::vector<std::uint32_t> begin_;  // [size() + 1] of the parents of a node
  std::vector<NodeId> parents_;
  std::priority_queue<std::pair<std::uint32_t, NodeId>,
                      std::vector<std::pair<std::uint32_t, NodeId>>, std::greater<>>
      queue_;
};

}  // namespace

GrammarCost Grammar::cost() const { return CostSearch(*this).run(); }

}  // namespace orkestra::model
