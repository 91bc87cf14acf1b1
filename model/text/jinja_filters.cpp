#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_builtins.h>
#include <orkestra/model/text/jinja_lexer.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <string>

namespace orkestra::model::jinja {
namespace {

struct Input {
  const Value& value;
  const CallArguments& arguments;
  Budget& budget;

  int line() const { return arguments.line; }
  List list() const { return elements(value, line(), budget); }
  Text text() const {
    Text out = to_text(value);
    budget.make(out.size());
    return out;
  }
};

[[noreturn]] void bad_input(const Input& in, std::string_view filter) {
  fail_invalid(in.line(), "the filter '" + std::string(filter) + "' got something " +
                              std::string(kind_name(in.value)));
}

Value filter_length(const Input& in) {
  if (const Text* text = in.value.as_text()) {
    return static_cast<std::int64_t>(character_count(*text));
  }
  if (const List* list = in.value.as_list()) return static_cast<std::int64_t>(list->size());
  if (const Mapping* map = in.value.as_mapping()) {
    return static_cast<std::int64_t>(map->members.size());
  }
  if (in.value.is_undefined()) return std::int64_t{0};
  bad_input(in, "length");
}

Value filter_join(const Input& in) {
  const Text separator = in.arguments.text(0, "d", "");
  const Value* attribute = in.arguments.find(1, "attribute");
  const std::string path = attribute ? to_bytes(to_text(*attribute)) : "";
  Text out;
  bool first = true;
  for (const Value& element : in.list()) {
    const Text part = to_text(path.empty() ? element : member_path(element, path));
    in.budget.make(part.size() + separator.size());
    if (!first) out += separator;
    first = false;
    out += part;
  }
  return out;
}

Value filter_default(const Input& in) {
  const bool falsy_too = in.arguments.boolean(1, "boolean", false);
  const bool absent = in.value.is_undefined() || (falsy_too && !truthy(in.value));
  if (!absent) return in.value;
  const Value* fallback = in.arguments.find(0, "default_value");
  return fallback ? *fallback : Value::text("");
}

Value filter_first_last(const Input& in, bool first) {
  const List list = in.list();
  if (list.empty()) return Value(Undefined{first ? "first" : "last"});
  return first ? list.front() : list.back();
}

Value filter_int(const Input& in) {
  const std::int64_t fallback = in.arguments.integer(0, "default", 0);
  if (const auto* flag = in.value.as<bool>()) return std::int64_t{*flag};
  if (in.value.as<std::int64_t>()) return in.value;
  double number = 0;
  if (const auto* real = in.value.as<double>()) {
    number = *real;
  } else if (const Text* text = in.value.as_text()) {
    const std::string bytes = to_bytes(strip(*text, {}, true, true));
    std::int64_t integer = 0;
    const char* end = bytes.data() + bytes.size();
    if (std::from_chars(bytes.data(), end, integer).ptr == end && !bytes.empty()) return integer;
    if (std::from_chars(bytes.data(), end, number).ptr != end || bytes.empty()) return fallback;
  } else {
    return fallback;
  }
  return std::abs(number) < 9e18 ? static_cast<std::int64_t>(number) : fallback;
}

Value filter_float(const Input& in) {
  if (const auto* integer = in.value.as<std::int64_t>()) return static_cast<double>(*integer);
  if (in.value.as<double>()) return in.value;
  double number = 0;
  if (const Text* text = in.value.as_text()) {
    const std::string bytes = to_bytes(strip(*text, {}, true, true));
    const char* end = bytes.data() + bytes.size();
    if (!bytes.empty() && std::from_chars(bytes.data(), end, number).ptr == end) return number;
  }
  return 0.0;
}

Value filter_items(const Input& in) {
  List pairs;
  if (const Mapping* map = in.value.as_mapping()) {
    for (const auto& [key, member] : map->members) pairs.emplace_back(List{Value(key), member});
  } else if (!in.value.is_undefined()) {
    bad_input(in, "items");
  }
  in.budget.step(pairs.size());
  return pairs;
}

Value filter_dictsort(const Input& in) {
  List pairs = *filter_items(in).as_list();
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Value& a, const Value& b) {
    return order(a.as_list()->front(), b.as_list()->front(), in.line()) < 0;
  });
  return pairs;
}

