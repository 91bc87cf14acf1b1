// What a vocabulary holds for parts of a text that nearly everything fits: the inside of a string,
// prose. A scan goes through the trie once per state of such a part; what it finds depends on
// nothing that surrounds the part, so it is kept (MaskCache) and a mask is put together from it.
#pragma once

#include <orkestra/model/text/constraint/grammar.h>
#include <orkestra/model/text/constraint/token_tree.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace orkestra::model {

// The tokens that may come at one place in a string.
struct StringScan {
  std::vector<std::uint64_t> inside;  // bits [size / 64] of tokens that don't end the string
  // Those that do, by what follows the closing quote; tagged with the characters before it.
  TokenTree closing;
  // Of `inside`, by the characters they need, fewest first: only for strings of any content.
  std::vector<TokenTree::Token> by_length;
};

// A trie and what is known of it beforehand.
struct ScannedVocabulary {
  explicit ScannedVocabulary(const Tokenizer& tokenizer);

  std::string_view text(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes).substr(begin[i], begin[i + 1] - begin[i]);
  }

  static constexpr std::uint32_t kPartial = UINT32_MAX;  // inside a character
  static constexpr std::uint32_t kBroken = UINT32_MAX - 1;

  TokenTree tree;
  std::vector<std::uint32_t> code_points;  // [tree.nodes] the character that a node completes
  std::string bytes;                       // of all tokens in the tree, one after the other
  std::vector<std::uint32_t> begin;        // [size + 1] of a token's bytes; none: not in the tree
  std::vector<TokenId> stops;
  std::size_t size = 0;
  bool spells_all_bytes = false;
  // Of a string of any content: before its opening quote, and behind it. [0] in the one spelling
  // of dump_json, [1] in any.
  StringScan before_any[2];
  StringScan inside_any[2];
};

StringScan scan_string(const ScannedVocabulary& vocabulary, const StringRule& rule,
                       StringRule::State start, bool by_length);

// The tokens that may come in a state of a ByteDfa, and the others.
struct TextScan {
  std::vector<std::uint64_t> inside;
  std::vector<TokenId> outside;
};

TextScan scan_text(const ScannedVocabulary& vocabulary, const ByteDfa& dfa, std::size_t state);

// The tokens that go on with a span, and the nodes of the trie behind which it may end.
struct SpanScan {
  std::vector<TokenId> inside;
  std::vector<std::uint32_t> ends;
};

SpanScan scan_span(const ScannedVocabulary& vocabulary, const SpanIndex& spans,
                   const SpanIndex::Position& position);

// The scans of one automaton. Any thread; bounded: beyond kMost all are forgotten.
class MaskCache {
 public:
  static constexpr std::size_t kMost = 256;
  // The vocabulary (which is kept alive, so that no other takes its address), the rule or dfa, the
  // state, and whatever else tells two scans apart.
  using Key = std::tuple<std::shared_ptr<const ScannedVocabulary>, const void*, std::uint64_t,
                         std::uint32_t>;

  template <typename Scan, typename Make>
  std::shared_ptr<const Scan> get(const Key& key, const Make& make) {
    auto& kept = kept_for(static_cast<const Scan*>(nullptr));
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = kept.find(key); it != kept.end()) return it->second;
    }
    auto scan = std::make_shared<const Scan>(make());
    const std::lock_guard lock(mutex_);
    if (kept.size() >= kMost) kept.clear();
    return kept.emplace(key, std::move(scan)).first->second;
  }

 private:
  template <typename Scan>
  using Kept = std::map<Key, std::shared_ptr<const Scan>>;
  Kept<StringScan>& kept_for(const StringScan*) { return strings_; }
  Kept<TextScan>& kept_for(const TextScan*) { return texts_; }
  Kept<SpanScan>& kept_for(const SpanScan*) { return spans_; }

  std::mutex mutex_;
  Kept<StringScan> strings_;
  Kept<TextScan> texts_;
  Kept<SpanScan> spans_;
};

}  // namespace orkestra::model
