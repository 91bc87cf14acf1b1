// ConstraintAutomaton: a Constraint compiled to a nondeterministic byte-level pushdown automaton.
// ConstraintMatcher: its position in one output. TokenMask: which tokens may come next.
//
// The automaton is immutable and shared; a matcher is a value owned by one sequence.
#pragma once

#include <orkestra/model/constraint.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct ScannedVocabulary;

class ConstraintAutomaton {
 public:
  // `constraint` holds no tool_call node any more (ChatFormat::expand).
  // Throws Error{kUnsupported, kInvalid, kExhausted} naming the part that can't be compiled;
  // kInvalid, too, when there is no text at all to write, unless that is asked for by
  // `allow_nothing`.
  static std::shared_ptr<const ConstraintAutomaton> compile(const Constraint& constraint,
                                                            bool allow_nothing = false);
  virtual ~ConstraintAutomaton() = default;
};

class ConstraintMatcher {
 public:
  explicit ConstraintMatcher(std::shared_ptr<const ConstraintAutomaton> automaton);
  ConstraintMatcher(const ConstraintMatcher&);
  ConstraintMatcher(ConstraintMatcher&&) noexcept;
  ConstraintMatcher& operator=(const ConstraintMatcher&);
  ConstraintMatcher& operator=(ConstraintMatcher&&) noexcept;
  ~ConstraintMatcher();

  bool accept(std::string_view bytes);  // false (and unchanged) when they are not allowed next
  bool accept_byte(std::uint8_t byte);
  void undo();            // takes back the last accept() that was true, once
  bool complete() const;  // the output may end here
  bool at_end() const;    // it must: nothing else is allowed
  bool unconstrained() const;
  // Steps of threads so far, those of masks included: what it all cost, in a measure of its own.
  std::uint64_t work() const;
  // Bytes that are enough to finish the output, few of them; 0 when it may end here, 2^30 when
  // there are too many or that isn't known.
  std::uint32_t distance() const;
  // Such an end; nullopt where none is known (a JSON number in any spelling).
  std::optional<std::string> shortest_end() const;
  // The bytes that must come next, whatever is chosen: as long as the output may not end and only
  // one byte is allowed. At most `max_bytes`; "" when there is a choice already. They can be
  // tokenized and appended without asking the model; the last token may well be cut short by the
  // end of what is forced, so a caller that wants the model's own tokens leaves it out.
  std::string forced_bytes(std::size_t max_bytes = 256) const;

 private:
  friend class TokenTrie;
  struct State;
  std::unique_ptr<State> state_;
};

// A vocabulary as a byte trie: built once per tokenizer, shared.
class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);
  ~TokenTrie();
  // allowed[id] = 1 for every token whose bytes the matcher would accept, 0 otherwise. The matcher
  // is not changed, but must not be used elsewhere meanwhile.
  // Stop tokens are allowed exactly when the matcher is complete. `allowed` has size() entries.
  void mask(const ConstraintMatcher& matcher, std::vector<std::uint8_t>& allowed) const;
  // The fewest tokens with just these bytes; none when there are no such tokens.
  std::vector<TokenId> spell(std::string_view bytes) const;
  bool spells_all_bytes() const;  // whether each byte is a token

 private:
  std::shared_ptr<const ScannedVocabulary> vocabulary_;
};

}  // namespace orkestra::model
