// Masks. A state of the automaton is a set of threads, and what may come is the union of what may
// come for each: for those inside a string or prose that is looked up (VocabularyScan), for the
// others the trie is walked, which is short, because they allow little.

#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/constraint/constraint_matcher.h>
#include <orkestra/model/text/constraint/vocabulary_scan.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

using Op = Instruction::Op;

// Eight bits as eight bytes of 0 and 1.
constexpr std::array<std::uint64_t, 256> spread_table() {
  std::array<std::uint64_t, 256> table{};
  for (unsigned bits = 0; bits < 256; ++bits) {
    for (unsigned i = 0; i < 8; ++i) {
      if ((bits >> i & 1U) == 0) continue;
      const unsigned byte = std::endian::native == std::endian::little ? i : 7 - i;
      table[bits] |= std::uint64_t{1} << (8 * byte);
    }
  }
  return table;
}

void add_bits(const std::vector<std::uint64_t>& bits, std::vector<std::uint8_t>& allowed) {
  static constexpr std::array<std::uint64_t, 256> kSpread = spread_table();
  for (std::size_t word = 0; word < bits.size(); ++word) {
    if (bits[word] == 0) continue;
    const std::size_t first = word * 64;
    if (first + 64 > allowed.size()) {
      for (std::size_t i = first; i < allowed.size(); ++i) {
        allowed[i] |= static_cast<std::uint8_t>(bits[word] >> (i - first) & 1U);
      }
      return;
    }
    for (std::size_t i = 0; i < 8; ++i) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, &allowed[first + 8 * i], 8);
      eight |= kSpread[bits[word] >> (8 * i) & 0xFFU];
      std::memcpy(&allowed[first + 8 * i], &eight, 8);
    }
  }
}

class Masker {
 public:
  Masker(std::shared_ptr<const ScannedVocabulary> vocabulary, const ConstraintProgram& program,
         Simulation& simulation, std::vector<ThreadSet>& at_depth, std::vector<std::size_t>& marks,
         std::vector<std::uint8_t>& allowed)
      : vocabulary_(std::move(vocabulary)),
        program_(program),
        simulation_(simulation),
        at_depth_(at_depth),
        marks_(marks),
        allowed_(allowed) {
    if (at_depth_.size() <= vocabulary_->tree.max_depth) {
      at_depth_.resize(vocabulary_->tree.max_depth + 1);
      marks_.resize(vocabulary_->tree.max_depth + 1);
    }
  }

  void run(const ThreadSet& set) {
    ThreadSet others;
    for (const Thread& thread : set.threads) {
      const Instruction& instruction = program_.code[thread.pc];
      if (instruction.op == Op::kText) {
        for (const TokenTree::Token& token : vocabulary_->tree.tokens) allow(token.id);
      } else if (instruction.op == Op::kDfa) {
        add_prose(set, instruction, thread);
      } else if (instruction.op == Op::kSpan) {
        add_span(instruction, thread);
      } else if (instruction.op != Op::kString || !add_string(instruction, thread)) {
        others.threads.push_back(thread);
      }
    }
    if (!others.threads.empty()) walk(vocabulary_->tree, others, 0, UINT32_MAX);
  }

 private:
  void allow(TokenId id) { allowed_[static_cast<std::size_t>(id)] = 1; }

  void add_prose(const ThreadSet& set, const Instruction& instruction, const Thread& thread) {
    const ByteDfa& dfa = program_.dfas[instruction.a];
    const auto scan = program_.masks.get<TextScan>({vocabulary_, &dfa, thread.dfa_state, 0}, [&] {
      return scan_text(*vocabulary_, dfa, thread.dfa_state);
    });
    add_bits(scan->inside, allowed_);
    for (const TokenId id : scan->outside) {
      if (reads(set, vocabulary_->text(id))) allow(id);
    }
  }