Value filter_sort(const Input& in) {
  List list = in.list();
  const Value* attribute = in.arguments.find(2, "attribute");
  const std::string path = attribute ? to_bytes(to_text(*attribute)) : "";
  const bool reverse = in.arguments.boolean(0, "reverse", false);
  std::stable_sort(list.begin(), list.end(), [&](const Value& a, const Value& b) {
    const Value x = path.empty() ? a : member_path(a, path);
    const Value y = path.empty() ? b : member_path(b, path);
    return reverse ? order(y, x, in.line()) < 0 : order(x, y, in.line()) < 0;
  });
  return list;
}

Value filter_reverse(const Input& in) {
  List list = in.list();
  std::reverse(list.begin(), list.end());
  if (!in.value.as_text()) return list;
  Text out;
  for (const Value& character : list) out += *character.as_text();
  return out;
}

Value filter_unique(const Input& in) {
  List out;
  for (const Value& element : in.list()) {
    in.budget.step(out.size());
    const auto is_it = [&](const Value& other) { return equal(element, other); };
    if (std::none_of(out.begin(), out.end(), is_it)) out.push_back(element);
  }
  return out;
}

Value filter_map(const Input& in) {
  List out;
  if (const Value* attribute = in.arguments.find(99, "attribute")) {
    const std::string path = to_bytes(to_text(*attribute));
    const Value* fallback = in.arguments.find(99, "default");
    for (const Value& element : in.list()) {
      Value member = member_path(element, path);
      out.push_back(member.is_undefined() && fallback ? *fallback : std::move(member));
    }
    return out;
  }
  const std::string name = to_bytes(in.arguments.text(0, "filter", ""));
  if (!is_filter(name)) fail_unsupported(in.line(), "the filter '" + name + "'");
  in.budget.enter();
  for (const Value& element : in.list()) {
    out.push_back(apply_filter(name, element, in.arguments.without_first(1), in.budget));
  }
  in.budget.leave();
  return out;
}

Value filter_select(const Input& in, bool by_attribute, bool keep) {
  const std::size_t skip = by_attribute ? 1 : 0;
  const std::string path = by_attribute ? to_bytes(in.arguments.text(0, "attribute", "")) : "";
  const Value* test = in.arguments.find(skip);
  const std::string name = test ? to_bytes(to_text(*test)) : "truthy";
  if (test && !is_test(name)) fail_unsupported(in.line(), "the test '" + name + "'");
  const CallArguments rest = in.arguments.without_first(skip + 1);
  List out;
  for (const Value& element : in.list()) {
    const Value subject = by_attribute ? member_path(element, path) : element;
    const bool holds = test ? apply_test(name, subject, rest) : truthy(subject);
    if (holds == keep) out.push_back(element);
  }
  return out;
}

Value filter_indent(const Input& in) {
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
  Text out;
  bool is_first = true;
  for (const Text& line : split(in.text(), make_text("\n"), -1)) {
    if (!is_first) out += make_text("\n");
    if ((first || !is_first) && (blank || !line.empty() || is_first)) out += margin;
    in.budget.make(line.size() + margin.size());
    out += line;
    is_first = false;
  }
  return out;
}

Value filter_sum(const Input& in) {
  std::int64_t total = 0;
  double real = 0;
  bool is_real = false;
  for (const Value& element : in.list()) {
    if (const auto* integer = element.as<std::int64_t>()) {
      if (__builtin_add_overflow(total, *integer, &total)) bad_input(in, "sum");
    } else if (const auto* number = element.as<double>()) {
      real += *number;
      is_real = true;
    } else {
      bad_input(in, "sum");
    }
  }
  return is_real ? Value(real + static_cast<double>(total)) : Value(total);
}

Value filter_extreme(const Input& in, bool largest) {
  const List list = in.list();
  if (list.empty()) return Value(Undefined{largest ? "max" : "min"});
  const auto less = [&](const Value& a, const Value& b) { return order(a, b, in.line()) < 0; };
  return largest ? *std::max_element(list.begin(), list.end(), less)
                 : *std::min_element(list.begin(), list.end(), less);
}

