#include <orkestra/core/text.h>
#include <orkestra/core/unicode.h>
#include <orkestra/model/text/tokenizer/pretokenizer.h>
#include <orkestra/model/text/utf8.h>

#include <array>

namespace orkestra::model {
namespace {

std::uint16_t classify(std::int32_t c) {
  if (c < 0) return 0;
  std::uint16_t classes = 0;
  switch (unicode_class(c)) {
    case UnicodeClass::kUpper:
      classes = kUpperChar;
      break;
    case UnicodeClass::kLower:
      classes = kLowerChar;
      break;
    case UnicodeClass::kOtherLetter:
      classes = kOtherLetterChar;
      break;
    case UnicodeClass::kMark:
      classes = kMarkChar;
      break;
    case UnicodeClass::kNumber:
      classes = kNumberChar;
      break;
    case UnicodeClass::kPunctuation:
      classes = kPunctuationChar;
      break;
    case UnicodeClass::kSymbol:
      classes = kSymbolChar;
      break;
    default:
      break;
  }
  if (is_space(c)) classes |= kSpaceChar;
  if (c == '\n' || c == '\r') classes |= kNewlineChar;
  return classes;
}

}  // namespace

std::vector<ScannedChar> scan_text(std::string_view text) {
  static const std::array<std::uint16_t, 128> kAscii = [] {
    std::array<std::uint16_t, 128> table{};
    for (std::int32_t c = 0; c < 128; ++c) table[static_cast<std::size_t>(c)] = classify(c);
    return table;
  }();
  std::vector<ScannedChar> chars;
  chars.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    const auto begin = static_cast<std::uint32_t>(at);
    if (byte < 0x80) {
      chars.push_back({begin, byte, kAscii[byte]});
      ++at;
      continue;
    }
    const CodePoint c = code_point_at(text, at);
    chars.push_back({begin, c.value, classify(c.value)});
    at += c.size;
  }
  return chars;
}

const std::vector<std::uint32_t>& WordCutter::cut(std::string_view text) {
  chars_ = scan_text(text);
  ends_.clear();
  pass(0, chars_);
  for (std::uint32_t& end : ends_) {
    end = end < chars_.size() ? chars_[end].begin : static_cast<std::uint32_t>(text.size());
  }
  return ends_;
}

void WordCutter::pass(std::size_t index, Scan part) {
  if (part.empty()) return;
  const auto offset = static_cast<std::size_t>(part.data() - chars_.data());
  if (index == pretokenizer_.passes.size()) {
    ends_.push_back(static_cast<std::uint32_t>(offset + part.size()));
    return;
  }
  const WordMatcher match = pretokenizer_.passes[index];
  std::size_t done = 0;  // the end of the last match
  for (std::size_t at = 0; at < part.size();) {
    const std::size_t length = match(part, at);
    if (length == 0) {
      ++at;
      continue;
    }
    pass(index + 1, part.subspan(done, at - done));
    pass(index + 1, part.subspan(at, length));
    at += length;
    done = at;
  }
  pass(index + 1, part.subspan(done));
}

}  // namespace orkestra::model
