#include <orkestra/core/numbers.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/core/words_internal.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra {
namespace {

using words_internal::RawWord;
using Kind = Word::Kind;

bool digit(std::int32_t c) { return c >= '0' && c <= '9'; }

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return digit(c); });
}

bool currency(std::int32_t c) {
  return c == '$' || c == 0xA3 || c == 0xA5 || c == 0x20AC || c == 0x20B9 || c == 0x20BD;
}

bool apostrophe(std::int32_t c) { return c == '\'' || c == 0x2019; }
bool dash(std::int32_t c) { return c == '-' || c == 0x2010 || c == 0x2011; }
bool long_dash(std::int32_t c) { return c == 0x2012 || c == 0x2013 || c == 0x2014; }

// Dropped silently: quotation and emphasis, brackets that enclose nothing but layout.
bool decoration(std::int32_t c) {
  switch (c) {
    case '"':
    case '\'':
    case '`':
    case '*':
    case '_':
    case '[':
    case ']':
    case '{':
    case '}':
    case '.':
    case '!':
    case '|':
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0xAB:
    case 0xBB:
    case 0x2022:
    case 0x2026:
      return true;
    default:
      return false;
  }
}

bool structural(std::int32_t c) {
  return c == ',' || c == ';' || c == ':' || c == '(' || c == ')' || c == '?' || dash(c) ||
         long_dash(c);
}