  void add_span(const Instruction& instruction, const Thread& thread) {
    constexpr std::size_t kMany = 2000;  // starts; looking at them takes longer than keeping
    const SpanIndex& spans = program_.spans[instruction.a];
    const SpanIndex::Position& at = thread.position;
    std::shared_ptr<const SpanScan> kept;
    SpanScan fresh;
    if (spans.size(at) > kMany) {
      const std::uint64_t interval = std::uint64_t{at.begin} << 32U | at.end;
      kept = program_.masks.get<SpanScan>({vocabulary_, &spans, interval, at.depth},
                                          [&] { return scan_span(*vocabulary_, spans, at); });
    } else {
      fresh = scan_span(*vocabulary_, spans, at);
    }
    const SpanScan& scan = kept ? *kept : fresh;
    for (const TokenId id : scan.inside) allow(id);
    if (scan.ends.empty()) return;
    const std::size_t mark = simulation_.mark();
    ThreadSet behind;
    simulation_.leave(thread, behind);
    if (!behind.threads.empty()) walk_behind(scan.ends, behind);
    simulation_.drop_frames(mark);
  }

  // Tokens that end a span and go on with what follows: below the nodes `ends`.
  void walk_behind(const std::vector<std::uint32_t>& ends, const ThreadSet& behind) {
    const TokenTree& tree = vocabulary_->tree;
    ThreadSet next;
    std::array<std::int8_t, 256> follows{};  // 1 = the byte may come first, -1 = not; 0 = not known
    for (const std::uint32_t end : ends) {
      const TokenTree::Node& node = tree.nodes[end];
      for (std::uint32_t child = end + 1; child < node.end; child = tree.nodes[child].end) {
        const std::uint8_t byte = tree.nodes[child].byte;
        if (follows[byte] == 0) {
          const std::size_t mark = simulation_.mark();
          simulation_.step(behind, byte, next);
          simulation_.drop_frames(mark);
          follows[byte] = next.threads.empty() && !next.accepting ? -1 : 1;
        }
        if (follows[byte] > 0) walk(tree, behind, 0, UINT32_MAX, child, tree.nodes[child].end);
      }
    }
  }

  bool reads(const ThreadSet& set, std::string_view text) {
    const std::size_t mark = simulation_.mark();
    ThreadSet now = set;
    ThreadSet next;
    bool good = true;
    for (std::size_t i = 0; i < text.size() && good; ++i) {
      simulation_.step(now, static_cast<std::uint8_t>(text[i]), next);
      std::swap(now, next);
      good = !now.threads.empty() || now.accepting;
    }
    simulation_.drop_frames(mark);
    return good;
  }

  // False where the trie must be walked: inside a character.
  bool add_string(const Instruction& instruction, const Thread& thread) {
    const StringRule& rule = program_.strings[instruction.a];
    const StringRule::State state{thread.dfa_state, thread.position.depth};
    const bool before = StringRule::before(state);
    if (!before && !StringRule::between(state)) return false;
    const std::size_t spelling = rule.free_spelling() ? 1 : 0;
    const bool any = rule.counts() || rule.content().is_any(state.dfa);
    if (any) {
      const StringScan& scan =
          before ? vocabulary_->before_any[spelling] : vocabulary_->inside_any[spelling];
      const std::uint32_t room = rule.counts() ? rule.room(state) : UINT32_MAX;
      const std::uint32_t missing = rule.counts() ? rule.missing(state) : 0;
      add_scan(scan, thread, missing, room);
      return true;
    }
    const auto scan = program_.masks.get<StringScan>(
        {vocabulary_, &rule, state.dfa, before ? 1 : 0},
        [&] { return scan_string(*vocabulary_, rule, state, false); });
    add_scan(*scan, thread, 0, UINT32_MAX);
    return true;
  }

  // Strings that go on for at most `room` characters, at least `missing`.
  void add_scan(const StringScan& scan, const Thread& thread, std::uint32_t missing,
                std::uint32_t room) {
    if (scan.by_length.empty() || scan.by_length.back().tag <= room) {
      add_bits(scan.inside, allowed_);
    } else {
      for (const TokenTree::Token& token : scan.by_length) {
        if (token.tag > room) break;
        allow(token.id);
      }
    }
    const std::size_t mark = simulation_.mark();
    ThreadSet behind;
    simulation_.leave(thread, behind);
    walk(scan.closing, behind, missing, room);
    simulation_.drop_frames(mark);
  }

