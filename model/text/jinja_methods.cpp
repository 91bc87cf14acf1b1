#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_builtins.h>
#include <orkestra/model/text/jinja_lexer.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>

namespace orkestra::model::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;

using Test = bool (*)(const Value&, const CallArguments&);

bool is_number(const Value& value) { return value.as<std::int64_t>() || value.as<double>(); }

const std::map<std::string, Test, std::less<>>& tests() {
  using A = const CallArguments&;
  using V = const Value&;
  const static Test kEqual = [](V v, A a) { return equal(v, a.at(0, "other")); };
  const static Test kNotEqual = [](V v, A a) { return !equal(v, a.at(0, "other")); };
  static const std::map<std::string, Test, std::less<>> kTests{
      {"boolean", [](V v, A) { return v.as<bool>() != nullptr; }},
      {"callable", [](V v, A) { return v.as<Builtin>() || v.as<std::shared_ptr<const Macro>>(); }},
      {"defined", [](V v, A) { return !v.is_undefined(); }},
      {"divisibleby",
       [](V v, A a) {
         const std::int64_t by = a.integer(0, "num", 0);
         const auto* n = v.as<std::int64_t>();
         return n && by != 0 && by != -1 ? *n % by == 0 : by == -1;
       }},
      {"eq", kEqual},
      {"equalto", kEqual},
      {"even", [](V v, A) { return v.as<std::int64_t>() && *v.as<std::int64_t>() % 2 == 0; }},
      {"false", [](V v, A) { return v.as<bool>() && !*v.as<bool>(); }},
      {"float", [](V v, A) { return v.as<double>() != nullptr; }},
      {"ge", [](V v, A a) { return order(v, a.at(0, "other"), a.line) >= 0; }},
      {"gt", [](V v, A a) { return order(v, a.at(0, "other"), a.line) > 0; }},
      {"in",
       [](V v, A a) {
         const Value& in = a.at(0, "seq");
         if (const Text* text = in.as_text()) {
           return v.as_text() && find(*text, *v.as_text()) != TextView::npos;
         }
         if (in.as_mapping()) return v.as_text() && in.find_member(*v.as_text()) != nullptr;
         const List* list = in.as_list();
         return list && std::any_of(list->begin(), list->end(),
                                    [&](const Value& e) { return equal(e, v); });
       }},
      {"integer", [](V v, A) { return v.as<std::int64_t>() != nullptr; }},
      {"iterable",
       [](V v, A) { return v.as_list() || v.as_mapping() || v.as_text() || v.is_undefined(); }},
      {"le", [](V v, A a) { return order(v, a.at(0, "other"), a.line) <= 0; }},
      {"lower", [](V v, A) { return v.as_text() && same(lower(*v.as_text()), *v.as_text()); }},
      {"lt", [](V v, A a) { return order(v, a.at(0, "other"), a.line) < 0; }},
      {"mapping", [](V v, A) { return v.as_mapping() != nullptr; }},
      {"ne", kNotEqual},
      {"none", [](V v, A) { return v.is_none(); }},
      {"number", [](V v, A) { return is_number(v) || v.as<bool>(); }},
      {"odd", [](V v, A) { return v.as<std::int64_t>() && *v.as<std::int64_t>() % 2 != 0; }},
      {"sameas", kEqual},
      {"sequence",
       [](V v, A) { return v.as_list() || v.as_mapping() || v.as_text() || v.is_undefined(); }},
      {"string", [](V v, A) { return v.as_text() != nullptr; }},
      {"true", [](V v, A) { return v.as<bool>() && *v.as<bool>(); }},
      {"undefined", [](V v, A) { return v.is_undefined(); }},
      {"upper", [](V v, A) { return v.as_text() && same(upper(*v.as_text()), *v.as_text()); }},
  };
  return kTests;
}

List texts(std::vector<Text> parts) {
  List out;
  for (Text& part : parts) out.emplace_back(std::move(part));
  return out;
}

// A prefix or suffix: a string or a tuple of them.
bool any_affix(const Text& text, const Value& affix, bool at_start) {
  const auto matches = [&](const Value& one) {
    return one.as_text() &&
           (at_start ? starts_with(text, *one.as_text()) : ends_with(text, *one.as_text()));
  };
  if (const List* list = affix.as_list()) return std::any_of(list->begin(), list->end(), matches);
  return matches(affix);
}

