#include <orkestra/model/text/constraint/literal_trie.h>

#include <algorithm>
#include <queue>

namespace orkestra::model {

LiteralTrie::LiteralTrie(std::vector<Literal> literals) {
  std::stable_sort(literals.begin(), literals.end(),
                   [](const Literal& a, const Literal& b) { return a.text < b.text; });
  struct Range {  // the literals below a node
    std::uint32_t node;
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  nodes_.emplace_back();
  std::queue<Range> open;
  open.push({0, 0, literals.size(), 0});
  while (!open.empty()) {
    Range range = open.front();
    open.pop();
    for (; range.begin < range.end && literals[range.begin].text.size() == range.depth;
         ++range.begin) {
      Node& node = nodes_[range.node];
      if (range.depth > 0 && node.value < 0) node.value = literals[range.begin].value;
    }
    nodes_[range.node].children = static_cast<std::uint32_t>(nodes_.size());
    while (range.begin < range.end) {
      const char byte = literals[range.begin].text[range.depth];
      std::size_t end = range.begin + 1;
      while (end < range.end && literals[end].text[range.depth] == byte) ++end;
      ++nodes_[range.node].n_children;
      open.push({static_cast<std::uint32_t>(nodes_.size()), range.begin, end, range.depth + 1});
      nodes_.push_back({.byte = static_cast<std::uint8_t>(byte)});
      range.begin = end;
    }
  }
}

std::uint32_t LiteralTrie::child(std::uint32_t node, std::uint8_t byte) const {
  const Node* first = nodes_.data() + nodes_[node].children;
  const Node* last = first + nodes_[node].n_children;
  if (node == 0 && nodes_[node].n_children == 256) return nodes_[node].children + byte;
  const Node* found =
      std::lower_bound(first, last, byte,
                       [](const Node& child, std::uint8_t wanted) { return child.byte < wanted; });
  return found != last && found->byte == byte ? static_cast<std::uint32_t>(found - nodes_.data())
                                              : 0;
}

LiteralTrie::Match LiteralTrie::longest(std::string_view text,
                                        const std::vector<std::int32_t>& except) const {
  Match best;
  each_prefix(text, [&](std::size_t length, std::int32_t value) {
    if (!std::binary_search(except.begin(), except.end(), value)) best = {value, length};
  });
  return best;
}

}  // namespace orkestra::model
