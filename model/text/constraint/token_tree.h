// TokenTree: texts of tokens as a byte trie, its nodes in depth-first order: a forbidden byte skips
// its whole subtree in one jump. Immutable once built.
#pragma once

#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct TokenTree {
  struct Entry {
    std::string_view text;
    TokenId id = -1;
    std::uint32_t tag = 0;  // whatever the owner wants to know of it
  };
  struct Node {
    std::uint8_t byte = 0;
    std::uint16_t depth = 0;   // of its parent
    std::uint32_t end = 0;     // the node behind its subtree
    std::uint32_t tokens = 0;  // [tokens, tokens_end) of `tokens` end here
    std::uint32_t tokens_end = 0;
  };
  struct Token {
    TokenId id = -1;
    std::uint32_t tag = 0;
  };
  std::vector<Node> nodes;
  std::vector<Token> tokens;  // those of a subtree are contiguous
  std::uint32_t at_root = 0;  // [0, at_root) of `tokens` have no text
  std::size_t max_depth = 0;

  // Sorts `entries`; their texts need not outlive the call.
  static TokenTree build(std::vector<Entry> entries);
  // Behind the tokens of the subtree of `node`.
  std::uint32_t subtree_tokens_end(std::uint32_t node) const {
    const std::uint32_t end = nodes[node].end;
    return end < nodes.size() ? nodes[end].tokens : static_cast<std::uint32_t>(tokens.size());
  }

 private:
  void add(std::span<const Entry> sorted, std::size_t depth);
};

}  // namespace orkestra::model
