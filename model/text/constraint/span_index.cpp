#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/text/constraint/span_index.h>
#include <orkestra/model/text/constraint/suffix_array.h>
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

// Runs of white space as one space.
std::string with_one_space(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (out.empty() || out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

// One character as it stands inside a JSON string.
std::string json_escaped(std::string_view character) {
  const auto lead = static_cast<std::uint8_t>(character.front());
  if (lead >= 0x20 && lead != '"' && lead != '\\' && lead != 0x7F) return std::string(character);
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
                                             std::to_string(kMaxBytes >> 20U) + " MiB");
    }
    const std::string text = rules.one_space ? with_one_space(source.text) : source.text;
    // Bytes that are no UTF-8 can't be copied: what lies between them can.
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = utf8_length(text, at);
      if (length == 0) {
        index.add_piece(std::string_view(text).substr(begin, at - begin), rules, json);
        begin = at + 1;
      }
      at += std::max<std::size_t>(length, 1);
    }
    index.add_piece(std::string_view(text).substr(begin), rules, json);
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
constexpr std::uint32_t kNoStart = UINT32_MAX;

// Cuts lengths back to the last end, drops starts that have none, sorts.
void SpanIndex::finish() {
  std::vector<std::uint32_t> length_at(text_.size() + 1, kNoStart);
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    std::size_t length = lengths_[i];
    while (length > min_bytes_ && !ends_[starts_[i] + length]) --length;
    if (length < min_bytes_ || !ends_[starts_[i] + length]) continue;
    length_at[starts_[i]] = static_cast<std::uint32_t>(length);
  }
  starts_.clear();
  lengths_.clear();
  for (const std::uint32_t start : suffix_array(text_)) {
    if (length_at[start] == kNoStart) continue;
    starts_.push_back(start);
    lengths_.push_back(length_at[start]);
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
  const auto partition = [&](std::uint32_t begin, int least) {
    std::uint32_t end = position.end;
    while (begin < end) {
      const std::uint32_t middle = begin + (end - begin) / 2;
      if (byte_at(middle, position.depth) < least) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  };
  const std::uint32_t begin = partition(position.begin, byte);
  if (begin == position.end || byte_at(begin, position.depth) != byte) return false;
  const std::uint32_t end = partition(begin, byte + 1);
  if (longest(begin, end) <= position.depth) return false;
  position = {begin, end, position.depth + 1};
  return true;
}

std::uint32_t SpanIndex::behind_byte(std::uint32_t begin, std::uint32_t end,
                                     std::uint32_t depth) const {
  const int byte = byte_at(begin, depth);
  std::uint32_t step = 1;
  std::uint32_t low = begin;
  while (low + step < end && byte_at(low + step, depth) == byte) {
    low += step;
    step *= 2;
  }
  std::uint32_t high = std::min(end, low + step);  // not the same byte any more
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (byte_at(middle, depth) == byte ? low : high) = middle;
  }
  return high;
}

bool SpanIndex::may_end(const Position& position) const {
  if (position.depth < min_bytes_) return false;
  const auto ends = [&](std::uint32_t i) {
    return position.depth <= lengths_[i] && ends_[starts_[i] + position.depth];
  };
  // Whether a word ends is told by the byte before and the byte behind; but numbers and signs look
  // farther, and texts end in different places.
  constexpr std::uint32_t kFew = 16;
  const auto looks_farther = [](int byte) {
    return byte <= 0 || is_digit(static_cast<char>(byte)) || byte == '.' || byte == ',' ||
           byte == '-';
  };
  const bool far = position.end > position.begin && position.depth > 0 &&
                   looks_farther(byte_at(position.begin, position.depth - 1));
  for (std::uint32_t begin = position.begin; begin < position.end;) {
    const bool all =
        far || position.end - begin <= kFew || looks_farther(byte_at(begin, position.depth));
    const std::uint32_t end = position.end - begin <= kFew
                                  ? position.end
                                  : behind_byte(begin, position.end, position.depth);
    const std::uint32_t last = all ? end : std::min(end, begin + kFew);
    for (std::uint32_t i = begin; i < last; ++i) {
      if (ends(i)) return true;
    }
    begin = end;
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
