#include <orkestra/core/error.h>
#include <orkestra/core/regex_syntax.h>
#include <orkestra/core/text.h>

#include <optional>
#include <utility>

namespace orkestra {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxBytes = std::size_t{64} << 10U;
constexpr std::uint32_t kMaxRepeat = 100'000;

using Kind = RegexNode::Kind;

const CodePoints& digits() {
  static const CodePoints points({{'0', '9'}});
  return points;
}

const CodePoints& spaces() {
  static const CodePoints points({{9, 13},
                                  {0x20, 0x20},
                                  {0xA0, 0xA0},
                                  {0x1680, 0x1680},
                                  {0x2000, 0x200A},
                                  {0x2028, 0x2029},
                                  {0x202F, 0x202F},
                                  {0x205F, 0x205F},
                                  {0x3000, 0x3000},
                                  {0xFEFF, 0xFEFF}});
  return points;
}

bool is_letter_or_digit(std::uint32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

RegexNode of_class(CodePoints points) {
  return {.kind = Kind::kClass, .points = std::move(points)};
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  RegexNode parse() {
    if (pattern_.size() > kMaxBytes) fail("is longer than 64 KiB");
    RegexNode node = alternatives(0);
    if (at_ < pattern_.size()) fail("has a ) without its (");
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::kInvalid) const {
    throw Error(code, "the regular expression " + std::string(pattern_.substr(0, 100)) + " " +
                          what + " (at byte " + std::to_string(at_) + ")");
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    fail(what, ErrorCode::kUnsupported);
  }

  bool done() const { return at_ >= pattern_.size(); }
  bool looking_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!looking_at(text)) return false;
    at_ += text.size();
    return true;
  }
  std::uint32_t next_code_point() {
    const CodePoint point = code_point_at(pattern_, at_);
    if (point.value < 0) fail("is not UTF-8");
    at_ += point.size;
    return static_cast<std::uint32_t>(point.value);
  }

  RegexNode alternatives(int depth) {
    if (depth > kMaxDepth) fail("is nested too deeply");
    RegexNode out{.kind = Kind::kAlternatives};
    out.children.push_back(sequence(depth));
    while (take("|")) out.children.push_back(sequence(depth));
    if (out.children.size() == 1) {
      RegexNode only = std::move(out.children.front());
      return only;
    }
    return out;
  }

  RegexNode sequence(int depth) {
    RegexNode out{.kind = Kind::kSequence};
    while (!done() && !looking_at("|") && !looking_at(")")) {
      out.children.push_back(repeated(term(depth)));
    }
    return out;
  }

  RegexNode repeated(RegexNode node) {
    std::uint32_t min = 0;
    std::uint32_t max = RegexNode::kUnlimited;
    const std::size_t start = at_;
    if (take("*")) {
    } else if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (!looking_at("{") || !counts(min, max)) {
      at_ = start;
      return node;
    }
    take("?");  // a lazy quantifier finds another match first; whether there is one is the same
    if (looking_at("*") || looking_at("+")) fail("repeats a repetition");
    const bool assertion = node.kind != Kind::kClass && node.kind != Kind::kSequence &&
                           node.kind != Kind::kAlternatives && node.kind != Kind::kRepeat;
    if (assertion && node.kind != Kind::kEmpty) fail("repeats what matches no text");
    return {.kind = Kind::kRepeat, .children = {std::move(node)}, .min = min, .max = max};
  }

  std::optional<std::uint32_t> number() {
    std::uint32_t value = 0;
    const std::size_t start = at_;
    while (!done() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + static_cast<std::uint32_t>(pattern_[at_++] - '0');
      if (value > kMaxRepeat) fail("repeats more than 100000 times");
    }
    if (at_ == start) return std::nullopt;
    return value;
  }

  // {n}, {n,} or {n,m}; false when it is none of these, and the brace stands for itself.
  bool counts(std::uint32_t& min, std::uint32_t& max) {
    take("{");
    const auto low = number();
    if (!low) return false;
    min = max = *low;
    if (take(",")) max = number().value_or(RegexNode::kUnlimited);
    if (!take("}")) return false;
    if (min > max) fail("repeats at least more often than at most");
    return true;
  }

  RegexNode term(int depth) {
    if (take("^")) return {.kind = Kind::kStart};
    if (take("$")) return {.kind = Kind::kEnd};
    if (take("(")) return group(depth);
    if (take(".")) {
      return of_class(CodePoints({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}).complement());
    }
    if (take("[")) return of_class(bracket());
    if (looking_at("*") || looking_at("+") || looking_at("?")) fail("repeats nothing");
    if (looking_at("\\b")) {
      at_ += 2;
      return {.kind = Kind::kWordEdge};
    }
    if (looking_at("\\B")) {
      at_ += 2;
      return {.kind = Kind::kNotWordEdge};
    }
    if (take("\\")) return of_class(escape(false));
    const std::uint32_t c = next_code_point();
    return of_class(CodePoints({{c, c}}));
  }

