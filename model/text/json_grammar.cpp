#include <orkestra/model/text/json_grammar.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {
namespace {

constexpr std::int64_t kLargest = 999'999'999'999'999'999;  // kMaxDigits nines

// Adds to `dfa` the ways from `from` to `to` by one character of a JSON string: plain ASCII,
// an escape (no lone surrogates), or well-formed UTF-8 (RFC 3629).
void add_character(ByteDfa& dfa, std::uint8_t from, std::uint8_t to) {
  const auto state = [&] {
    dfa.states.emplace_back();
    return static_cast<std::uint8_t>(dfa.states.size() - 1);
  };
  const auto link = [&](std::uint8_t a, int first, int last, std::uint8_t b) {
    for (int byte = first; byte <= last; ++byte) {
      dfa.states[a].next[static_cast<std::size_t>(byte)] = b;
    }
    dfa.states[a].goes_on = true;
  };
  const auto link_hex = [&](std::uint8_t a, std::string_view digits, std::uint8_t b) {
    for (const char digit : digits) link(a, digit, digit, b);
  };
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  link(from, 0x20, 0x7F, to);
  dfa.states[from].next['"'] = ByteDfa::kDead;

  const std::uint8_t escape = state();
  link(from, '\\', '\\', escape);
  for (const char c : std::string_view("\"\\/bfnrt")) link(escape, c, c, to);
  const std::uint8_t u1 = state();
  const std::uint8_t u2 = state();
  const std::uint8_t u3 = state();
  const std::uint8_t u4 = state();
  link(escape, 'u', 'u', u1);
  link_hex(u1, "0123456789abcefABCEF", u2);
  link_hex(u2, kHex, u3);
  link_hex(u3, kHex, u4);
  link_hex(u4, kHex, to);
  const std::uint8_t surrogate = state();
  link_hex(u1, "dD", surrogate);
  link_hex(surrogate, "01234567", u3);
  std::uint8_t high = state();
  link_hex(surrogate, "89abAB", high);
  const auto then = [&](std::string_view bytes) {
    const std::uint8_t next = state();
    link_hex(high, bytes, next);
    high = next;
  };
  then(kHex);
  then(kHex);
  then("\\");
  then("u");
  then("dD");
  then("cdefCDEF");
  then(kHex);
  link_hex(high, kHex, to);

  const std::uint8_t one = state();
  const std::uint8_t two = state();
  const std::uint8_t three = state();
  link(one, 0x80, 0xBF, to);
  link(two, 0x80, 0xBF, one);
  link(three, 0x80, 0xBF, two);
  link(from, 0xC2, 0xDF, one);
  link(from, 0xE1, 0xEF, two);
  link(from, 0xF1, 0xF3, three);
  const auto narrowed = [&](int lead, int first, int last, std::uint8_t next) {
    const std::uint8_t second = state();
    link(from, lead, lead, second);
    link(second, first, last, next);
  };
  narrowed(0xE0, 0xA0, 0xBF, one);
  narrowed(0xED, 0x80, 0x9F, one);
  narrowed(0xF0, 0x90, 0xBF, two);
  narrowed(0xF4, 0x80, 0x8F, two);
}

}  // namespace

NodeId JsonGrammar::string() {
  if (!string_) {
    ByteDfa dfa;
    dfa.states.resize(3);  // before the opening quote, inside, behind the closing one
    dfa.states[0].next['"'] = 1;
    dfa.states[0].goes_on = true;
    add_character(dfa, 1, 1);
    dfa.states[1].next['"'] = 2;
    dfa.states[2].accepts = true;
    string_ = grammar_.dfa(std::move(dfa));
  }
  return *string_;
}

NodeId JsonGrammar::character() {
  if (!character_) {
    ByteDfa dfa;
    dfa.states.resize(2);
    add_character(dfa, 0, 1);
    dfa.states[1].accepts = true;
    character_ = grammar_.dfa(std::move(dfa));
  }
  return *character_;
}

NodeId JsonGrammar::string(std::uint32_t min_length, std::uint32_t max_length) {
  if (min_length == 0 && max_length == kUnlimited) return string();
  return grammar_.sequence({grammar_.bytes("\""),
                            grammar_.repeat(character(), min_length, max_length),
                            grammar_.bytes("\"")});
}

NodeId JsonGrammar::boolean() {
  return grammar_.any_of({grammar_.bytes("true"), grammar_.bytes("false")});
}

NodeId JsonGrammar::list(char open, NodeId item, char close, std::uint32_t min, std::uint32_t max) {
  const NodeId opening = grammar_.bytes(std::string_view(&open, 1));
  const NodeId closing = grammar_.bytes(std::string_view(&close, 1));
  if (min > max) return grammar_.nothing();
  NodeId items = grammar_.empty();
  if (max > 0) {
    const NodeId more =
        grammar_.repeat(grammar_.sequence({grammar_.bytes(","), item}), min > 0 ? min - 1 : 0,
                        max == kUnlimited ? kUnlimited : max - 1);
    items = grammar_.sequence({item, more});
    if (min == 0) items = grammar_.optional(items);
  }
  return grammar_.sequence({opening, items, closing});
}

NodeId JsonGrammar::any_object() {
  const NodeId member = grammar_.sequence({string(), grammar_.bytes(":"), value()});
  return list('{', member, '}', 0, kUnlimited);
}

NodeId JsonGrammar::any_array() { return list('[', value(), ']', 0, kUnlimited); }

NodeId JsonGrammar::value() {
  if (!value_) {
    value_ = grammar_.make_rule();
    grammar_.define(*value_, grammar_.any_of({string(), number({}), boolean(), null(), any_object(),
                                              any_array()}));
  }
  return grammar_.rule(*value_);
}

