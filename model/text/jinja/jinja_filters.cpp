#include <orkestra/model/text/jinja/jinja_filter.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace orkestra::model::jinja {
namespace {

Value filter_default(const FilterInput& in) {
  const bool falsy_too = in.arguments.boolean(1, "boolean", false);
  const bool absent = in.value.is_undefined() || (falsy_too && !truthy(in.value));
  if (!absent) return in.value;
  const Value* fallback = in.arguments.find(0, "default_value");
  return fallback ? *fallback : Value::text("");
}

// The number that the whole of `bytes` spells.
template <typename T>
bool read_number(std::string bytes, T& out) {
  bytes.erase(std::remove(bytes.begin(), bytes.end(), '_'), bytes.end());
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  if (begin != end && *begin == '+') ++begin;
  const auto result = std::from_chars(begin, end, out);
  return begin != end && result.ec == std::errc{} && result.ptr == end;
}

Value filter_int(const FilterInput& in) {
  const Value* given = in.arguments.find(0, "default");
  const Value fallback = given ? *given : Value(std::int64_t{0});
  if (const auto* flag = in.value.as<bool>()) return std::int64_t{*flag};
  if (in.value.as<std::int64_t>()) return in.value;
  if (in.value.is_undefined()) in.refuse("int");
  double number = 0;
  if (const auto* real = in.value.as<double>()) {
    number = *real;
  } else if (const Text* text = in.value.as_text()) {
    const std::string bytes = to_bytes(strip(*text, {}, true, true));
    std::int64_t integer = 0;
    if (read_number(bytes, integer)) return integer;
    if (!read_number(bytes, number)) return fallback;
  } else {
    return fallback;
  }
  return std::abs(number) < 9e18 ? Value(static_cast<std::int64_t>(number)) : fallback;
}

Value filter_float(const FilterInput& in) {
  const Value* fallback = in.arguments.find(0, "default");
  if (const auto* flag = in.value.as<bool>()) return *flag ? 1.0 : 0.0;
  if (const auto* integer = in.value.as<std::int64_t>()) return static_cast<double>(*integer);
  if (in.value.as<double>()) return in.value;
  if (in.value.is_undefined()) in.refuse("float");
  double number = 0;
  if (const Text* text = in.value.as_text()) {
    if (read_number(to_bytes(strip(*text, {}, true, true)), number)) return number;
  }
  return fallback ? *fallback : Value(0.0);
}

Value filter_indent(const FilterInput& in) {
  const Value* width = in.arguments.find(0, "width");
  Text margin;
  if (width && width->as_text()) {
    margin = *width->as_text();
  } else {
    const std::int64_t spaces = in.arguments.integer(0, "width", 4);
    margin = make_text(
        std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(spaces, 0, 64)), ' '));
  }
  const bool first = in.arguments.boolean(1, "first", false);
  const bool blank = in.arguments.boolean(2, "blank", false);
  const std::vector<Text> lines = split_lines(in.text() + make_text("\n"), false);
  Text out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    in.budget.make(lines[i].size() + margin.size() + 1);
    if (i > 0) out += make_text("\n");
    if (i == 0 ? first : blank || !lines[i].empty()) out += margin;
    out += lines[i];
  }
  return out;
}

// Python's round: the decimal digits of the exact value, ties to even.
Value filter_round(const FilterInput& in) {
  const std::int64_t digits =
      std::clamp<std::int64_t>(in.arguments.integer(0, "precision", 0), -15, 15);
  const std::string method = to_bytes(in.arguments.text(1, "method", "common"));
  const auto* real = in.value.as<double>();
  const auto* integer = in.value.as<std::int64_t>();
  if (!real && !integer) in.refuse("round");
  const double value = real ? *real : static_cast<double>(*integer);
  if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(digits));
    return (method == "ceil" ? std::ceil(value * scale) : std::floor(value * scale)) / scale;
  }
  if (method != "common") fail_invalid(in.line(), "round by the method '" + method + "'");
  if (integer && digits >= 0) return in.value;
  const double scale = std::pow(10.0, static_cast<double>(std::max<std::int64_t>(0, -digits)));
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(std::max<std::int64_t>(0, digits)),
                value / scale);
  double rounded = 0;
  read_number(std::string(buffer), rounded);
  if (integer) return static_cast<std::int64_t>(rounded * scale);
  return rounded * scale;
}

