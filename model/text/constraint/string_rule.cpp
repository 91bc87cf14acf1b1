#include <orkestra/core/json.h>
#include <orkestra/model/text/constraint/string_rule.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace orkestra::model {
namespace {

constexpr std::uint32_t kBits = 0xFFFFFF;

constexpr std::uint32_t unescaped(std::uint8_t byte) {
  switch (byte) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return byte;
  }
}

// A code point as dump_json spells it inside a string.
std::string json_spelling(std::uint32_t c) {
  std::string utf8;
  append_utf8(static_cast<std::int32_t>(c), utf8);
  const std::string quoted = dump_json(Json(utf8));
  return quoted.substr(1, quoted.size() - 2);
}

// Control characters that have an escape of two characters.
constexpr bool has_short_escape(std::uint32_t c) {
  return c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

bool StringRule::take(State& state, std::uint32_t code_point) const {
  if (counts_) {
    if (state.dfa >= max_ || content_.next(0, code_point) == CharDfa::kNone) return false;
    // Without an upper bound it is enough to count up to the lower one.
    const bool full = max_ == UINT32_MAX && state.dfa >= min_;
    state = {full ? state.dfa : state.dfa + 1, kBetween << 24U};
    return true;
  }
  const std::uint32_t next = content_.next(state.dfa, code_point);
  if (next == CharDfa::kNone) return false;
  state = {next, kBetween << 24U};
  return true;
}

bool StringRule::advance(State& state, std::uint8_t byte, bool& closed) const {
  closed = false;
  const std::uint32_t phase = state.reading >> 24U;
  if (phase == kBetween) return lead(state, byte, closed);
  if (phase == kBefore) {
    if (byte != '"' || content_.empty()) return false;
    state.reading = kBetween << 24U;
    return true;
  }
  if (phase == kEscape) return escaped(state, byte);
  if (phase < kEscape) return tail(state, byte);
  return hexadecimal(state, byte);
}

bool StringRule::lead(State& state, std::uint8_t byte, bool& closed) const {
  if (byte == '"') {
    closed = accepts(state);
    return closed;
  }
  if (byte == '\\') {
    state.reading = kEscape << 24U;
    if (free_spelling_) return possible(state, 0, CodePoints::kLast);
    return possible(state, 0, 0x1F) || possible(state, '"', '"') || possible(state, '\\', '\\');
  }
  if (byte < 0x20) return false;
  if (byte < 0x80) return take(state, byte);
  const auto begin = [&](std::uint32_t phase, std::uint32_t bits, std::uint32_t first,
                         std::uint32_t last) {
    state.reading = (phase << 24U) | bits;
    return possible(state, first, last);
  };
  if (byte >= 0xC2 && byte <= 0xDF) {
    const std::uint32_t bits = byte & 0x1FU;
    return begin(kTail1, bits, bits << 6U, (bits << 6U) | 0x3FU);
  }
  if (byte >= 0xE0 && byte <= 0xEF) {
    const std::uint32_t bits = byte & 0x0FU;
    return begin(kTail2, bits, std::max(0x800U, bits << 12U), (bits << 12U) | 0xFFFU);
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    const std::uint32_t bits = byte & 0x07U;
    return begin(kTail3, bits, std::max(0x10000U, bits << 18U),
                 std::min(CodePoints::kLast, (bits << 18U) | 0x3FFFFU));
  }
  return false;
}

bool StringRule::tail(State& state, std::uint8_t byte) const {
  if ((byte & 0xC0U) != 0x80U) return false;
  const std::uint32_t phase = state.reading >> 24U;
  const std::uint32_t bits = ((state.reading & kBits) << 6U) | (byte & 0x3FU);
  switch (phase) {
    case kTail1:
      return take(state, bits);
    case kTail1of3:
      return bits >= 0x800 && take(state, bits);
    case kTail1of4:
      return bits >= 0x10000 && bits <= CodePoints::kLast && take(state, bits);
    case kTail2: {
      state.reading = (kTail1of3 << 24U) | bits;
      const std::uint32_t last = (bits << 6U) | 0x3FU;
      return last >= 0x800 && possible(state, std::max(0x800U, bits << 6U), last);
    }
    case kTail3: {
      state.reading = (kTail2of2 << 24U) | bits;
      const std::uint32_t first = std::max(0x10000U, bits << 12U);
      const std::uint32_t last = std::min(CodePoints::kLast, (bits << 12U) | 0xFFFU);
      return first <= last && possible(state, first, last);
    }
    default:
      state.reading = (kTail1of4 << 24U) | bits;
      return possible(state, bits << 6U, (bits << 6U) | 0x3FU);
  }
}

bool StringRule::escaped(State& state, std::uint8_t byte) const {
  if (byte == 'u') {
    state.reading = kHex4 << 24U;
    if (free_spelling_) return possible(state, 0, CodePoints::kLast);
    for (std::uint32_t c = 0; c < 0x20; ++c) {
      if (!has_short_escape(c) && possible(state, c, c)) return true;
    }
    return false;
  }
  constexpr std::string_view kAll = "\"\\/bfnrt";
  if (kAll.find(static_cast<char>(byte)) == std::string_view::npos) return false;
  if (byte == '/' && !free_spelling_) return false;
  return take(state, unescaped(byte));
}

bool StringRule::hexadecimal(State& state, std::uint8_t byte) const {
  const std::uint32_t phase = state.reading >> 24U;
  const std::uint32_t bits = state.reading & kBits;
  if (phase == kPairBackslash || phase == kPairU) {
    if (byte != (phase == kPairU ? 'u' : '\\')) return false;
    state.reading = ((phase + 1) << 24U) | bits;
    return true;
  }
  std::uint32_t digit = 0;
  if (byte >= '0' && byte <= '9') {
    digit = byte - '0';
  } else if (byte >= 'a' && byte <= 'f') {
    digit = byte - 'a' + 10U;
  } else if (byte >= 'A' && byte <= 'F' && free_spelling_) {
    digit = byte - 'A' + 10U;
  } else {
    return false;
  }
  if (phase >= kLow4) {
    // bits: the first half's ten bits, then what is known of the second half.
    const std::uint32_t left = kLow1 - phase;  // digits still missing behind this one
    if (phase == kLow4 && digit != 0xD) return false;
    if (phase == kLow3 && digit < 0xC) return false;
    const std::uint32_t now = phase == kLow4   ? bits << 2U
                              : phase == kLow3 ? (bits & ~3U) | (digit & 3U)
                                               : (bits << 4U) | digit;
    if (phase == kLow4) {
      state.reading = (kLow3 << 24U) | now;
      return possible(state, 0x10000 + (bits << 10U), 0x10000 + ((bits << 10U) | 0x3FFU));
    }
    const std::uint32_t width = 4 * left;
    if (left == 0) return take(state, 0x10000 + now);
    state.reading = ((phase + 1) << 24U) | now;
    return possible(state, 0x10000 + (now << width),
                    0x10000 + ((now << width) | ((1U << width) - 1)));
  }
  const std::uint32_t left = kHex1 - phase;
  const std::uint32_t now = (bits << 4U) | digit;
  const std::uint32_t first = now << (4 * left);
  const std::uint32_t last = first | ((1U << (4 * left)) - 1);
  if (!free_spelling_) {
    if (first > 0x1F) return false;
    if (left == 0) return !has_short_escape(now) && take(state, now);
    state.reading = ((phase + 1) << 24U) | now;
    for (std::uint32_t c = first; c <= std::min(last, 0x1FU); ++c) {
      if (!has_short_escape(c) && possible(state, c, c)) return true;
    }
    return false;
  }
  if (left == 0) {
    if (now < 0xD800 || now > 0xDFFF) return take(state, now);
    if (now > 0xDBFF) return false;
    const std::uint32_t high = now - 0xD800;
    state.reading = (kPairBackslash << 24U) | high;
    return possible(state, 0x10000 + (high << 10U), 0x10000 + ((high << 10U) | 0x3FFU));
  }
  state.reading = ((phase + 1) << 24U) | now;
  if (possible(state, first, last)) return true;  // surrogates are in no CharDfa
  const std::uint32_t high = std::max(first, 0xD800U);
  const std::uint32_t top = std::min(last, 0xDBFFU);
  return high <= top && possible(state, 0x10000 + ((high - 0xD800) << 10U),
                                 0x10000 + (((top - 0xD800) << 10U) | 0x3FFU));
}

std::uint32_t StringRule::distance(const State& state) const {
  const std::uint32_t phase = state.reading >> 24U;
  if (content_.empty()) return CharDfa::kNone;
  const std::uint32_t quotes = phase == kBefore ? 2 : 1;
  const std::uint32_t begun = phase == kBefore || phase == kBetween ? 0 : 12;
  if (counts_) return (state.dfa < min_ ? min_ - state.dfa : 0) + quotes + begun;
  if (begun == 0) return content_.distance(state.dfa) + quotes;
  // Inside a character: at most eleven bytes, and whatever it leads to.
  return content_.farthest(state.dfa) + 12;
}

std::uint8_t StringRule::next_byte(const State& state) const {
  const std::uint32_t phase = state.reading >> 24U;
  if (phase == kBefore || (phase == kBetween && accepts(state))) return '"';
  // Where the nearest character is begun already, it is gone on with.
  const std::uint32_t c = counts_ ? std::uint32_t{'a'} : content_.nearest(state.dfa);
  State probe{state.dfa, kBetween << 24U};
  bool closed = false;
  for (const char byte : c == CharDfa::kNone ? std::string() : json_spelling(c)) {
    if (probe == state) return static_cast<std::uint8_t>(byte);
    if (!advance(probe, static_cast<std::uint8_t>(byte), closed)) break;
  }
  const auto goes_on = [&](std::uint8_t byte) {
    State next = state;
    return advance(next, byte, closed);
  };
  if (phase < kEscape) {
    for (std::uint8_t byte = 0x80; byte < 0xBF; ++byte) {
      if (goes_on(byte)) return byte;
    }
    return 0xBF;
  }
  constexpr std::string_view kAny = "\"\\nrtbf/u0123456789abcdef";
  for (const char one : kAny) {
    if (goes_on(static_cast<std::uint8_t>(one))) return static_cast<std::uint8_t>(one);
  }
  return '\\';
}

}  // namespace orkestra::model
