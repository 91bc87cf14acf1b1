// Python's two ways of putting values into a text: text % values, and text.format(values...).
#include <orkestra/model/text/jinja/jinja_builtins.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace orkestra::model::jinja {
namespace {

constexpr std::int64_t kMaxWidth = 10'000;

struct Spec {
  char fill = ' ';
  char align = 0;  // < > ^ or = (behind the sign)
  char sign = 0;   // + or space
  bool commas = false;
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char kind = 0;  // s d f e g x X o b r %
};

bool is_digit(Unit unit) { return byte_of(unit) >= '0' && byte_of(unit) <= '9'; }

std::int64_t read_count(TextView text, std::size_t& at, int line) {
  std::int64_t count = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    count = count * 10 + (byte_of(text[at]) - '0');
    if (count > kMaxWidth) fail_invalid(line, "a format wider than 10,000 characters");
  }
  return count;
}

double real_of(const Value& value, int line) {
  if (const auto* real = value.as<double>()) return *real;
  if (const auto* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* flag = value.as<bool>()) return *flag ? 1 : 0;
  fail_invalid(line, "a number's format for something " + std::string(kind_name(value)));
}

std::int64_t integer_of(const Value& value, int line) {
  if (const auto* real = value.as<double>(); real && *real > -9e18 && *real < 9e18) {
    return static_cast<std::int64_t>(*real);
  }
  if (const auto* integer = value.as<std::int64_t>()) return *integer;
  if (const auto* flag = value.as<bool>()) return *flag ? 1 : 0;
  fail_invalid(line, "an integer's format for something " + std::string(kind_name(value)));
}

std::string with_commas(std::string digits) {
  const std::size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (std::size_t at = end; at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

// A number's digits without its sign.
std::string digits_of(const Value& value, const Spec& spec, bool& negative, int line) {
  if (std::string_view("dxXob").find(spec.kind) != std::string_view::npos) {
    const std::int64_t integer = integer_of(value, line);
    negative = integer < 0;
    const std::uint64_t size =
        negative ? 0 - static_cast<std::uint64_t>(integer) : static_cast<std::uint64_t>(integer);
    const int base = spec.kind == 'd' ? 10 : spec.kind == 'o' ? 8 : spec.kind == 'b' ? 2 : 16;
    char buffer[72];
    std::string digits(buffer, std::to_chars(buffer, buffer + sizeof buffer, size, base).ptr);
    if (spec.kind == 'X') {
      for (char& c : digits) c = static_cast<char>(c >= 'a' ? c - 32 : c);
    }
    return digits;
  }
  double real = real_of(value, line);
  if (spec.kind == '%') real *= 100;
  negative = std::signbit(real);
  const int precision =
      static_cast<int>(spec.precision < 0 ? 6 : std::min<std::int64_t>(spec.precision, 100));
  const char kind = spec.kind == '%' ? 'f' : spec.kind;
  const char form[] = {'%', '.', '*', kind, '\0'};
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, form, precision, std::abs(real));
  return buffer + std::string(spec.kind == '%' ? "%" : "");
}

Text formatted(const Value& value, Spec spec, int line, Budget& budget) {
  const bool is_text = spec.kind == 's' || spec.kind == 'r';
  Text body;
  Text head;
  if (is_text) {
    body = spec.kind == 's' ? to_text(value) : to_repr(value);
    if (spec.precision >= 0) {
      const std::vector<TextView> all = characters(body);
      Text cut;
      for (std::size_t i = 0; i < all.size() && static_cast<std::int64_t>(i) < spec.precision;
           ++i) {
        cut += all[i];
      }
      body = cut;
    }
  } else {
    bool negative = false;
    std::string digits = digits_of(value, spec, negative, line);
    if (spec.commas) digits = with_commas(std::move(digits));
    body = make_text(digits);
    if (negative) head = make_text("-");
    if (!negative && spec.sign) head = make_text(std::string(1, spec.sign));
  }
  const char align = spec.align ? spec.align : is_text ? '<' : '>';
  const auto size = static_cast<std::int64_t>(character_count(body) + head.size());
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, spec.width - size));
  const std::size_t left = align == '<' ? 0 : align == '^' ? room / 2 : room;
  const Text fill = make_text(std::string(1, spec.fill));
  const auto pad = [&](std::size_t count) {
    Text out;
    for (std::size_t i = 0; i < count; ++i) out += fill;
    return out;
  };
  budget.make(body.size() + room + head.size());
  Text out = align == '=' ? head + pad(left) : pad(left) + head;
  return out + body + pad(room - left);
}

// What stands behind the ':' of a replacement field.
Spec read_spec(TextView text, const Value& value, int line) {
  Spec spec;
  std::size_t at = 0;
  const auto peek = [&](std::size_t i) {
    return i < text.size() ? static_cast<char>(byte_of(text[i])) : '\0';
  };
  const auto aligns = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (aligns(peek(1))) spec.fill = peek(at++);
  if (aligns(peek(at))) spec.align = peek(at++);
  if (peek(at) == '+' || peek(at) == ' ' || peek(at) == '-') {
    spec.sign = peek(at) == '-' ? '\0' : peek(at);
    ++at;
  }
  if (peek(at) == '0') {
    spec.fill = '0';
    if (!spec.align) spec.align = '=';
  }
  spec.width = read_count(text, at, line);
  if (peek(at) == ',') {
    spec.commas = true;
    ++at;
  }
  if (peek(at) == '.') {
    ++at;
    spec.precision = read_count(text, at, line);
  }
  spec.kind = peek(at);
  if (spec.kind) ++at;
  if (!spec.kind) {
    spec.kind = value.as<std::int64_t>()                    ? 'd'
                : value.as<double>() && spec.precision >= 0 ? 'g'
                                                            : 's';
    if (value.as<double>() && !spec.align) spec.align = '>';
  }
  if (at != text.size() ||
      std::string_view("sdfegxXob%").find(spec.kind) == std::string_view::npos) {
    fail_unsupported(line, "the format '" + to_bytes(text) + "'");
  }
  return spec;
}

}  // namespace

