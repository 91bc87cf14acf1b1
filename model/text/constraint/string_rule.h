// StringRule: a JSON string whose content a CharDfa allows, read byte by byte: quotes, escapes,
// surrogate pairs and UTF-8 are undone on the way. Immutable.
#pragma once

#include <orkestra/model/text/constraint/char_dfa.h>

#include <cstdint>
#include <utility>

namespace orkestra::model {

class StringRule {
 public:
  struct State {
    std::uint32_t dfa = 0;
    std::uint32_t reading = 0;  // where inside a character, and its bits so far
    friend bool operator==(const State&, const State&) = default;
  };

  // `free_spelling`: any escape that JSON has. Otherwise only the spelling dump_json writes:
  // UTF-8, and escapes for quotes, backslashes and control characters alone.
  StringRule(CharDfa content, bool free_spelling)
      : content_(std::move(content)), free_spelling_(free_spelling) {}
  // Any content of min to max characters; the state's `dfa` counts them. UINT32_MAX: no upper
  // bound.
  static StringRule of_length(std::uint32_t min, std::uint32_t max, bool free_spelling) {
    StringRule rule(min <= max ? CharDfa::any() : CharDfa(), free_spelling);
    rule.counts_ = true;
    rule.min_ = min;
    rule.max_ = max;
    return rule;
  }

  // Before the opening quote.
  static State start() { return {0, kBefore << 24U}; }
  // Behind the opening quote, between two characters.
  static State inside(std::uint32_t dfa) { return {dfa, kBetween << 24U}; }
  static bool before(const State& state) { return state.reading == kBefore << 24U; }
  static bool between(const State& state) { return state.reading == kBetween << 24U; }
  // False when no allowed string goes on like this. `closed`: the closing quote was read.
  bool advance(State& state, std::uint8_t byte, bool& closed) const;
  // Bytes that are missing, closing quote included: the fewest, or (inside a character) a bound.
  std::uint32_t distance(const State& state) const;
  // The next byte of a string that takes no more.
  std::uint8_t next_byte(const State& state) const;
  bool empty() const { return content_.empty(); }
  const CharDfa& content() const { return content_; }
  bool free_spelling() const { return free_spelling_; }
  // Of a rule on lengths alone: how many more characters may and must come; UINT32_MAX = any.
  bool counts() const { return counts_; }
  std::uint32_t room(const State& state) const {
    return max_ == UINT32_MAX ? UINT32_MAX : max_ - state.dfa;
  }
  std::uint32_t missing(const State& state) const {
    return state.dfa < min_ ? min_ - state.dfa : 0;
  }

 private:
  // State::reading: phase (8 bits), bits of the character so far (24).
  enum Phase : std::uint32_t {
    kBefore,   // the opening quote comes next
    kBetween,  // a character or the closing quote
    kTail1,    // 1 to 3 bytes of UTF-8 are missing
    kTail2,
    kTail3,
    kTail2of2,  // 2 missing of a four-byte character
    kTail1of4,
    kTail1of3,
    kEscape,  // behind a backslash
    kHex4,    // 4 to 1 hexadecimal digits are missing
    kHex3,
    kHex2,
    kHex1,
    kPairBackslash,  // behind the first half of a surrogate pair
    kPairU,
    kLow4,
    kLow3,
    kLow2,
    kLow1,
  };

  bool lead(State& state, std::uint8_t byte, bool& closed) const;
  bool tail(State& state, std::uint8_t byte) const;
  bool escaped(State& state, std::uint8_t byte) const;
  bool hexadecimal(State& state, std::uint8_t byte) const;
  bool take(State& state, std::uint32_t code_point) const;
  bool possible(const State& state, std::uint32_t first, std::uint32_t last) const {
    if (counts_) return state.dfa < max_ && content_.any_edge(0, first, last);
    return content_.any_edge(state.dfa, first, last);
  }
  bool accepts(const State& state) const {
    return counts_ ? state.dfa >= min_ : content_.accepts(state.dfa);
  }

  CharDfa content_;
  bool free_spelling_;
  bool counts_ = false;
  std::uint32_t min_ = 0;
  std::uint32_t max_ = 0;
};

}  // namespace orkestra::model