  RegexNode group(int depth) {
    RegexNode out;
    Kind look = Kind::kEmpty;
    if (take("?")) {
      if (take("=")) {
        look = Kind::kLookahead;
      } else if (take("!")) {
        look = Kind::kNegativeLookahead;
      } else if (looking_at("<=") || looking_at("<!")) {
        unsupported("looks behind");
      } else if (take("<")) {
        const std::size_t end = pattern_.find('>', at_);
        if (end == std::string_view::npos) fail("has a name without its >");
        at_ = end + 1;
      } else if (!take(":")) {
        unsupported("has a group of a kind that is not known");
      }
    }
    RegexNode inner = alternatives(depth + 1);
    if (!take(")")) fail("has a ( without its )");
    if (look == Kind::kEmpty) return inner;
    return {.kind = look, .children = {std::move(inner)}};
  }

  std::uint32_t hex(std::size_t digits_wanted) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits_wanted; ++i) {
      const std::string_view all = "0123456789abcdef";
      const char c = done() ? '?' : static_cast<char>(pattern_[at_] | 0x20);
      const std::size_t digit = all.find(c);
      if (digit == std::string_view::npos) fail("has an escape without its hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  std::uint32_t unicode_escape() {
    if (take("{")) {
      std::uint32_t value = 0;
      while (!looking_at("}")) {
        value = value * 16 + hex(1);
        if (value > CodePoints::kLast) fail("names a code point that does not exist");
      }
      take("}");
      return value;
    }
    const std::uint32_t high = hex(4);
    if (high >= 0xD800 && high < 0xDC00 && take("\\u")) {
      const std::uint32_t low = hex(4);
      if (low < 0xDC00 || low > 0xDFFF) fail("has half a surrogate pair");
      return 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00);
    }
    return high;
  }

  // Behind the backslash.
  CodePoints escape(bool in_bracket) {
    if (done()) fail("ends in a backslash");
    const std::uint32_t c = next_code_point();
    const auto one = [](std::uint32_t point) { return CodePoints({{point, point}}); };
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return digits().complement();
      case 'w':
        return word_code_points();
      case 'W':
        return word_code_points().complement();
      case 's':
        return spaces();
      case 'S':
        return spaces().complement();
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'v':
        return one('\v');
      case 'f':
        return one('\f');
      case 'r':
        return one('\r');
      case 'x':
        return one(hex(2));
      case 'u':
        return one(unicode_escape());
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'c':
        if (done() || !is_letter_or_digit(static_cast<unsigned char>(pattern_[at_])) ||
            pattern_[at_] <= '9') {
          fail("has a control escape without its letter");
        }
        return one(static_cast<std::uint32_t>(pattern_[at_++]) & 31U);
      case '0':
        return one(0);
      case 'b':
        if (in_bracket) return one('\b');
        break;
      default:
        break;
    }
    if (c >= '1' && c <= '9') unsupported("refers back to a group");
    if (c == 'k') unsupported("refers back to a group");
    if (is_letter_or_digit(c)) {
      unsupported("has the escape \\" + std::string(1, static_cast<char>(c)) +
                  ", which is not one of ECMA-262");
    }
    return one(c);
  }

  CodePoints property(bool negated) {
    std::string name;
    if (take("{")) {
      const std::size_t end = pattern_.find('}', at_);
      if (end == std::string_view::npos) fail("has a property without its }");
      name = pattern_.substr(at_, end - at_);
      at_ = end + 1;
    } else if (!done()) {
      name = pattern_.substr(at_++, 1);
    }
    const auto points = unicode_property(name);
    if (!points) unsupported("names a Unicode property that is not known: " + name);
    return negated ? points->complement() : *points;
  }

  CodePoints bracket() {
    const bool negated = take("^");
    std::vector<CodeRange> ranges;
    while (!take("]")) {
      if (done()) fail("has a [ without its ]");
      const CodePoints first = bracket_atom();
      const bool single = is_single(first);
      if (single && looking_at("-") && !looking_at("-]")) {
        const std::size_t dash = at_;
        take("-");
        if (done()) fail("has a [ without its ]");
        const CodePoints last = bracket_atom();
        if (is_single(last)) {
          const std::uint32_t low = first.ranges().front().first;
          const std::uint32_t high = last.ranges().front().first;
          if (low > high) fail("has a range whose end comes before its start");
          ranges.push_back({low, high});
          continue;
        }
        at_ = dash;  // "[a-\d]": the dash is a dash
      }
      ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
    }
    CodePoints points(std::move(ranges));
    return negated ? points.complement() : points;
  }

  CodePoints bracket_atom() {
    if (take("\\")) return escape(true);
    const std::uint32_t c = next_code_point();
    return CodePoints({{c, c}});
  }

  static bool is_single(const CodePoints& points) {
    return points.ranges().size() == 1 &&
           points.ranges().front().first == points.ranges().front().last;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern) { return Parser(pattern).parse(); }

const CodePoints& word_code_points() {
  static const CodePoints points({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
  return points;
}

}  // namespace orkestra