  // Tokens of `tree` that `set` reads, tagged from `least` to `most`.
  void walk(const TokenTree& tree, const ThreadSet& set, std::uint32_t least, std::uint32_t most) {
    if (set.threads.empty() && !set.accepting) return;
    allow_tagged(tree, 0, tree.at_root, least, most);
    walk(tree, set, least, most, 0, static_cast<std::uint32_t>(tree.nodes.size()));
  }

  void allow_tagged(const TokenTree& tree, std::uint32_t first, std::uint32_t last,
                    std::uint32_t least, std::uint32_t most) {
    for (std::uint32_t t = first; t < last; ++t) {
      if (tree.tokens[t].tag >= least && tree.tokens[t].tag <= most) allow(tree.tokens[t].id);
    }
  }

  // Only the nodes [first, last), siblings and what is below them.
  void walk(const TokenTree& tree, const ThreadSet& set, std::uint32_t least, std::uint32_t most,
            std::uint32_t first, std::uint32_t last) {
    if (set.threads.empty() || first == last) return;
    const std::size_t mark = simulation_.mark();
    const std::size_t top = tree.nodes[first].depth;
    at_depth_[top] = set;
    marks_[top] = mark;
    for (std::uint32_t i = first; i < last;) {
      const TokenTree::Node& node = tree.nodes[i];
      simulation_.drop_frames(marks_[node.depth]);
      ThreadSet& next = at_depth_[node.depth + 1U];
      simulation_.step(at_depth_[node.depth], node.byte, next);
      marks_[node.depth + 1U] = simulation_.mark();
      if (next.threads.empty() && !next.accepting) {
        i = node.end;
        continue;
      }
      allow_tagged(tree, node.tokens, node.tokens_end, least, most);
      // Where nothing can follow there is no need to look.
      i = next.threads.empty() ? node.end : i + 1;
    }
    simulation_.drop_frames(mark);
  }

  std::shared_ptr<const ScannedVocabulary> vocabulary_;
  const ConstraintProgram& program_;
  Simulation& simulation_;
  std::vector<ThreadSet>& at_depth_;
  std::vector<std::size_t>& marks_;
  std::vector<std::uint8_t>& allowed_;
};

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer)
    : vocabulary_(std::make_shared<const ScannedVocabulary>(tokenizer)) {}

TokenTrie::~TokenTrie() = default;

bool TokenTrie::spells_all_bytes() const { return vocabulary_->spells_all_bytes; }

// Backwards: the fewest tokens from each byte on.
std::vector<TokenId> TokenTrie::spell(std::string_view bytes) const {
  struct Way {
    std::uint32_t tokens = UINT32_MAX;
    TokenId first = -1;
    std::uint32_t size = 0;
  };
  std::vector<Way> ways(bytes.size() + 1);
  ways.back().tokens = 0;
  const TokenTree& tree = vocabulary_->tree;
  for (std::size_t at = bytes.size(); at-- > 0;) {
    std::uint32_t first = 0;  // of the children
    auto last = static_cast<std::uint32_t>(tree.nodes.size());
    for (std::size_t i = at; i < bytes.size(); ++i) {
      std::uint32_t child = first;
      const auto byte = static_cast<std::uint8_t>(bytes[i]);
      while (child < last && tree.nodes[child].byte != byte) child = tree.nodes[child].end;
      if (child >= last) break;
      const TokenTree::Node& node = tree.nodes[child];
      const std::uint32_t rest = ways[i + 1].tokens;
      if (node.tokens < node.tokens_end && rest != UINT32_MAX && rest + 1 < ways[at].tokens) {
        ways[at] = {rest + 1, tree.tokens[node.tokens].id, static_cast<std::uint32_t>(i + 1 - at)};
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
  allowed.assign(vocabulary_->size, 0);
  ConstraintMatcher::State& state = *matcher.state_;
  if (matcher.unconstrained()) {
    for (const TokenTree::Token& token : vocabulary_->tree.tokens) {
      allowed[static_cast<std::size_t>(token.id)] = 1;
    }
  } else {
    Masker(vocabulary_, *state.program, state.simulation, state.at_depth, state.marks, allowed)
        .run(state.set);
  }
  if (matcher.complete()) {
    for (const TokenId stop : vocabulary_->stops) allowed[static_cast<std::size_t>(stop)] = 1;
  }
}

}  // namespace orkestra::model
