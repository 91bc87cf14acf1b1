// ConstrainedWriter: one generation's way through its constraint, token by token. It cuts the
// choice down to tokens that the constraint allows and after which the text can still be finished
// within the limit; so what a limit ends is valid, too (where single tokens spell every byte, as in
// byte-level and byte-fallback vocabularies). Owned by one sequence; one thread at a time.
#pragma once

#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/text/constraint_automaton.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace orkestra::model {

// 1 for every token free text may hold: those with bytes, and the stop tokens.
using TokenSet = std::vector<std::uint8_t>;
TokenSet text_tokens(const Tokenizer& tokenizer);

class ConstrainedWriter {
 public:
  // All of them outlive the writer; `writable` is text_tokens() of the tokenizer.
  ConstrainedWriter(const Tokenizer& tokenizer, const TokenTrie& trie, const TokenSet& writable,
                    ConstraintMatcher matcher);

  // Tokens that are enough to finish the text, few of them; 0 when it may end here, or when that
  // can't be told.
  std::size_t least_tokens() const;
  // The next token, and the text goes on with it unless it is a stop token; id -1 when the text is
  // whole and what would follow couldn't be finished. `left`: how many may still be written, this
  // one included; at least 1.
  SampledToken pick(Sampler& sampler, std::span<const float> logits, std::size_t left);
  bool at_end() const { return matcher_.at_end(); }
  const ConstraintMatcher& matcher() const { return matcher_; }

 private:
  const TokenSet& allowed();
  bool ends_within(std::size_t n_tokens);
  void find_end();
  void go_on(TokenId token);

  const Tokenizer& tokenizer_;
  const TokenTrie& trie_;
  const TokenSet& writable_;
  ConstraintMatcher matcher_;
  TokenSet mask_;
  // A way to finish from here: tokens behind `end_at_`; none = not looked for.
  std::vector<TokenId> end_;
  std::size_t end_at_ = 0;
};

}  // namespace orkestra::model