Text format_percent(const Text& text, const Value& values, int line, Budget& budget) {
  const List positional = values.is_tuple() ? *values.as_list() : List{values};
  std::size_t used = 0;
  Text out;
  for (std::size_t at = 0; at < text.size();) {
    if (byte_of(text[at]) != '%') {
      out.push_back(text[at++]);
      continue;
    }
    ++at;
    Spec spec;
    Value value;
    bool named = false;
    if (at < text.size() && byte_of(text[at]) == '(') {
      const std::size_t close = jinja::find(text, make_text(")"), at);
      if (close == TextView::npos) fail_invalid(line, "a format without its ')'");
      const TextView key = TextView(text).substr(at + 1, close - at - 1);
      const Value* member = values.find_member(key);
      if (!member) fail_invalid(line, "a format of '" + to_bytes(key) + "', which is not given");
      value = *member;
      named = true;
      at = close + 1;
    }
    for (; at < text.size(); ++at) {
      const std::uint8_t flag = byte_of(text[at]);
      if (flag == '-') {
        spec.align = '<';
      } else if (flag == '0') {
        spec.fill = '0';
        if (!spec.align) spec.align = '=';
      } else if (flag == '+' || flag == ' ') {
        spec.sign = static_cast<char>(flag);
      } else if (flag != '#') {
        break;
      }
    }
    spec.width = read_count(text, at, line);
    if (!spec.align) spec.align = '>';
    if (at < text.size() && byte_of(text[at]) == '.') {
      ++at;
      spec.precision = read_count(text, at, line);
    }
    if (at >= text.size()) fail_invalid(line, "a format that is cut off");
    spec.kind = static_cast<char>(byte_of(text[at++]));
    if (spec.kind == '%') {
      out += make_text("%");
      continue;
    }
    if (spec.kind == 'i' || spec.kind == 'u') spec.kind = 'd';
    if (std::string_view("srdfegxXo").find(spec.kind) == std::string_view::npos) {
      fail_unsupported(line, std::string("the format %") + spec.kind);
    }
    if (!named) {
      if (used == positional.size()) fail_invalid(line, "more formats than values");
      value = positional[used++];
    }
    out += formatted(value, spec, line, budget);
  }
  if (used < positional.size() && !values.as_mapping()) {
    fail_invalid(line, "more values than formats");
  }
  budget.make(out.size());
  return out;
}

Text format_braces(const Text& text, const CallArguments& arguments, Budget& budget) {
  const int line = arguments.line;
  const auto is = [&](std::size_t at, char c) {
    return at < text.size() && byte_of(text[at]) == static_cast<std::uint8_t>(c);
  };
  std::size_t automatic = 0;
  Text out;
  for (std::size_t at = 0; at < text.size();) {
    const bool open = is(at, '{');
    if (!open && !is(at, '}')) {
      out.push_back(text[at++]);
      continue;
    }
    if (is(at + 1, open ? '{' : '}')) {
      out.push_back(text[at]);
      at += 2;
      continue;
    }
    const std::size_t close = jinja::find(text, make_text("}"), at);
    if (!open || close == TextView::npos) fail_invalid(line, "a format with a lone brace");
    const std::string field = to_bytes(TextView(text).substr(at + 1, close - at - 1));
    const std::size_t colon = std::min(field.find(':'), field.size());
    std::string path = field.substr(0, colon);
    const bool represented = path.ends_with("!r");
    if (represented || path.ends_with("!s")) path.resize(path.size() - 2);
    std::size_t end = std::min(path.find_first_of(".["), path.size());
    const std::string first = path.substr(0, end);
    std::size_t index = 0;
    const Value* given = nullptr;
    if (first.empty()) {
      given = arguments.find(automatic++);
    } else if (std::from_chars(first.data(), first.data() + first.size(), index).ptr ==
               first.data() + first.size()) {
      given = arguments.find(index);
    } else {
      given = arguments.find(SIZE_MAX, first);
    }
    if (!given) fail_invalid(line, "a format of '" + first + "', which is not given");
    Value value = *given;
    while (end < path.size()) {
      const bool member = path[end] == '.';
      const std::size_t stop =
          member ? std::min(path.find_first_of(".[", end + 1), path.size()) : path.find(']', end);
      if (stop == std::string::npos) fail_invalid(line, "a format without its ']'");
      const std::string name = path.substr(end + 1, stop - end - 1);
      value = member ? attribute(value, name, line)
                     : member_path(value, Value::text(name), line, budget);
      end = member ? stop : stop + 1;
    }
    if (represented) value = to_repr(value);
    const std::string spec = colon < field.size() ? field.substr(colon + 1) : "";
    out += formatted(value, read_spec(make_text(spec), value, line), line, budget);
    at = close + 1;
  }
  budget.make(out.size());
  return out;
}

}  // namespace orkestra::model::jinja
