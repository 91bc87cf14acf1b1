// CharDfa: which strings are allowed, as a deterministic automaton over Unicode code points. A
// value, immutable once built; every state can still reach an accepting one, so what is begun can
// be finished. Patterns, formats, fixed names and lengths of JSON strings all become one of these.
#pragma once

#include <orkestra/core/regex.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// Bytes of a code point inside a JSON string, in the spelling of dump_json.
std::uint32_t json_size(std::uint32_t code_point);
// One of [first, last] with the fewest such bytes.
std::uint32_t cheapest_code_point(std::uint32_t first, std::uint32_t last);

class CharDfa {
 public:
  struct Edge {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  // included
    std::uint32_t target = 0;
    friend bool operator==(const Edge&, const Edge&) = default;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kMaxStates = 20'000;
  static constexpr std::size_t kMaxEdges = 400'000;

  // Throw Error{kExhausted} beyond the bounds above; `regex` also kUnsupported for lookahead that
  // is not at the very start.
  CharDfa() = default;  // no string at all
  static CharDfa any();
  static CharDfa strings(const std::vector<std::string>& strings);
  // Texts in which the expression is found somewhere (JSON Schema's meaning).
  static CharDfa regex(const std::string& pattern);
  static CharDfa lengths(std::size_t min, std::size_t max);  // in code points
  CharDfa intersection(const CharDfa& other) const;
  CharDfa complement() const;

  bool empty() const { return begin_.size() <= 1; }  // no string at all
  bool is_any() const;
  std::size_t size() const { return begin_.size() - 1; }  // states; [0] is the start
  bool accepts(std::uint32_t state) const { return accepts_[state] != 0; }
  bool accepts(std::string_view text) const;
  std::uint32_t next(std::uint32_t state, std::uint32_t code_point) const;  // kNone = not allowed
  std::span<const Edge> edges(std::uint32_t state) const {
    return std::span<const Edge>(edges_).subspan(begin_[state], begin_[state + 1] - begin_[state]);
  }
  // Whether all that may follow `state` is any text.
  bool is_any(std::uint32_t state) const;
  // Whether some code point in [first, last] is allowed.
  bool any_edge(std::uint32_t state, std::uint32_t first, std::uint32_t last) const;
  // Bytes that are at least needed from `state` to an accepting one, as JSON is written.
  std::uint32_t distance(std::uint32_t state) const { return distance_[state]; }
  // The next character on the shortest way; kNone where there is none.
  std::uint32_t nearest(std::uint32_t state) const;
  // The largest distance one character may lead to.
  std::uint32_t farthest(std::uint32_t state) const;

 private:
  friend class CharDfaBuilder;
  std::vector<std::uint32_t> begin_{0};  // [size() + 1] of the edges of a state
  std::vector<Edge> edges_;              // sorted by `first` within a state
  std::vector<std::uint8_t> accepts_;
  std::vector<std::uint32_t> distance_;
};

}  // namespace orkestra::model
