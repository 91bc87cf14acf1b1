// LiteralTrie: many strings, looked for at a place in a text; time goes with the length of what
// matches, not with their number. Immutable, any thread. Holds copies of nothing but bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace orkestra::model {

class LiteralTrie {
 public:
  struct Literal {
    std::string_view text;  // not empty; of two equal ones the first counts
    std::int32_t value;     // >= 0
  };
  struct Match {
    std::int32_t value = -1;  // -1 = none
    std::size_t length = 0;   // bytes
  };

  LiteralTrie() : LiteralTrie(std::vector<Literal>()) {}
  explicit LiteralTrie(std::vector<Literal> literals);

  bool empty() const { return nodes_.size() == 1; }

  // Calls visit(length, value) for every literal that `text` begins with, shortest first.
  template <typename Visit>
  void each_prefix(std::string_view text, Visit&& visit) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<std::uint8_t>(text[i]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) visit(i + 1, nodes_[node].value);
    }
  }

  // The longest literal that `text` begins with, without those whose value is in `except` (sorted).
  Match longest(std::string_view text, const std::vector<std::int32_t>& except = {}) const;

 private:
  struct Node {
    std::uint32_t children = 0;  // the first child; siblings lie in a row, by byte
    std::uint16_t n_children = 0;
    std::uint8_t byte = 0;
    std::int32_t value = -1;
  };
  std::uint32_t child(std::uint32_t node, std::uint8_t byte) const;  // 0 = none

  std::vector<Node> nodes_;  // [0] is the root
};

}  // namespace orkestra::model
