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
  index.finish();
  return index;
}

void SpanIndex::add_piece(std::string_view piece, const SpanRules& rules, bool json) {
  const std::size_t first = text_.size();
  const std::size_t first_start = starts_.size();
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
  // A span may end where its piece ends: a byte that belongs to no span keeps the flag apart from
  // the next piece's first byte.
  if (text_.size() > first) {
    const auto end = static_cast<std::uint32_t>(text_.size());
    ends_.push_back(!rules.whole_words || !is_space(piece.back()));
    text_.push_back('\0');
    for (std::size_t i = first_start; i < starts_.size(); ++i) {
      const std::size_t most = std::min<std::size_t>(end - starts_[i], max_bytes_);
      lengths_.push_back(static_cast<std::uint32_t>(most));
    }
  }
}

SpanIndex SpanIndex::choices(const std::vector<std::string>& strings) {
  SpanIndex index;
  for (const std::string& string : strings) {
    index.starts_.push_back(static_cast<std::uint32_t>(index.text_.size()));
    index.lengths_.push_back(static_cast<std::uint32_t>(string.size()));
    index.ends_.resize(index.text_.size() + string.size(), false);
    index.text_ += string;
    index.ends_.push_back(true);
    index.text_.push_back('\0');
    index.max_bytes_ = std::max(index.max_bytes_, string.size());
    if (index.text_.size() > (std::size_t{16} << 20U)) {
      throw Error(ErrorCode::kExhausted, "constraint: choices of more than 16 MiB");
    }
  }
  index.ends_.push_back(true);
  index.finish();
  return index;
}

constexpr std::size_t kBlock = 32;

// Cuts lengths back to the last end, drops starts that have none, sorts.
void SpanIndex::finish() {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> kept;
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    std::size_t length = lengths_[i];
    while (length > min_bytes_ && !ends_[starts_[i] + length]) --length;
    if (length < min_bytes_ || !ends_[starts_[i] + length]) continue;
    kept.emplace_back(starts_[i], static_cast<std::uint32_t>(length));
  }
  const std::string_view text = text_;
  std::sort(kept.begin(), kept.end(), [&](const auto& a, const auto& b) {
    const int order = text.substr(a.first, max_bytes_).compare(text.substr(b.first, max_bytes_));
    return order != 0 ? order < 0 : a < b;
  });
  starts_.clear();
  lengths_.clear();
  for (const auto& [start, length] : kept) {
    starts_.push_back(start);
    lengths_.push_back(length);
  }
  const std::size_t blocks = (lengths_.size() + kBlock - 1) / kBlock;
  longest_.assign(2 * blocks, 0);
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    std::uint32_t& most = longest_[blocks + i / kBlock];
    most = std::max(most, lengths_[i]);
  }
  for (std::size_t i = blocks; i-- > 1;)
    longest_[i] = std::max(longest_[2 * i], longest_[2 * i + 1]);
}

// The maximum of lengths_[begin, end).
std::uint32_t SpanIndex::longest(std::uint32_t begin, std::uint32_t end) const {
  std::uint32_t most = 0;
  const auto scan = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) most = std::max(most, lengths_[i]);
  };
  const std::size_t first = (begin + kBlock - 1) / kBlock;
  const std::size_t last = end / kBlock;
  if (first >= last) {
    scan(begin, end);
    return most;
  }
  scan(begin, first * kBlock);
  scan(last * kBlock, end);
  const std::size_t blocks = longest_.size() / 2;
  for (std::size_t a = first + blocks, b = last + blocks; a < b; a /= 2, b /= 2) {
    if (a % 2 == 1) most = std::max(most, longest_[a++]);
    if (b % 2 == 1) most = std::max(most, longest_[--b]);
  }
  return most;
}

bool SpanIndex::advance(Position& position, std::uint8_t byte) const {
  const auto first = starts_.begin();
  // The byte at this depth; -1 behind all text.
  const auto at_depth = [&](std::uint32_t start) -> int {
    const std::size_t at = std::size_t{start} + position.depth;
    return at < text_.size() ? static_cast<std::uint8_t>(text_[at]) : -1;
  };
  const auto low = std::lower_bound(first + position.begin, first + position.end, int{byte},
                                    [&](std::uint32_t s, int b) { return at_depth(s) < b; });
  const auto high = std::upper_bound(low, first + position.end, int{byte},
                                     [&](int b, std::uint32_t s) { return b < at_depth(s); });
  if (low == high) return false;
  const auto begin = static_cast<std::uint32_t>(low - first);
  const auto end = static_cast<std::uint32_t>(high - first);
  if (longest(begin, end) <= position.depth) return false;
  position = {begin, end, position.depth + 1};
  return true;
}

bool SpanIndex::may_end(const Position& position) const {
  if (position.depth < min_bytes_) return false;
  for (std::uint32_t i = position.begin; i < position.end; ++i) {
    if (position.depth <= lengths_[i] && ends_[starts_[i] + position.depth]) return true;
  }
  return false;
}

bool SpanIndex::may_continue(const Position& position) const {
  return position.begin < position.end && longest(position.begin, position.end) > position.depth;
}

std::size_t SpanIndex::next_end(std::uint32_t start, std::size_t depth) const {
  std::size_t length = std::max(depth, min_bytes_);
  while (!ends_[start + length]) ++length;
  return length;
}

// Looks at some starts only: any end will do, a near one is better.
std::pair<std::uint32_t, std::size_t> SpanIndex::nearest_end(const Position& position) const {
  constexpr int kLooks = 64;
  std::pair<std::uint32_t, std::size_t> best{0, SIZE_MAX};
  int looks = 0;
  for (std::uint32_t i = position.begin; i < position.end && looks < kLooks; ++i) {
    if (lengths_[i] < position.depth) continue;
    ++looks;
    const std::size_t length = next_end(starts_[i], position.depth);
    if (length < best.second) best = {starts_[i], length};
  }
  return best;
}

std::string SpanIndex::shortest_end(const Position& position) const {
  const auto [start, length] = nearest_end(position);
  if (length == SIZE_MAX) return "";
  return text_.substr(start + position.depth, length - position.depth);
}

std::uint32_t SpanIndex::distance(const Position& position) const {
  const std::size_t length = nearest_end(position).second;
  return length == SIZE_MAX ? UINT32_MAX : static_cast<std::uint32_t>(length) - position.depth;
}

}  // namespace orkestra::model
