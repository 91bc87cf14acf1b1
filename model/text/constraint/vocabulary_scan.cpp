#include <orkestra/core/text.h>
#include <orkestra/model/text/constraint/vocabulary_scan.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxTokenBytes = 512;  // longer ones are never offered under a constraint

// Where a state of a CharDfa leads, by character.
struct Row {
  static constexpr std::uint32_t kMixed = UINT32_MAX - 1;
  std::array<std::uint32_t, 128> ascii{};
  std::uint32_t others = CharDfa::kNone;  // all that aren't ASCII; kMixed = it depends

  Row(const CharDfa& dfa, std::uint32_t state) {
    ascii.fill(CharDfa::kNone);
    std::uint32_t covered = 0;
    for (const CharDfa::Edge& edge : dfa.edges(state)) {
      for (std::uint32_t c = edge.first; c <= std::min<std::uint32_t>(edge.last, 127); ++c) {
        ascii[c] = edge.target;
      }
      if (edge.last < 128) continue;
      if (covered > 0 && others != edge.target) others = kMixed;
      if (covered == 0) others = edge.target;
      covered += edge.last - std::max<std::uint32_t>(edge.first, 128) + 1;
    }
    constexpr std::uint32_t kAll = (0xD7FF - 0x80 + 1) + (0x10FFFF - 0xE000 + 1);
    if (covered > 0 && covered < kAll) others = kMixed;
  }
};

// Whether `bytes`, fewer than a whole character, can begin one.
bool begins_character(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::uint8_t lead = at(0);
  const std::size_t length = lead >= 0xF0 ? 4 : (lead >= 0xE0 ? 3 : 2);
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() >= length) return false;
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return false;
  }
  if (bytes.size() == 1) return true;
  if (lead == 0xE0) return at(1) >= 0xA0;  // no overlong forms, no surrogates, nothing above 10FFFF
  if (lead == 0xED) return at(1) < 0xA0;
  if (lead == 0xF0) return at(1) >= 0x90;
  return lead != 0xF4 || at(1) < 0x90;
}

void set_bit(std::vector<std::uint64_t>& bits, TokenId id) {
  const auto i = static_cast<std::size_t>(id);
  bits[i / 64] |= std::uint64_t{1} << (i % 64);
}

class StringScanner {
 public:
  StringScanner(const ScannedVocabulary& vocabulary, const StringRule& rule)
      : vocabulary_(vocabulary), rule_(rule), rows_(rule.content().size()) {}

  StringScan run(StringRule::State start, bool by_length) {
    const TokenTree& tree = vocabulary_.tree;
    StringScan scan;
    scan.inside.resize((vocabulary_.size + 63) / 64);
    std::vector<Place> at(tree.max_depth + 1);
    at[0] = {.state = start};
    std::vector<TokenTree::Entry> closing;
    const auto n = static_cast<std::uint32_t>(tree.nodes.size());
    for (std::uint32_t i = 0; i < n;) {
      const TokenTree::Node& node = tree.nodes[i];
      Place& next = at[node.depth + 1U];
      bool closed = false;
      if (!step(at[node.depth], i, node.byte, next, closed)) {
        i = node.end;
        continue;
      }
      if (closed) {
        const std::uint32_t end = tree.subtree_tokens_end(i);
        for (std::uint32_t t = node.tokens; t < end; ++t) {
          const TokenId id = tree.tokens[t].id;
          closing.push_back(
              {vocabulary_.text(id).substr(node.depth + 1U), id, at[node.depth].characters});
        }
        i = node.end;
        continue;
      }
      for (std::uint32_t t = node.tokens; t < node.tokens_end; ++t) {
        const TokenId id = tree.tokens[t].id;
        set_bit(scan.inside, id);
        const bool begun = next.partial || !rule_.between(next.state);
        if (by_length) scan.by_length.push_back({id, next.characters + (begun ? 1U : 0U)});
      }
      ++i;
    }
    scan.closing = TokenTree::build(std::move(closing));
    std::stable_sort(scan.by_length.begin(), scan.by_length.end(),
                     [](const auto& a, const auto& b) { return a.tag < b.tag; });
    return scan;
  }

 private:
  struct Place {
    StringRule::State state{};
    std::uint32_t characters = 0;
    bool partial = false;  // inside a character whose bytes the vocabulary knows
  };

  const Row& row(std::uint32_t state) {
    if (!rows_[state]) rows_[state] = std::make_unique<const Row>(rule_.content(), state);
    return *rows_[state];
  }

  bool step(const Place& now, std::uint32_t node, std::uint8_t byte, Place& next, bool& closed) {
    if (rule_.between(now.state)) {
      const Row& targets = row(now.state.dfa);
      const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
      if (plain || (byte >= 0x80 && targets.others != Row::kMixed)) {
        const std::uint32_t target = plain ? targets.ascii[byte] : targets.others;
        if (target == CharDfa::kNone) return false;
        const std::uint32_t c = vocabulary_.code_points[node];
        if (c == ScannedVocabulary::kBroken) return false;
        next = now;
        next.partial = c == ScannedVocabulary::kPartial;
        if (next.partial) return true;
        next.state.dfa = target;
        ++next.characters;
        return true;
      }
    }
    next = now;
    if (!rule_.advance(next.state, byte, closed)) return false;
    const bool was_between = rule_.between(now.state) || rule_.before(now.state);
    if (!closed && !was_between && rule_.between(next.state)) ++next.characters;
    return true;
  }

