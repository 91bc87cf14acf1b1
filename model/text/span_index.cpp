#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/text/span_index.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>

namespace orkestra::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<std::uint8_t>(c) >= 0x80;
}

// Whether the point or comma at `at`, behind a digit, goes on with the number: "12.5" and "4,200",
// but not "1,2".
bool joins_digits(std::string_view text, std::size_t at) {
  const auto digit_at = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  if (text[at] == '.') return digit_at(at + 1);
  return text[at] == ',' && digit_at(at + 1) && digit_at(at + 2) && digit_at(at + 3) &&
         !digit_at(at + 4);
}

// One character as it stands inside a JSON string.
std::string json_escaped(std::string_view character) {
  const std::string quoted = dump_json(Json(std::string(character)));
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

bool inside_word(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size()) return false;
  const char before = text[at - 1];
  const char after = text[at];
  if (is_word(before) && is_word(after)) return true;
  if (is_digit(before) && joins_digits(text, at)) return true;
  if (is_digit(after) && at >= 2 && is_digit(text[at - 2]) && joins_digits(text, at - 1)) {
    return true;
  }
  // A sign belongs to its number unless it joins words: "-5", but "2024-05".
  if (before == '-' && is_digit(after)) return at < 2 || !is_word(text[at - 2]);
  return false;
}

SpanIndex SpanIndex::spans(const std::vector<SpanSource>& sources, const SpanRules& rules,
                           bool json) {
  SpanIndex index;
  index.min_bytes_ = std::max<std::size_t>(rules.min_bytes, 1);
  index.max_bytes_ = rules.max_bytes;
  for (const SpanSource& source : sources) {
    if (index.text_.size() + source.text.size() > kMaxBytes) {
      throw Error(ErrorCode::kExhausted, "constraint: the sources of a span are longer than " +
                                             std::to_string(kMaxBytes >> 10U) + " KiB");
    }
    // Bytes that are no UTF-8 can't be copied: what lies between them can.
    std::size_t begin = 0;
    for (std::size_t at = 0; at < source.text.size();) {
      const std::size_t length = utf8_length(source.text, at);
      if (length == 0) {
        index.add_piece(std::string_view(source.text).substr(begin, at - begin), rules, json);
        begin = at + 1;
      }
      at += std::max<std::size_t>(length, 1);
    }
    index.add_piece(std::string_view(source.text).substr(begin), rules, json);
  }
  index.ends_.push_back(true);
  index.sort();
  return index;
}

void SpanIndex::add_piece(std::string_view piece, const SpanRules& rules, bool json) {
  const std::size_t first = text_.size();
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t length = utf8_length(piece, at);
    const bool edge = !rules.whole_words || !inside_word(piece, at);
    const bool starts = edge && !(rules.whole_words && is_space(piece[at]));
    const bool ends = edge && at > 0 && !(rules.whole_words && is_space(piece[at - 1]));
    const std::string_view character = piece.substr(at, length);
    const std::string written = json ? json_escaped(character) : std::string(character);
    if (starts) starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    ends_.push_back(ends);
    ends_.resize(ends_.size() + written.size() - 1, false);
    text_ += written;
    at += length;
  }
  limit_.resize(text_.size(), static_cast<std::uint32_t>(text_.size()));
  // A span may end where its piece ends: a byte no start can reach keeps the flag apart from the
  // next piece's first byte.
  if (text_.size() > first) {
    ends_.push_back(!rules.whole_words || !is_space(piece.back()));
    text_.push_back('\0');
    limit_.push_back(static_cast<std::uint32_t>(text_.size() - 1));
  }
}

SpanIndex SpanIndex::choices(const std::vector<std::string>& strings) {
  SpanIndex index;
  for (const std::string& string : strings) {
    index.starts_.push_back(static_cast<std::uint32_t>(index.text_.size()));
    index.ends_.resize(index.text_.size() + string.size(), false);
    index.text_ += string;
    index.limit_.resize(index.text_.size(), static_cast<std::uint32_t>(index.text_.size()));
    index.ends_.push_back(true);
    index.text_.push_back('\0');
    index.limit_.push_back(static_cast<std::uint32_t>(index.text_.size() - 1));
    index.max_bytes_ = std::max(index.max_bytes_, string.size());
    if (index.text_.size() > (std::size_t{16} << 20U)) {
      throw Error(ErrorCode::kExhausted, "constraint: choices of more than 16 MiB");
    }
  }
  index.ends_.push_back(true);
  index.sort();
  return index;
}

std::string_view SpanIndex::tail(std::uint32_t start) const {
  const std::size_t length = std::min<std::size_t>(limit_[start] - start, max_bytes_);
  return std::string_view(text_).substr(start, length);
}

void SpanIndex::sort() {
  std::sort(starts_.begin(), starts_.end(), [&](std::uint32_t a, std::uint32_t b) {
    const int order = tail(a).compare(tail(b));
    return order != 0 ? order < 0 : a < b;
  });
}

bool SpanIndex::advance(Position& position, std::uint8_t byte) const {
  const auto first = starts_.begin();
  // The byte at this depth; -1 where a text is over.
  const auto at_depth = [&](std::uint32_t start) -> int {
    const std::string_view text = tail(start);
    return position.depth < text.size() ? static_cast<std::uint8_t>(text[position.depth]) : -1;
  };
  const auto low = std::lower_bound(first + position.begin, first + position.end, int{byte},
                                    [&](std::uint32_t s, int b) { return at_depth(s) < b; });
  const auto high = std::upper_bound(low, first + position.end, int{byte},
                                     [&](int b, std::uint32_t s) { return b < at_depth(s); });
  if (low == high) return false;
  position.begin = static_cast<std::uint32_t>(low - first);
  position.end = static_cast<std::uint32_t>(high - first);
  ++position.depth;
  return true;
}

bool SpanIndex::may_end(const Position& position) const {
  if (position.depth < min_bytes_ || position.depth > max_bytes_) return false;
  return std::any_of(starts_.begin() + position.begin, starts_.begin() + position.end,
                     [&](std::uint32_t start) { return ends_[start + position.depth]; });
}

bool SpanIndex::may_continue(const Position& position) const {
  // A text that is over sorts before those that go on.
  return position.begin < position.end && tail(starts_[position.end - 1]).size() > position.depth;
}

}  // namespace orkestra::model