Value filter_abs(const FilterInput& in) {
  if (const auto* real = in.value.as<double>()) return std::abs(*real);
  if (const auto* flag = in.value.as<bool>()) return std::int64_t{*flag};
  const auto* integer = in.value.as<std::int64_t>();
  if (!integer || *integer == INT64_MIN) in.refuse("abs");
  return std::abs(*integer);
}

Value filter_escape(const FilterInput& in) {
  if (in.value.is_markup()) return in.value;
  Text out = escape_html(in.text());
  in.budget.make(out.size());
  return Value::markup(std::move(out));
}

// (ensure_ascii=False, indent=None, separators=None, sort_keys=False)
Value filter_tojson(const FilterInput& in) {
  in.arguments.only(4, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = in.arguments.boolean(0, "ensure_ascii", false);
  style.sorted = in.arguments.boolean(3, "sort_keys", false);
  if (const Value* indent = in.arguments.find(1, "indent"); indent && !indent->is_none()) {
    style.lines = true;
    style.item = ",";
    if (const Text* text = indent->as_text()) {
      style.indent = to_bytes(TextView(*text).substr(0, 16));
    } else {
      const auto spaces = std::clamp<std::int64_t>(in.arguments.integer(1, "indent", 0), 0, 16);
      style.indent.assign(static_cast<std::size_t>(spaces), ' ');
    }
  }
  if (const Value* separators = in.arguments.find(2, "separators");
      separators && !separators->is_none()) {
    const List* list = separators->as_list();
    if (!list || list->size() != 2) {
      fail_invalid(in.line(), "tojson's separators are not two strings");
    }
    style.item = to_bytes(to_text((*list)[0]));
    style.colon = to_bytes(to_text((*list)[1]));
    if (style.item.size() + style.colon.size() > 64) in.refuse("tojson");
  }
  Text out = to_json_text(in.value, style);
  in.budget.make(out.size());
  return out;
}

// Words begin behind white space, '-' and opening brackets; Python's str.title is another rule.
Value filter_title(const FilterInput& in) {
  Text out;
  TextView rest;
  const Text text = in.text();
  rest = text;
  while (!rest.empty()) {
    std::size_t end = 0;
    const auto begins_word = [](Unit unit) {
      const std::int32_t byte = byte_of(unit);
      return (byte < 0x80 && is_white(byte)) ||
             std::string_view("-({[<").find(static_cast<char>(byte)) != std::string_view::npos;
    };
    const bool between = begins_word(rest.front());
    while (end < rest.size() && begins_word(rest[end]) == between) ++end;
    out += between ? Text(rest.substr(0, end)) : capitalize(rest.substr(0, end));
    rest = rest.substr(end);
  }
  return out;
}

Value filter_truncate(const FilterInput& in) {
  const Text text = in.text();
  const std::int64_t length = in.arguments.integer(0, "length", 255);
  const bool cut_words = in.arguments.boolean(1, "killwords", false);
  const Text end = in.arguments.text(2, "end", "...");
  const std::int64_t leeway = in.arguments.integer(3, "leeway", 5);
  const std::vector<TextView> all = characters(text);
  const std::int64_t room = length - static_cast<std::int64_t>(character_count(end));
  if (room < 0 || leeway < 0) fail_invalid(in.line(), "truncate to less than its end");
  if (static_cast<std::int64_t>(all.size()) <= length + leeway) return text;
  Text kept;
  for (std::int64_t i = 0; i < room; ++i) kept += all[static_cast<std::size_t>(i)];
  if (!cut_words) {
    const std::size_t space = find_last(kept, make_text(" "));
    if (space != TextView::npos) kept.resize(space);
  }
  return kept + end;
}

Value filter_format(const FilterInput& in) {
  const Text text = in.text();
  if (!in.arguments.named.empty()) {
    Members members;
    for (const auto& [key, value] : in.arguments.named) {
      members.emplace_back(make_text(key), value);
    }
    return format_percent(text, Value::mapping(std::move(members)), in.line(), in.budget);
  }
  return format_percent(text, Value::tuple(in.arguments.positional), in.line(), in.budget);
}

// Also with another name than the filter's: `center` is a method of strings.
template <typename Change>
Value by_method(const FilterInput& in, Change name) {
  return call_text_method(in.text(), name, in.arguments, in.budget);
}

Value filter_wordcount(const FilterInput& in) {
  bool in_word = false;
  std::int64_t count = 0;
  const Text text = in.text();
  for (const TextView character : characters(text)) {
    const bool word =
        same(character, "_") ||
        truthy(call_text_method(Text(character), "isalnum", {{}, {}, in.line()}, in.budget));
    if (word && !in_word) ++count;
    in_word = word;
  }
  return count;
}

}  // namespace

