// ConstrainedWriter: one generation's way through its constraint, token by token. It cuts the
// choice down to tokens that the constraint allows and after which the text can still be finished
// within the limit; so what a limit ends is valid, too (where single tokens spell every byte, as in
// byte-level and byte-fallback vocabularies). Owned by one sequence; one thread at a time.
#pragma once

#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace orkestra::model {

// 1 for every token free text may hold: those with bytes, and the stop tokens.
using TokenSet = std::vector<std::uint8_t>;
TokenSet text_tokens(const Tokenizer& tokenizer);

// A part of what is written, with a limit of its own.
struct WritingPhase {
  ConstraintMatcher matcher;
  std::size_t max_tokens = SIZE_MAX;
};

class ConstrainedWriter {
 public:
  // All of them outlive the writer; `writable` is text_tokens() of the tokenizer. The phases come
  // one after the other; each but the last ends where its constraint allows nothing more.
  ConstrainedWriter(const Tokenizer& tokenizer, const TokenTrie& trie, const TokenSet& writable,
                    std::vector<WritingPhase> phases);
  ConstrainedWriter(const Tokenizer& tokenizer, const TokenTrie& trie, const TokenSet& writable,
                    ConstraintMatcher matcher)
      : ConstrainedWriter(tokenizer, trie, writable, one_phase(std::move(matcher))) {}

  // Tokens that are enough to finish the text, few of them; 0 when it may end here, or when that
  // can't be told.
  std::size_t least_tokens() const;
  // The next token, and the text goes on with it unless it is a stop token; id -1 when the text is
  // whole and what would follow couldn't be finished. `left`: how many may still be written, this
  // one included; at least 1.
  SampledToken pick(Sampler& sampler, std::span<const float> logits, std::size_t left);
  // Tokens that must come now whatever is chosen, at most `most`, as the tokenizer cuts their text;
  // the text goes on with them. None where the limit is near.
  std::vector<TokenId> take_forced(std::size_t left, std::size_t most);
  bool at_end() const { return phase_ + 1 == phases_.size() && matcher().at_end(); }
  const ConstraintMatcher& matcher() const { return phases_[phase_].matcher; }

 private:
  static std::vector<WritingPhase> one_phase(ConstraintMatcher matcher);
  const ConstraintMatcher& current() const { return phases_[phase_].matcher; }
  ConstraintMatcher& current() { return phases_[phase_].matcher; }
  std::size_t least_of(const WritingPhase& phase) const;
  std::size_t room(std::size_t left) const;
  SampledToken pick_within(Sampler& sampler, std::span<const float> logits, std::size_t room);
  void count(std::size_t n_tokens);
  const TokenSet& allowed();
  bool ends_within(std::size_t n_tokens);
  void find_end();
  void go_on(TokenId token);

  const Tokenizer& tokenizer_;
  const TokenTrie& trie_;
  const TokenSet& writable_;
  std::vector<WritingPhase> phases_;
  std::size_t phase_ = 0;
  std::size_t written_ = 0;      // tokens of this phase
  std::size_t least_later_ = 0;  // tokens of the phases behind it
  TokenSet mask_;
  // A way to finish from here: tokens behind `end_at_`; none = not looked for.
  std::vector<TokenId> end_;
  std::size_t end_at_ = 0;
};

}  // namespace orkestra::model
