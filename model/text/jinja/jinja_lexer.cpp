#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace orkestra::model::jinja {
namespace {

constexpr std::string_view kWhite = " \t\v\f\r\n";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) {
    source_.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
      const bool crlf = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
      if (!crlf) source_.push_back(source[i] == '\r' ? '\n' : source[i]);
    }
    if (source_.ends_with('\n')) source_.pop_back();
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) text_and_tag();
    push(TokenType::kEnd, "");
    return std::move(tokens_);
  }

 private:
  void push(TokenType type, std::string text) {
    tokens_.push_back({.type = type, .text = std::move(text), .line = line_});
  }
  bool at(std::string_view what) const {
    return std::string_view(source_).substr(at_, what.size()) == what;
  }
  void advance(std::size_t count) {
    for (; count > 0 && at_ < source_.size(); --count, ++at_) {
      if (source_[at_] == '\n') ++line_;
    }
  }

  // A run of text up to the next tag, then the tag.
  void text_and_tag() {
    const std::size_t begin = at_;
    std::size_t tag = begin;
    do {
      tag = source_.find('{', tag);
      if (tag == std::string::npos) break;
      const char next = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') break;
      ++tag;
    } while (true);
    std::string_view text = std::string_view(source_).substr(begin, tag - begin);
    if (tag == std::string::npos) {
      text = std::string_view(source_).substr(begin);
      push_text(text);
      advance(text.size());
      return;
    }
    const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (mark == '-') {
      const std::size_t last = text.find_last_not_of(kWhite);
      text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    } else if (source_[tag + 1] != '{' && mark != '+') {
      text = without_indent(text, begin);
    }
    push_text(text);
    advance(tag - begin);
    const char kind = source_[tag + 1];
    advance(mark == '-' || mark == '+' ? 3 : 2);
    if (kind == '#') {
      comment();
    } else if (kind == '{') {
      push(TokenType::kOutputBegin, "{{");
      words("}}", TokenType::kOutputEnd);
    } else if (!raw_block()) {
      push(TokenType::kBlockBegin, "{%");
      words("%}", TokenType::kBlockEnd);
    }
  }

  void push_text(std::string_view text) {
    if (!text.empty()) push(TokenType::kText, std::string(text));
  }

  // lstrip_blocks: white space between the line's start and a block tag goes.
  std::string_view without_indent(std::string_view text, std::size_t begin) const {
    const std::size_t newline = text.rfind('\n');
    const bool line_starts = begin == 0 || source_[begin - 1] == '\n';
    if (newline == std::string_view::npos && !line_starts) return text;
    const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    return text.find_first_not_of(kWhite, line) == std::string_view::npos ? text.substr(0, line)
                                                                          : text;
  }

  // After a tag's closing mark was consumed.
  void after_tag(char mark, bool is_output) {
    if (mark == '-') {
      while (at_ < source_.size() && kWhite.find(source_[at_]) != std::string_view::npos) {
        advance(1);
      }
    } else if (!is_output && mark != '+' && at("\n")) {
      advance(1);
    }
  }

  void comment() {
    const std::size_t end = source_.find("#}", at_);
    if (end == std::string::npos) fail_invalid(line_, "a comment that is not closed with #}");
    const char mark = end > at_ ? source_[end - 1] : '\0';
    advance(end + 2 - at_);
    after_tag(mark, false);
  }

  // {% raw %} ... {% endraw %}: true when there was one.
  bool raw_block() {
    std::size_t end = 0;
    if (!is_lone_word("raw", at_, end)) return false;
    const char mark = source_[end - 3];
    if (mark == '+') return false;
    advance(end - at_);
    after_tag(mark, true);
    for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const char open = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const std::size_t word = tag + (open == '-' || open == '+' ? 3U : 2U);
      if (!is_lone_word("endraw", word, end)) continue;
      std::string_view text = std::string_view(source_).substr(at_, tag - at_);
      if (open == '-') {
        const std::size_t last = text.find_last_not_of(kWhite);
        text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
      } else if (open != '+') {
        text = without_indent(text, at_);
      }
      push_text(text);
      const char close = source_[end - 3];
      advance(end - at_);
      after_tag(close, false);
      return true;
    }
    fail_invalid(line_, "{% raw %} without {% endraw %}");
  }

  // Whether `word` and then the block's end stand at `from`; `end` is behind the end.
  bool is_lone_word(std::string_view word, std::size_t from, std::size_t& end) const {
    std::size_t i = source_.find_first_not_of(kWhite, from);
    if (i == std::string::npos || std::string_view(source_).substr(i, word.size()) != word) {
      return false;
    }
    i = source_.find_first_not_of(kWhite, i + word.size());
    if (i == std::string::npos) return false;
    if (source_[i] == '-' || source_[i] == '+') ++i;
    if (std::string_view(source_).substr(i, 2) != "%}") return false;
    end = i + 2;
    return true;
  }

  void words(std::string_view close, TokenType end_type) {
    int brackets = 0;  // "}}" inside a mapping literal does not end an output
    while (true) {
      while (at_ < source_.size() && kWhite.find(source_[at_]) != std::string_view::npos) {
        advance(1);
      }
      if (at_ >= source_.size()) fail_invalid(line_, "a tag that is not closed");
      const char c = source_[at_];
      const bool marked = (c == '-' || (c == '+' && end_type == TokenType::kBlockEnd)) &&
                          std::string_view(source_).substr(at_ + 1, 2) == close;
      if (brackets == 0 && (marked || at(close))) {
        advance(marked ? 3 : 2);
        push(end_type, std::string(close));
        after_tag(marked ? c : '\0', end_type == TokenType::kOutputEnd);
        return;
      }
      if (is_name_start(c)) {
        std::size_t end = at_;
        while (end < source_.size() && is_name(source_[end])) ++end;
        push(TokenType::kName, source_.substr(at_, end - at_));
        advance(end - at_);
      } else if (is_digit(c)) {
        number();
      } else if (c == '"' || c == '\'') {
        string(c);
      } else {
        op(brackets);
      }
    }
  }

  // Digits with single underscores between them, of `set`; the position behind them.
  std::size_t digits(std::size_t at, std::string_view set) const {
    const auto digit = [&](std::size_t i) {
      return i < source_.size() && set.find(source_[i]) != std::string_view::npos;
    };
    while (digit(at) || (at < source_.size() && source_[at] == '_' && digit(at + 1))) ++at;
    return at;
  }

  void number() {
    constexpr std::string_view kDecimal = "0123456789";
    constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    const char second = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : ' ';
    const int base = source_[at_] != '0' ? 10
                     : second == 'x'     ? 16
                     : second == 'o'     ? 8
                     : second == 'b'     ? 2
                                         : 10;
    const std::size_t begin = base == 10 ? at_ : at_ + 2;
    std::size_t end =
        digits(begin, base == 16 ? kHex : kDecimal.substr(0, static_cast<std::size_t>(base)));
    if (end == begin) fail_invalid(line_, "a number without digits");
    bool is_float = false;
    const bool member = at_ > 0 && source_[at_ - 1] == '.';  // of x.0.1: two indexes
    if (base == 10 && !member) {
      if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
        is_float = true;
        end = digits(end + 1, kDecimal);
      }
      std::size_t exponent = end;
      if (exponent < source_.size() && (source_[exponent] | 0x20) == 'e') {
        ++exponent;
        if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) {
          ++exponent;
        }
        if (const std::size_t last = digits(exponent, kDecimal); last > exponent) {
          is_float = true;
          end = last;
        }
      }
    }
    std::string text = source_.substr(begin, end - begin);
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    Token token{.type = is_float ? TokenType::kFloat : TokenType::kInteger,
                .text = source_.substr(at_, end - at_),
                .line = line_};
    const char* first = text.data();
    const char* last = first + text.size();
    const auto result = is_float ? std::from_chars(first, last, token.number)
                                 : std::from_chars(first, last, token.integer, base);
    if (result.ec != std::errc{}) fail_invalid(line_, "the number " + token.text + " is too large");
    tokens_.push_back(std::move(token));
    advance(end - at_);
  }

  void string(char quote) {
    const int begin_line = line_;
    std::string value;
    advance(1);
    while (true) {
      if (at_ >= source_.size()) fail_invalid(begin_line, "a string that is not closed");
      const char c = source_[at_];
      if (c == quote) break;
      advance(1);
      if (c != '\\' || at_ >= source_.size()) {
        value.push_back(c);
        continue;
      }
      escape(value);
    }
    advance(1);
    tokens_.push_back({.type = TokenType::kString, .text = std::move(value), .line = begin_line});
  }

  void escape(std::string& value) {
    const char c = source_[at_];
    advance(1);
    if (c == '\n') return;  // a string goes on in the next line
    constexpr std::string_view kFrom = "nrtbfva\\'\"";
    constexpr std::string_view kTo = "\n\r\t\b\f\v\a\\'\"";
    if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
      value.push_back(kTo[i]);
      return;
    }
    if (c >= '0' && c <= '7') {
      std::int32_t code = c - '0';
      for (int i = 0; i < 2 && at_ < source_.size() && source_[at_] >= '0' && source_[at_] <= '7';
           ++i) {
        code = code * 8 + (source_[at_] - '0');
        advance(1);
      }
      append_utf8(code, value);
      return;
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      value.push_back('\\');
      value.push_back(c);
      return;
    }
    std::uint32_t code = 0;
    const std::string hex = source_.substr(at_, digits);
    if (hex.size() != digits ||
        std::from_chars(hex.data(), hex.data() + digits, code, 16).ptr != hex.data() + digits ||
        code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      fail_invalid(line_, std::string("\\") + c + hex + " is no character");
    }
    append_utf8(static_cast<std::int32_t>(code), value);
    advance(digits);
  }

  void op(int& brackets) {
    constexpr std::array<std::string_view, 6> kLong{"==", "!=", "<=", ">=", "//", "**"};
    for (const std::string_view candidate : kLong) {
      if (at(candidate)) {
        push(TokenType::kOperator, std::string(candidate));
        advance(2);
        return;
      }
    }
    const char c = source_[at_];
    if (std::string_view("()[]{}.,:|~+-*/%<>=").find(c) == std::string_view::npos) {
      fail_invalid(line_, std::string("unexpected character '") + c + "'");
    }
    if (c == '(' || c == '[' || c == '{') ++brackets;
    if (c == ')' || c == ']' || c == '}') {
      if (brackets == 0) fail_invalid(line_, std::string("unexpected '") + c + "'");
      --brackets;
    }
    push(TokenType::kOperator, std::string(1, c));
    advance(1);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

void fail_unsupported(int line, const std::string& what) {
  throw Error(ErrorCode::kUnsupported, "template line " + std::to_string(line) + ": " + what);
}

void fail_invalid(int line, const std::string& what) {
  throw Error(ErrorCode::kInvalid, "template line " + std::to_string(line) + ": " + what);
}

}  // namespace orkestra::model::jinja
