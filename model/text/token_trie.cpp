#include <orkestra/model/text/constraint_automaton.h>
#include <orkestra/model/text/constraint_matcher.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {

// Nodes in depth-first order: a forbidden byte skips its whole subtree in one jump.
struct TokenTrie::Tree {
  struct Node {
    std::uint8_t byte = 0;
    std::uint16_t depth = 0;   // of its parent
    std::uint32_t end = 0;     // the node behind its subtree
    std::uint32_t tokens = 0;  // [tokens, tokens_end) of ids end here
    std::uint32_t tokens_end = 0;
  };
  std::vector<Node> nodes;
  std::vector<TokenId> ids;
  std::vector<TokenId> stops;
  std::size_t vocabulary = 0;
  std::size_t max_depth = 0;
  bool spells_all_bytes = false;

  void build(const std::vector<std::pair<std::string_view, TokenId>>& sorted, std::size_t begin,
             std::size_t end, std::size_t depth);
};

namespace {

constexpr std::size_t kMaxTokenBytes = 512;  // longer ones are never offered under a constraint

}  // namespace

// sorted[begin, end) share their first `depth` bytes and are longer than that.
void TokenTrie::Tree::build(const std::vector<std::pair<std::string_view, TokenId>>& sorted,
                            std::size_t begin, std::size_t end, std::size_t depth) {
  max_depth = std::max(max_depth, depth + 1);
  while (begin < end) {
    const char byte = sorted[begin].first[depth];
    std::size_t group = begin;
    while (group < end && sorted[group].first[depth] == byte) ++group;
    const std::size_t node = nodes.size();
    nodes.push_back({.byte = static_cast<std::uint8_t>(byte),
                     .depth = static_cast<std::uint16_t>(depth),
                     .tokens = static_cast<std::uint32_t>(ids.size())});
    while (begin < group && sorted[begin].first.size() == depth + 1) {
      ids.push_back(sorted[begin++].second);
    }
    nodes[node].tokens_end = static_cast<std::uint32_t>(ids.size());
    if (begin < group) build(sorted, begin, group, depth + 1);
    nodes[node].end = static_cast<std::uint32_t>(nodes.size());
    begin = group;
  }
}

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  auto tree = std::make_unique<Tree>();
  std::vector<std::pair<std::string_view, TokenId>> sorted;
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    const TokenKind kind = tokenizer.kind(id);
    const bool text =
        kind == TokenKind::kNormal || kind == TokenKind::kUserDefined || kind == TokenKind::kByte;
    const std::string_view bytes = tokenizer.bytes(id);
    if (text && !bytes.empty() && bytes.size() <= kMaxTokenBytes) sorted.emplace_back(bytes, id);
  }
  std::sort(sorted.begin(), sorted.end());
  tree->build(sorted, 0, sorted.size(), 0);
  std::vector<bool> single(256, false);
  for (const auto& [bytes, id] : sorted) {
    if (bytes.size() == 1) single[static_cast<std::uint8_t>(bytes[0])] = true;
  }
  tree->spells_all_bytes = std::find(single.begin(), single.end(), false) == single.end();
  tree->stops = tokenizer.stops();
  tree->vocabulary = static_cast<std::size_t>(tokenizer.size());
  tree_ = std::move(tree);
}

TokenTrie::~TokenTrie() = default;

bool TokenTrie::spells_all_bytes() const { return tree_->spells_all_bytes; }

// Backwards: the fewest tokens from each byte on.
std::vector<TokenId> TokenTrie::spell(std::string_view bytes) const {
  struct Way {
    std::uint32_t tokens = UINT32_MAX;
    TokenId first = -1;
    std::uint32_t size = 0;
  };
  std::vector<Way> ways(bytes.size() + 1);
  ways.back().tokens = 0;
  const std::vector<Tree::Node>& nodes = tree_->nodes;
  for (std::size_t at = bytes.size(); at-- > 0;) {
    std::uint32_t first = 0;  // of the children
    auto last = static_cast<std::uint32_t>(nodes.size());
    for (std::size_t i = at; i < bytes.size(); ++i) {
      std::uint32_t child = first;
      const auto byte = static_cast<std::uint8_t>(bytes[i]);
      while (child < last && nodes[child].byte != byte) child = nodes[child].end;
      if (child >= last) break;
      const Tree::Node& node = nodes[child];
      const std::uint32_t rest = ways[i + 1].tokens;
      if (node.tokens < node.tokens_end && rest != UINT32_MAX && rest + 1 < ways[at].tokens) {
        ways[at] = {rest + 1, tree_->ids[node.tokens], static_cast<std::uint32_t>(i + 1 - at)};
      }
      first = child + 1;
      last = node.end;
    }
  }
  std::vector<TokenId> ids;
  for (std::size_t at = 0; at < bytes.size(); at += ways[at].size) {
    if (ways[at].size == 0) return {};
    ids.push_back(ways[at].first);
  }
  return ids;
}

void TokenTrie::mask(const ConstraintMatcher& matcher, std::vector<std::uint8_t>& allowed) const {
  allowed.assign(tree_->vocabulary, 0);
  if (matcher.unconstrained()) {
    for (const TokenId id : tree_->ids) allowed[static_cast<std::size_t>(id)] = 1;
  } else {
    Simulation simulation = matcher.state_->simulation;
    std::vector<ThreadSet> at_depth(tree_->max_depth + 1);  // after that many bytes
    std::vector<std::size_t> marks(tree_->max_depth + 1);
    at_depth[0] = matcher.state_->set;
    marks[0] = simulation.mark();
    for (std::uint32_t i = 0; i < tree_->nodes.size();) {
      const Tree::Node& node = tree_->nodes[i];
      simulation.drop_frames(marks[node.depth]);
      ThreadSet& next = at_depth[node.depth + 1U];
      simulation.step(at_depth[node.depth], node.byte, next);
      marks[node.depth + 1U] = simulation.mark();
      if (next.threads.empty() && !next.accepting) {
        i = node.end;
        continue;
      }
      for (std::uint32_t t = node.tokens; t < node.tokens_end; ++t) {
        allowed[static_cast<std::size_t>(tree_->ids[t])] = 1;
      }
      ++i;
    }
  }
  if (matcher.complete()) {
    for (const TokenId stop : tree_->stops) allowed[static_cast<std::size_t>(stop)] = 1;
  }
}

}  // namespace orkestra::model
