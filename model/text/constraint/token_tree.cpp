#include <orkestra/model/text/constraint/token_tree.h>

#include <algorithm>

namespace orkestra::model {

TokenTree TokenTree::build(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const int order = a.text.compare(b.text);
    return order != 0 ? order < 0 : a.id < b.id;
  });
  TokenTree tree;
  std::size_t first = 0;
  for (; first < entries.size() && entries[first].text.empty(); ++first) {
    tree.tokens.push_back({entries[first].id, entries[first].tag});
  }
  tree.at_root = static_cast<std::uint32_t>(first);
  tree.add(std::span<const Entry>(entries).subspan(first), 0);
  return tree;
}

// `sorted` share their first `depth` bytes and are longer than that.
void TokenTree::add(std::span<const Entry> sorted, std::size_t depth) {
  max_depth = std::max(max_depth, depth + 1);
  for (std::size_t begin = 0; begin < sorted.size();) {
    const char byte = sorted[begin].text[depth];
    std::size_t group = begin;
    while (group < sorted.size() && sorted[group].text[depth] == byte) ++group;
    const std::size_t node = nodes.size();
    nodes.push_back({.byte = static_cast<std::uint8_t>(byte),
                     .depth = static_cast<std::uint16_t>(depth),
                     .tokens = static_cast<std::uint32_t>(tokens.size())});
    for (; begin < group && sorted[begin].text.size() == depth + 1; ++begin) {
      tokens.push_back({sorted[begin].id, sorted[begin].tag});
    }
    nodes[node].tokens_end = static_cast<std::uint32_t>(tokens.size());
    if (begin < group) add(sorted.subspan(begin, group - begin), depth + 1);
    nodes[node].end = static_cast<std::uint32_t>(nodes.size());
    begin = group;
  }
}

}  // namespace orkestra::model