// What can stand inside a chunk such as "4,211.50", "AB-1234", "a@b.org", "km/h".
bool joins(std::int32_t c) {
  return c == '.' || c == '_' || c == '/' || c == ':' || c == '@' || c == '#' || c == '&' ||
         c == '+' || c == '%' || c == ',' || dash(c) || apostrophe(c);
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<RawWord> run() {
    while (at_ < text_.size()) {
      const CodePoint c = code_point_at(text_, at_);
      if (is_space(c.value)) {
        at_ += c.size;
      } else if (starts_chunk(c)) {
        const std::size_t end = chunk_end();
        chunk(at_, end);
        at_ = end;
      } else {
        if (structural(c.value)) {
          const bool a_dash = dash(c.value) || long_dash(c.value);
          add(Kind::kMark, a_dash ? "-" : std::string(1, static_cast<char>(c.value)), at_,
              at_ + c.size);
        } else if (!decoration(c.value)) {
          add(Kind::kWord, c.value == '&' ? "and" : fold(text_.substr(at_, c.size)), at_,
              at_ + c.size);
        }
        at_ += c.size;
      }
    }
    return std::move(out_);
  }

 private:
  std::int32_t value_at(std::size_t i) const {
    return i < text_.size() ? code_point_at(text_, i).value : ' ';
  }

  // A letter or digit, or a sign, point or currency sign right before one.
  bool starts_chunk(CodePoint c) const {
    if (is_letter(c.value) || digit(c.value)) return true;
    std::size_t i = at_;
    for (int steps = 0; steps < 3; ++steps) {
      const CodePoint next = i < text_.size() ? code_point_at(text_, i) : CodePoint{' ', 1};
      if (digit(next.value)) return true;
      const bool sign = dash(next.value) || next.value == 0x2212 || next.value == '+' ||
                        next.value == '.' || currency(next.value);
      if (!sign) return false;
      i += next.size;
    }
    return false;
  }

  std::size_t chunk_end() const {
    std::size_t end = at_;
    std::size_t solid = at_;  // end of the last letter, digit, or trailing % + # currency
    while (end < text_.size()) {
      const CodePoint c = code_point_at(text_, end);
      const bool minus = c.value == 0x2212 && end == solid;
      if (is_letter(c.value) || digit(c.value) || currency(c.value) || minus) {
        solid = end + c.size;
      } else if (c.value == '%' || c.value == '+' || c.value == '#') {
        if (end != solid && end != at_) break;
        solid = end + c.size;
      } else if (!joins(c.value)) {
        // 10–20: a range is one chunk, so that its dash is not read as a pause.
        const bool range = long_dash(c.value) && end > at_ &&
                           digit(static_cast<unsigned char>(text_[end - 1])) &&
                           digit(value_at(end + c.size));
        if (!range) break;
      } else if (c.value == ',') {
        const bool inside = end > at_ && digit(static_cast<unsigned char>(text_[end - 1])) &&
                            digit(value_at(end + 1));
        if (!inside) break;
      }
      end += c.size;
    }
    return std::max(solid, at_ + 1);
  }

  void add(Kind kind, std::string key, std::size_t begin, std::size_t end) {
    if (key.empty()) return;
    RawWord word;
    word.kind = kind;
    word.key = std::move(key);
    word.begin = begin;
    word.end = end;
    word.written = text_.substr(begin, end - begin);
    word.capital = is_upper(value_at(begin));
    out_.push_back(std::move(word));
  }

  void add_code(std::size_t begin, std::size_t end) {
    add(Kind::kCode, fold(text_.substr(begin, end - begin)), begin, end);
  }

  bool number(std::size_t begin, std::size_t end) {
    const auto parsed = parse_number(text_.substr(begin, end - begin));
    if (!parsed) return false;
    if (parsed->explicit_plus) add(Kind::kWord, "+", begin, begin + 1);
    add(Kind::kNumber, parsed->decimal, begin, end);
    out_.back().unit = parsed->unit;
    return true;
  }

  static bool iso_date(std::string_view chunk) {
    if (chunk.size() != 10 || chunk[4] != '-' || chunk[7] != '-') return false;
    for (const std::size_t i : {0, 1, 2, 3, 5, 6, 8, 9}) {
      if (!digit(chunk[i])) return false;
    }
    return chunk.substr(5, 2) >= "01" && chunk.substr(5, 2) <= "12" && chunk.substr(8) >= "01" &&
           chunk.substr(8) <= "31";
  }

  void chunk(std::size_t begin, std::size_t end) {
    const std::string_view chunk = text_.substr(begin, end - begin);
    // "AB-1234's": the possessive is no part of the code.
    for (const std::string_view tail : {"'s", "\u2019s"}) {
      if (!has_digit(chunk) || !chunk.ends_with(tail) || chunk.size() == tail.size()) continue;
      this->chunk(begin, end - tail.size());
      return add(Kind::kWord, "'s", end - tail.size(), end);
    }
    if (iso_date(chunk)) return add(Kind::kDate, std::string(chunk), begin, end);
    if (has_digit(chunk)) {
      if (number(begin, end) || range(begin, end) || number_and_word(begin, end)) return;
      return add_code(begin, end);
    }
    const bool code = chunk.find_first_of("@_") != std::string_view::npos ||
                      chunk.find("://") != std::string_view::npos ||
                      chunk.find('.') != std::string_view::npos || chunk.ends_with('+') ||
                      chunk.ends_with('#');
    if (code) return add_code(begin, end);
    split_words(begin, end);
  }

  // "10-20": two numbers, the second unsigned.
  bool range(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin + 1; i < end;) {
      const CodePoint c = code_point_at(text_, i);
      if (dash(c.value) || long_dash(c.value)) {
        const auto first = parse_number(text_.substr(begin, i - begin));
        const auto second = parse_number(text_.substr(i + c.size, end - i - c.size));
        if (!first || !second || second->decimal.starts_with('-')) return false;
        number(begin, i);
        add(Kind::kWord, "to", i, i + c.size);
        return number(i + c.size, end);
      }
      i += c.size;
    }
    return false;
  }

  // "30-day": a number and the words after it.
  bool number_and_word(std::size_t begin, std::size_t end) {
    std::size_t i = begin;
    while (i < end && (digit(static_cast<unsigned char>(text_[i])) || text_[i] == '.')) ++i;
    if (i == begin || i >= end || text_[i] != '-' || has_digit(text_.substr(i, end - i)) ||
        !parse_number(text_.substr(begin, i - begin))) {
      return false;
    }
    number(begin, i);
    split_words(i + 1, end);
    return true;
  }

  // Letters with hyphens, slashes and apostrophes between them.
  void split_words(std::size_t begin, std::size_t end) {
    std::size_t start = begin;
    for (std::size_t i = begin; i <= end;) {
      const CodePoint c = i < end ? code_point_at(text_, i) : CodePoint{' ', 1};
      if (i < end && (is_letter(c.value) || apostrophe(c.value))) {
        i += c.size;
        continue;
      }
      if (i > start) word(start, i);
      if (c.value == '&') add(Kind::kWord, "and", i, i + 1);
      if (c.value == '/' || c.value == '%' || c.value == '+' || c.value == '#') {
        add(Kind::kWord, std::string(1, static_cast<char>(c.value)), i, i + 1);
      }
      i += c.size;
      start = i;
    }
  }

  // One word, its contraction or possessive opened.
  void word(std::size_t begin, std::size_t end) {
    std::string folded = fold(text_.substr(begin, end - begin));
    for (std::size_t i; (i = folded.find("\u2019")) != std::string::npos;)
      folded.replace(i, 3, "'");
    while (folded.starts_with('\'')) folded.erase(0, 1);
    while (folded.ends_with('\'')) folded.pop_back();
    const auto two = [&](std::string first, std::string second) {
      add(Kind::kWord, std::move(first), begin, end);
      add(Kind::kWord, std::move(second), begin, end);
      out_.back().capital = false;
    };
    if (folded == "cannot" || folded == "can't") return two("can", "not");
    if (folded == "won't") return two("will", "not");
    if (folded == "shan't") return two("shall", "not");
    if (folded.ends_with("n't")) return two(folded.substr(0, folded.size() - 3), "not");
    const std::size_t quote = folded.rfind('\'');
    if (quote == std::string::npos) return add(Kind::kWord, std::move(folded), begin, end);
    const std::string head = folded.substr(0, quote);
    const std::string tail = folded.substr(quote + 1);
    if (tail == "s") {
      static constexpr auto kPronouns = std::to_array<std::string_view>(
          {"he", "here", "it", "she", "that", "there", "what", "where", "who"});
      const bool verb = std::find(kPronouns.begin(), kPronouns.end(), head) != kPronouns.end();
      return two(head, verb ? "is" : "'s");
    }
    if (tail == "re") return two(head, "are");
    if (tail == "ll") return two(head, "will");
    if (tail == "ve") return two(head, "have");
    if (tail == "d") return two(head, "would");
    if (tail == "m") return two(head, "am");
    add(Kind::kWord, std::move(folded), begin, end);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<RawWord> out_;
};

}  // namespace

std::vector<Word> words(std::string_view text) { return words_internal::merged(Lexer(text).run()); }

std::vector<Word> words_only(std::string_view text) {
  std::vector<Word> all = words(text);
  std::erase_if(all, [](const Word& word) { return word.mark(); });
  return all;
}

std::vector<Word> identifier_words(std::string_view identifier) {
  std::string spaced;
  char before = ' ';
  for (const char c : identifier) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                       static_cast<signed char>(c) < 0;
    const bool hump = c >= 'A' && c <= 'Z' && before >= 'a' && before <= 'z';
    if (!plain || hump) spaced += ' ';
    if (plain) spaced += c;
    before = c;
  }
  return words_only(spaced);
}

}  // namespace orkestra