Value text_method(const Text& text, std::string_view name, const CallArguments& arguments,
                  Budget& budget) {
  budget.make(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const Text set = arguments.text(0, "chars", "");
    return Text(strip(text, set, name != "rstrip", name != "lstrip"));
  }
  if (name == "upper") return upper(text);
  if (name == "lower") return lower(text);
  if (name == "title") return title(text);
  if (name == "capitalize") return capitalize(text);
  if (name == "startswith") return any_affix(text, arguments.at(0, "prefix"), true);
  if (name == "endswith") return any_affix(text, arguments.at(0, "suffix"), false);
  if (name == "removeprefix" || name == "removesuffix") {
    const Text affix = arguments.text(0, "affix", "");
    const TextView view(text);
    if (name == "removeprefix") {
      return Text(starts_with(text, affix) ? view.substr(affix.size()) : view);
    }
    return Text(ends_with(text, affix) ? view.substr(0, text.size() - affix.size()) : view);
  }
  if (name == "split") {
    const std::int64_t most = arguments.integer(1, "maxsplit", -1);
    const Value* separator = arguments.find(0, "sep");
    if (!separator || separator->is_none()) return texts(split_white(text, most));
    const Text by = to_text(*separator);
    if (by.empty()) fail_invalid(arguments.line, "split by an empty string");
    return texts(split(text, by, most));
  }
  if (name == "splitlines") {
    List lines = texts(split(text, make_text("\n"), -1));
    if (lines.back().as_text()->empty()) lines.pop_back();
    return lines;
  }
  if (name == "replace") {
    const Text from = arguments.text(0, "old", "");
    const Text to = arguments.text(1, "new", "");
    const std::size_t hits = from.empty() ? 0 : split(text, from, -1).size() - 1;
    if (hits > 0) budget.make(hits * to.size());
    return replace(text, from, to, arguments.integer(2, "count", -1));
  }
  if (name == "find" || name == "count") {
    const Text part = arguments.text(0, "sub", "");
    if (name == "count") {
      return part.empty() ? std::int64_t{0}
                          : static_cast<std::int64_t>(split(text, part, -1).size()) - 1;
    }
    const std::size_t at = find(text, part);
    if (at == TextView::npos) return std::int64_t{-1};
    return static_cast<std::int64_t>(character_count(TextView(text).substr(0, at)));
  }
  if (name == "join")
    return apply_filter("join", arguments.at(0, "iterable"), {{Value(text)}, {}, arguments.line},
                        budget);
  if (name == "isdigit" || name == "isalpha" || name == "isspace") {
    const auto is = [&](Unit unit) {
      const std::uint8_t b = byte_of(unit);
      if (name == "isdigit") return b >= '0' && b <= '9';
      if (name == "isspace") return b == ' ' || (b >= '\t' && b <= '\r');
      return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b >= 0x80;
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), is);
  }
  fail_unsupported(arguments.line, "the string method '" + std::string(name) + "'");
}

}  // namespace

bool is_test(std::string_view name) { return tests().find(name) != tests().end(); }

bool apply_test(std::string_view name, const Value& value, const CallArguments& arguments) {
  return tests().find(name)->second(value, arguments);
}

Value call_method(const Value& object, std::string_view name, const CallArguments& arguments,
                  Budget& budget) {
  if (const Text* text = object.as_text()) return text_method(*text, name, arguments, budget);
  if (const Mapping* map = object.as_mapping()) {
    if (name == "items") return apply_filter("items", object, arguments, budget);
    if (name == "keys" || name == "values") {
      List out;
      for (const auto& [key, member] : map->members) {
        out.push_back(name == "keys" ? Value(key) : member);
      }
      budget.step(out.size());
      return out;
    }
    if (name == "get") {
      const Value* member = object.find_member(arguments.text(0, "key", ""));
      const Value* fallback = arguments.find(1, "default");
      return member ? *member : (fallback ? *fallback : Value::none());
    }
  }
  if (object.is_undefined()) {
    fail_invalid(arguments.line, "'" + object.as<Undefined>()->name + "' is undefined");
  }
  fail_unsupported(arguments.line, "the method '" + std::string(name) + "' of something " +
                                       std::string(kind_name(object)));
}

bool is_function(std::string_view name) {
  return name == "range" || name == "namespace" || name == "dict" || name == "raise_exception";
}

Value call_function(std::string_view name, const CallArguments& arguments, Budget& budget) {
  if (name == "raise_exception") {
    throw Error(ErrorCode::kInvalid, "the chat template refuses this conversation: " +
                                         to_bytes(arguments.text(0, "message", "")));
  }
  if (name == "namespace" || name == "dict") {
    Members members;
    if (const Value* start = arguments.find(0); start && start->as_mapping()) {
      members = start->as_mapping()->members;
    }
    for (const auto& [key, value] : arguments.named) members.emplace_back(make_text(key), value);
    budget.step(members.size());
    return Value::mapping(std::move(members), name == "namespace");
  }
  const bool has_stop = arguments.find(1) != nullptr;
  const std::int64_t start = has_stop ? arguments.integer(0, "start", 0) : 0;
  const std::int64_t stop = arguments.integer(has_stop ? 1 : 0, "stop", 0);
  const std::int64_t step = arguments.integer(2, "step", 1);
  if (step == 0) fail_invalid(arguments.line, "range with a step of 0");
  List out;
  std::int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    if (static_cast<std::int64_t>(out.size()) >= kMaxRange) {
      fail_invalid(arguments.line, "a range of more than 100,000 numbers");
    }
    out.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  budget.step(out.size());
  return out;
}

}  // namespace orkestra::model::jinja