NodeId JsonGrammar::digits(std::uint32_t min, std::uint32_t max) {
  return grammar_.repeat(grammar_.range('0', '9'), min, max);
}

NodeId JsonGrammar::fraction() {
  return grammar_.optional(grammar_.sequence({grammar_.bytes("."), digits(1, kMaxDigits)}));
}

NodeId JsonGrammar::positive_fraction() {
  return grammar_.sequence({grammar_.bytes("."),
                            grammar_.repeat(grammar_.bytes("0"), 0, kMaxDigits - 1),
                            grammar_.range('1', '9'), digits(0, kMaxDigits - 1)});
}

// Digit strings of one length between `min` and `max`.
NodeId JsonGrammar::same_length(std::string_view min, std::string_view max) {
  if (min.empty()) return grammar_.empty();
  const auto rest = static_cast<std::uint32_t>(min.size() - 1);
  const std::string zeros(rest, '0');
  const std::string nines(rest, '9');
  const auto with_first = [&](char first, char last, NodeId tail) {
    return grammar_.sequence({grammar_.range(first, last), tail});
  };
  if (min.front() == max.front()) {
    return with_first(min.front(), min.front(), same_length(min.substr(1), max.substr(1)));
  }
  std::vector<NodeId> ways;
  char first = min.front();
  char last = max.front();
  if (min.substr(1) != zeros) {
    ways.push_back(with_first(first, first, same_length(min.substr(1), nines)));
    ++first;
  }
  if (max.substr(1) != nines) {
    ways.push_back(with_first(last, last, same_length(zeros, max.substr(1))));
    --last;
  }
  if (first <= last) {
    ways.push_back(with_first(first, last, rest == 0 ? grammar_.empty() : digits(rest, rest)));
  }
  return grammar_.any_of(std::move(ways));
}

NodeId JsonGrammar::integers(std::int64_t min, std::int64_t max) {
  if (min > max) return grammar_.nothing();
  std::vector<NodeId> lengths;
  const std::string low = std::to_string(min);
  const std::string high = std::to_string(max);
  for (std::size_t length = low.size(); length <= high.size(); ++length) {
    const std::string first = length == low.size() ? low : "1" + std::string(length - 1, '0');
    const std::string last = length == high.size() ? high : std::string(length, '9');
    lengths.push_back(same_length(first, last));
  }
  return grammar_.any_of(std::move(lengths));
}

NodeId JsonGrammar::magnitude(const NumberBounds& bounds, bool whole) {
  const std::int64_t min = bounds.min.value_or(0);
  const std::int64_t max = std::min(bounds.max.value_or(kLargest), kLargest);
  if (min > max) return grammar_.nothing();
  if (whole) {
    return integers(min + (bounds.min_excluded ? 1 : 0), max - (bounds.max_excluded ? 1 : 0));
  }
  if (!bounds.max) return magnitude({min, kLargest, bounds.min_excluded, false}, false);
  std::vector<NodeId> ways;
  const NodeId zeros = grammar_.optional(grammar_.sequence(
      {grammar_.bytes("."), grammar_.repeat(grammar_.bytes("0"), 1, kMaxDigits)}));
  if (min < max) {
    ways.push_back(grammar_.sequence(
        {integers(min, min), bounds.min_excluded ? positive_fraction() : fraction()}));
    ways.push_back(grammar_.sequence({integers(min + 1, max - 1), fraction()}));
  }
  if (!bounds.max_excluded && (min < max || !bounds.min_excluded)) {
    ways.push_back(grammar_.sequence({integers(max, max), zeros}));
  }
  return grammar_.any_of(std::move(ways));
}

NodeId JsonGrammar::bounded(const NumberBounds& bounds, bool whole) {
  std::vector<NodeId> ways;
  // 0 and above.
  if (!bounds.max || *bounds.max >= 0) {
    NumberBounds positive = bounds;
    if (bounds.min && *bounds.min < 0) positive.min.reset();
    if (!positive.min) positive.min_excluded = false;
    ways.push_back(magnitude(positive, whole));
  }
  // Below 0: the magnitude's bounds are the others', turned round.
  if (!bounds.min || *bounds.min < 0) {
    NumberBounds negative;
    const bool crosses_zero = !bounds.max || *bounds.max >= 0;
    negative.min = crosses_zero ? (whole ? 1 : 0) : -*bounds.max;
    negative.min_excluded =
        crosses_zero ? bounds.max == 0 && bounds.max_excluded && !whole : bounds.max_excluded;
    if (bounds.min) {
      negative.max = -std::max(*bounds.min, -kLargest);
      negative.max_excluded = bounds.min_excluded;
    }
    ways.push_back(grammar_.sequence({grammar_.bytes("-"), magnitude(negative, whole)}));
  }
  return grammar_.any_of(std::move(ways));
}

NodeId JsonGrammar::integer(const NumberBounds& bounds) { return bounded(bounds, true); }

NodeId JsonGrammar::number(const NumberBounds& bounds) {
  if (bounds.min || bounds.max) return bounded(bounds, false);
  const NodeId whole =
      grammar_.any_of({grammar_.bytes("0"),
                       grammar_.sequence({grammar_.range('1', '9'), digits(0, kMaxDigits - 1)})});
  const NodeId sign =
      grammar_.optional(grammar_.any_of({grammar_.bytes("+"), grammar_.bytes("-")}));
  const NodeId exponent = grammar_.optional(grammar_.sequence(
      {grammar_.any_of({grammar_.bytes("e"), grammar_.bytes("E")}), sign, digits(1, 2)}));
  return grammar_.sequence({grammar_.optional(grammar_.bytes("-")), whole, fraction(), exponent});
}

}  // namespace orkestra::model