Value filter_round(const Input& in) {
  const std::int64_t digits =
      std::clamp<std::int64_t>(in.arguments.integer(0, "precision", 0), 0, 15);
  const auto* real = in.value.as<double>();
  const auto* integer = in.value.as<std::int64_t>();
  if (!real && !integer) bad_input(in, "round");
  const double scale = std::pow(10.0, static_cast<double>(digits));
  return std::round((real ? *real : static_cast<double>(*integer)) * scale) / scale;
}

Value filter_abs(const Input& in) {
  if (const auto* real = in.value.as<double>()) return std::abs(*real);
  const auto* integer = in.value.as<std::int64_t>();
  if (!integer || *integer == INT64_MIN) bad_input(in, "abs");
  return std::abs(*integer);
}

Value filter_escape(const Input& in) {
  Text out;
  for (const Unit unit : in.text()) {
    constexpr std::string_view kFrom = "&<>\"'";
    constexpr std::string_view kTo[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    const std::size_t i = kFrom.find(static_cast<char>(byte_of(unit)));
    out += i == std::string_view::npos ? Text(1, unit) : make_text(kTo[i], source_of(unit));
  }
  in.budget.make(out.size());
  return out;
}

Value filter_tojson(const Input& in) {
  const auto indent = std::clamp<std::int64_t>(in.arguments.integer(0, "indent", -1), -1, 16);
  Text out = to_json_text(in.value, static_cast<int>(indent));
  in.budget.make(out.size());
  return out;
}

using Filter = Value (*)(const Input&);

const std::map<std::string, Filter, std::less<>>& filters() {
  static const std::map<std::string, Filter, std::less<>> kFilters{
      {"abs", filter_abs},
      {"capitalize", [](const Input& in) { return Value(capitalize(in.text())); }},
      {"count", filter_length},
      {"d", filter_default},
      {"default", filter_default},
      {"dictsort", filter_dictsort},
      {"e", filter_escape},
      {"escape", filter_escape},
      {"first", [](const Input& in) { return filter_first_last(in, true); }},
      {"float", filter_float},
      {"indent", filter_indent},
      {"int", filter_int},
      {"items", filter_items},
      {"join", filter_join},
      {"last", [](const Input& in) { return filter_first_last(in, false); }},
      {"length", filter_length},
      {"list", [](const Input& in) { return Value(in.list()); }},
      {"lower", [](const Input& in) { return Value(lower(in.text())); }},
      {"map", filter_map},
      {"max", [](const Input& in) { return filter_extreme(in, true); }},
      {"min", [](const Input& in) { return filter_extreme(in, false); }},
      {"reject", [](const Input& in) { return filter_select(in, false, false); }},
      {"rejectattr", [](const Input& in) { return filter_select(in, true, false); }},
      {"replace",
       [](const Input& in) {
         return call_method(Value(in.text()), "replace", in.arguments, in.budget);
       }},
      {"reverse", filter_reverse},
      {"round", filter_round},
      {"safe", [](const Input& in) { return in.value; }},
      {"select", [](const Input& in) { return filter_select(in, false, true); }},
      {"selectattr", [](const Input& in) { return filter_select(in, true, true); }},
      {"sort", filter_sort},
      {"string", [](const Input& in) { return Value(in.text()); }},
      {"sum", filter_sum},
      {"title", [](const Input& in) { return Value(title(in.text())); }},
      {"tojson", filter_tojson},
      {"trim",
       [](const Input& in) {
         return Value(Text(strip(in.text(), in.arguments.text(0, "chars", ""), true, true)));
       }},
      {"unique", filter_unique},
      {"upper", [](const Input& in) { return Value(upper(in.text())); }},
  };
  return kFilters;
}

}  // namespace

bool is_filter(std::string_view name) { return filters().find(name) != filters().end(); }

Value apply_filter(std::string_view name, const Value& value, const CallArguments& arguments,
                   Budget& budget) {
  return filters().find(name)->second(Input{value, arguments, budget});
}

}  // namespace orkestra::model::jinja
