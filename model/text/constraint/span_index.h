// SpanIndex: which substrings of some texts may be written, followed byte by byte.
// The permitted starts are kept sorted by what follows them, so a position is an interval of
// starts that share the bytes written so far: a step is two binary searches, whatever was written.
// Only starts from which a permitted end can be reached are kept, and no position leads past the
// last of them: what is begun can be finished. Immutable after building.
#pragma once

#include <orkestra/model/constraint.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {

class SpanIndex {
 public:
  struct Position {
    std::uint32_t begin = 0;  // [begin, end) of the sorted starts
    std::uint32_t end = 0;
    std::uint32_t depth = 0;  // bytes written
    friend bool operator==(const Position&, const Position&) = default;
  };

  // Spans of `sources` under `rules`. With `json`, what is written is the inside of a JSON string:
  // the span as dump_json would escape it. Throws Error{kExhausted} beyond kMaxBytes.
  static SpanIndex spans(const std::vector<SpanSource>& sources, const SpanRules& rules, bool json);
  // Exactly these strings.
  static SpanIndex choices(const std::vector<std::string>& strings);

  // Of all sources together. An index takes 1.2 bytes for each of them and 8.3 for each permitted
  // start; while it is built, about 18 bytes for each.
  static constexpr std::size_t kMaxBytes = std::size_t{8} << 20U;

  bool empty() const { return starts_.empty(); }
  Position start() const { return {0, static_cast<std::uint32_t>(starts_.size()), 0}; }
  // False when no permitted span goes on with `byte`.
  bool advance(Position& position, std::uint8_t byte) const;
  bool may_end(const Position& position) const;
  bool may_continue(const Position& position) const;
  // The bytes from here to an end, few of them (one of the nearest); how many they are.
  std::string shortest_end(const Position& position) const;
  std::uint32_t distance(const Position& position) const;

  std::size_t size(const Position& position) const { return position.end - position.begin; }
  // The bytes with which spans go on, in ascending order: visit(byte, position behind it).
  template <typename Visit>
  void each_next(const Position& position, const Visit& visit) const {
    for (std::uint32_t begin = position.begin; begin < position.end;) {
      const int byte = byte_at(begin, position.depth);
      const std::uint32_t end = behind_byte(begin, position.end, position.depth);
      if (byte >= 0 && longest(begin, end) > position.depth) {
        visit(static_cast<std::uint8_t>(byte), Position{begin, end, position.depth + 1});
      }
      begin = end;
    }
  }

 private:
  void add_piece(std::string_view text, const SpanRules& rules, bool json);
  void finish();
  // The end nearest to `start` that is not before `depth`, as a length; at most lengths_.
  int byte_at(std::uint32_t i, std::uint32_t depth) const {  // of starts_[i]; -1 behind all text
    const std::size_t at = std::size_t{starts_[i]} + depth;
    return at < text_.size() ? static_cast<std::uint8_t>(text_[at]) : -1;
  }
  // From `begin` on, the first with another byte at `depth`.
  std::uint32_t behind_byte(std::uint32_t begin, std::uint32_t end, std::uint32_t depth) const;
  std::size_t next_end(std::uint32_t start, std::size_t depth) const;
  std::uint32_t longest(std::uint32_t begin, std::uint32_t end) const;
  std::pair<std::uint32_t, std::size_t> nearest_end(const Position& position) const;

  std::string text_;                    // all pieces, as they would be written
  std::vector<bool> ends_;              // [text_.size() + 1] a span may end before this byte
  std::vector<std::uint32_t> starts_;   // sorted by what follows
  std::vector<std::uint32_t> lengths_;  // [starts_] of the longest permitted span
  std::vector<std::uint32_t> longest_;  // a tree of maxima over blocks of lengths_
  std::size_t min_bytes_ = 0;
  std::size_t max_bytes_ = 0;
};

// Whether a word, number or sign of `text` would be cut by an edge before byte `at`:
// inside letters and digits, "4|,200", "12|.50", "-|5".
bool inside_word(std::string_view text, std::size_t at);

}  // namespace orkestra::model