void FilterInput::refuse(std::string_view filter) const {
  fail_invalid(line(), "the filter '" + std::string(filter) + "' got something " +
                           std::string(kind_name(value)));
}

Text escape_html(TextView text) {
  Text out;
  for (const Unit unit : text) {
    constexpr std::string_view kFrom = "&<>\"'";
    constexpr std::string_view kTo[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    const std::size_t i = kFrom.find(static_cast<char>(byte_of(unit)));
    out += i == std::string_view::npos ? Text(1, unit) : make_text(kTo[i], source_of(unit));
  }
  return out;
}

const FilterTable& text_filters() {
  using In = const FilterInput&;
  static const FilterTable kFilters{
      {"abs", filter_abs},
      {"capitalize", [](In in) { return Value(capitalize(in.text())); }},
      {"center",
       [](In in) {
         CallArguments width = in.arguments;
         if (!width.find(0, "width")) width.positional.emplace_back(std::int64_t{80});
         return call_text_method(in.text(), "center", width, in.budget);
       }},
      {"d", filter_default},
      {"default", filter_default},
      {"e", filter_escape},
      {"escape", filter_escape},
      {"float", filter_float},
      {"forceescape", [](In in) { return Value::markup(escape_html(in.text())); }},
      {"format", filter_format},
      {"indent", filter_indent},
      {"int", filter_int},
      {"lower", [](In in) { return Value(lower(in.text())); }},
      {"replace", [](In in) { return by_method(in, "replace"); }},
      {"round", filter_round},
      {"safe", [](In in) { return Value::markup(in.text()); }},
      {"string", [](In in) { return in.value.is_markup() ? in.value : Value(in.text()); }},
      {"title", filter_title},
      {"tojson", filter_tojson},
      {"trim", [](In in) { return by_method(in, "strip"); }},
      {"truncate", filter_truncate},
      {"upper", [](In in) { return Value(upper(in.text())); }},
      {"wordcount", filter_wordcount},
  };
  return kFilters;
}

bool is_filter(std::string_view name) {
  return text_filters().contains(name) || list_filters().contains(name);
}

Value apply_filter(std::string_view name, const Value& value, const CallArguments& arguments,
                   Budget& budget) {
  for (const FilterTable* table : {&text_filters(), &list_filters()}) {
    const auto found = table->find(name);
    if (found != table->end()) return found->second(FilterInput{value, arguments, budget});
  }
  fail_unsupported(arguments.line, "the filter '" + std::string(name) + "'");
}

}  // namespace orkestra::model::jinja
