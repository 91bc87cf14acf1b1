// SpanIndex: which substrings of some texts may be written, followed byte by byte.
// The permitted starts are kept sorted by what follows them, so a position is an interval of
// starts that share the bytes written so far: a step is two binary searches, whatever was written.
// Immutable after building.
#pragma once

#include <orkestra/model/constraint.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
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

  static constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;

  bool empty() const { return starts_.empty(); }
  Position start() const { return {0, static_cast<std::uint32_t>(starts_.size()), 0}; }
  // False when no permitted span goes on with `byte`.
  bool advance(Position& position, std::uint8_t byte) const;
  bool may_end(const Position& position) const;
  bool may_continue(const Position& position) const;

 private:
  void add_piece(std::string_view text, const SpanRules& rules, bool json);
  void sort();
  std::string_view tail(std::uint32_t start) const;

  std::string text_;                  // all pieces, as they would be written
  std::vector<bool> ends_;            // [text_.size() + 1] a span may end before this byte
  std::vector<std::uint32_t> limit_;  // [text_.size()] the end of the piece a byte lies in
  std::vector<std::uint32_t> starts_;
  std::size_t min_bytes_ = 0;
  std::size_t max_bytes_ = 0;
};

// Whether a word, number or sign of `text` would be cut by an edge before byte `at`:
// inside letters and digits, "4|,200", "12|.50", "-|5".
bool inside_word(std::string_view text, std::size_t at);

}  // namespace orkestra::model