  const ScannedVocabulary& vocabulary_;
  const StringRule& rule_;
  std::vector<std::unique_ptr<const Row>> rows_;
};

}  // namespace

ScannedVocabulary::ScannedVocabulary(const Tokenizer& tokenizer)
    : stops(tokenizer.stops()), size(static_cast<std::size_t>(tokenizer.size())) {
  std::vector<TokenTree::Entry> entries;
  std::vector<bool> single(256, false);
  begin.push_back(0);
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    const TokenKind kind = tokenizer.kind(id);
    const bool written =
        kind == TokenKind::kNormal || kind == TokenKind::kUserDefined || kind == TokenKind::kByte;
    const std::string_view text = tokenizer.bytes(id);
    if (written && !text.empty() && text.size() <= kMaxTokenBytes) {
      entries.push_back({text, id, 0});
      bytes += text;
      if (text.size() == 1) single[static_cast<std::uint8_t>(text[0])] = true;
    }
    begin.push_back(static_cast<std::uint32_t>(bytes.size()));
  }
  spells_all_bytes = std::find(single.begin(), single.end(), false) == single.end();
  tree = TokenTree::build(std::move(entries));
  // Characters along every path, from a token's first byte on.
  code_points.reserve(tree.nodes.size());
  std::string path;
  std::vector<std::size_t> start(tree.max_depth + 1, 0);  // of the character at a depth
  for (const TokenTree::Node& node : tree.nodes) {
    path.resize(node.depth);
    path += static_cast<char>(node.byte);
    const std::size_t first = start[node.depth];
    std::uint32_t c = kBroken;
    start[node.depth + 1U] = first;
    if (first != SIZE_MAX) {
      const std::string_view character = std::string_view(path).substr(first);
      const CodePoint point = code_point_at(character, 0);
      if (point.value >= 0 && point.size == character.size()) {
        c = static_cast<std::uint32_t>(point.value);
        start[node.depth + 1U] = path.size();
      } else if (begins_character(character)) {
        c = kPartial;
      }
    }
    if (c == kBroken) start[node.depth + 1U] = SIZE_MAX;
    code_points.push_back(c);
  }
  for (const bool free_spelling : {false, true}) {
    const StringRule any(CharDfa::any(), free_spelling);
    before_any[free_spelling ? 1 : 0] = scan_string(*this, any, StringRule::start(), true);
    inside_any[free_spelling ? 1 : 0] = scan_string(*this, any, StringRule::inside(0), true);
  }
}

StringScan scan_string(const ScannedVocabulary& vocabulary, const StringRule& rule,
                       StringRule::State start, bool by_length) {
  return StringScanner(vocabulary, rule).run(start, by_length);
}

TextScan scan_text(const ScannedVocabulary& vocabulary, const ByteDfa& dfa, std::size_t state) {
  const TokenTree& tree = vocabulary.tree;
  TextScan scan;
  scan.inside.resize((vocabulary.size + 63) / 64);
  std::vector<std::uint8_t> at(tree.max_depth + 1);
  at[0] = static_cast<std::uint8_t>(state);
  for (std::uint32_t i = 0; i < tree.nodes.size();) {
    const TokenTree::Node& node = tree.nodes[i];
    const std::uint8_t next = dfa.states[at[node.depth]].next[node.byte];
    at[node.depth + 1U] = next;
    if (next == ByteDfa::kDead) {
      const std::uint32_t end = tree.subtree_tokens_end(i);
      for (std::uint32_t t = node.tokens; t < end; ++t) scan.outside.push_back(tree.tokens[t].id);
      i = node.end;
      continue;
    }
    for (std::uint32_t t = node.tokens; t < node.tokens_end; ++t) {
      set_bit(scan.inside, tree.tokens[t].id);
    }
    ++i;
  }
  return scan;
}

namespace {

class SpanScanner {
 public:
  SpanScanner(const TokenTree& tree, const SpanIndex& spans, SpanScan& scan)
      : tree_(tree), spans_(spans), scan_(scan) {}

  // Bytes of spans and of nodes come in the same order.
  void run(std::uint32_t first, std::uint32_t last, const SpanIndex::Position& position) {
    std::uint32_t child = first;
    spans_.each_next(position, [&](std::uint8_t byte, const SpanIndex::Position& next) {
      while (child < last && tree_.nodes[child].byte < byte) child = tree_.nodes[child].end;
      if (child >= last || tree_.nodes[child].byte != byte) return;
      const TokenTree::Node& node = tree_.nodes[child];
      for (std::uint32_t t = node.tokens; t < node.tokens_end; ++t) {
        scan_.inside.push_back(tree_.tokens[t].id);
      }
      if (node.end == child + 1) return;
      if (spans_.may_end(next)) scan_.ends.push_back(child);
      run(child + 1, node.end, next);
    });
  }

 private:
  const TokenTree& tree_;
  const SpanIndex& spans_;
  SpanScan& scan_;
};

}  // namespace

SpanScan scan_span(const ScannedVocabulary& vocabulary, const SpanIndex& spans,
                   const SpanIndex::Position& position) {
  SpanScan scan;
  SpanScanner(vocabulary.tree, spans, scan)
      .run(0, static_cast<std::uint32_t>(vocabulary.tree.nodes.size()), position);
  return scan;
}

}  // namespace orkestra::model
