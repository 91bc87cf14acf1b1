// The tests of `is`.
#include <orkestra/model/text/jinja/jinja_builtins.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>

namespace orkestra::model::jinja {
namespace {

struct TestInput {
  const Value& value;
  const CallArguments& arguments;
  Budget& budget;

  const Value& other() const { return arguments.at(0, "other"); }
  int order_of() const { return order(value, other(), arguments.line); }
};
using In = const TestInput&;
using Test = bool (*)(In);

std::int64_t integer_of(In in) {
  if (const auto* flag = in.value.as<bool>()) return *flag ? 1 : 0;
  if (const auto* integer = in.value.as<std::int64_t>()) return *integer;
  fail_invalid(in.arguments.line,
               "a test of integers got something " + std::string(kind_name(in.value)));
}

bool divisible(In in) {
  const std::int64_t by = in.arguments.integer(0, "num", 0);
  if (by == 0) fail_invalid(in.arguments.line, "divisibleby 0");
  return by == -1 || integer_of(in) % by == 0;
}

// True and False are one each, as none is; other things are the same when they are equal.
bool same_as(In in) {
  return kind_name(in.value) == kind_name(in.other()) && equal(in.value, in.other());
}

bool is_in(In in) {
  const Value& seq = in.arguments.at(0, "seq");
  if (const Text* text = seq.as_text()) {
    if (!in.value.as_text()) {
      fail_invalid(in.arguments.line,
                   "something " + std::string(kind_name(in.value)) + " in a string");
    }
    in.budget.step(1 + text->size() / 16);
    return find(*text, *in.value.as_text()) != TextView::npos;
  }
  if (seq.as_mapping() && !seq.as_mapping()->is_namespace) {
    return seq.find_key(in.value) != nullptr;
  }
  if (Sequence* sequence = seq.as_sequence()) {  // an iterator is used up to what was looked for
    in.budget.step(1 + sequence->items.size());
    std::size_t at = sequence->taken;
    while (at < sequence->items.size() && !equal(sequence->items[at], in.value)) ++at;
    const bool found = at < sequence->items.size();
    if (sequence->kind == Sequence::Kind::kIterator) sequence->taken = found ? at + 1 : at;
    return found;
  }
  const List list = elements(seq, in.arguments.line, in.budget);
  return std::any_of(list.begin(), list.end(), [&](const Value& e) { return equal(e, in.value); });
}

bool by_method(In in, std::string_view method) {
  return truthy(
      call_text_method(to_text(in.value), method, {{}, {}, in.arguments.line}, in.budget));
}

bool is_sequence(In in) {
  const Mapping* map = in.value.as_mapping();
  return in.value.as_list() || in.value.as_text() || in.value.is_undefined() ||
         (map && !map->is_namespace);
}

const std::map<std::string, Test, std::less<>>& tests() {
  constexpr Test kEqual = [](In in) { return equal(in.value, in.other()); };
  constexpr Test kNotEqual = [](In in) { return !equal(in.value, in.other()); };
  constexpr Test kLess = [](In in) { return in.order_of() < 0; };
  constexpr Test kNotMore = [](In in) { return in.order_of() <= 0; };
  constexpr Test kMore = [](In in) { return in.order_of() > 0; };
  constexpr Test kNotLess = [](In in) { return in.order_of() >= 0; };
  static const std::map<std::string, Test, std::less<>> kTests{
      {"!=", kNotEqual},
      {"<", kLess},
      {"<=", kNotMore},
      {"==", kEqual},
      {">", kMore},
      {">=", kNotLess},
      {"boolean", [](In in) { return in.value.as<bool>() != nullptr; }},
      {"callable",
       [](In in) {
         return in.value.as<Builtin>() || in.value.as<Method>() || in.value.as_object();
       }},
      {"defined", [](In in) { return !in.value.is_undefined(); }},
      {"divisibleby", divisible},
      {"eq", kEqual},
      {"equalto", kEqual},
      {"even", [](In in) { return integer_of(in) % 2 == 0; }},
      {"false", [](In in) { return in.value.as<bool>() && !*in.value.as<bool>(); }},
      {"filter", [](In in) { return is_filter(to_bytes(to_text(in.value))); }},
      {"float", [](In in) { return in.value.as<double>() != nullptr; }},
      {"ge", kNotLess},
      {"greaterthan", kMore},
      {"gt", kMore},
      {"in", is_in},
      {"integer", [](In in) { return in.value.as<std::int64_t>() != nullptr; }},
      {"iterable", [](In in) { return is_sequence(in) || in.value.as_sequence(); }},
      {"le", kNotMore},
      {"lessthan", kLess},
      {"lower", [](In in) { return by_method(in, "islower"); }},
      {"lt", kLess},
      {"mapping",
       [](In in) { return in.value.as_mapping() && !in.value.as_mapping()->is_namespace; }},
      {"ne", kNotEqual},
      {"none", [](In in) { return in.value.is_none(); }},
      {"number",
       [](In in) {
         return in.value.as<std::int64_t>() || in.value.as<double>() || in.value.as<bool>();
       }},
      {"odd", [](In in) { return integer_of(in) % 2 != 0; }},
      {"sameas", same_as},
      {"sequence", is_sequence},
      {"string", [](In in) { return in.value.as_text() != nullptr; }},
      {"test", [](In in) { return is_test(to_bytes(to_text(in.value))); }},
      {"true", [](In in) { return in.value.as<bool>() && *in.value.as<bool>(); }},
      {"undefined", [](In in) { return in.value.is_undefined(); }},
      {"upper", [](In in) { return by_method(in, "isupper"); }},
  };
  return kTests;
}

}  // namespace

bool is_test(std::string_view name) { return tests().contains(name); }

bool apply_test(std::string_view name, const Value& value, const CallArguments& arguments,
                Budget& budget) {
  const auto found = tests().find(name);
  if (found == tests().end()) {
    fail_unsupported(arguments.line, "the test '" + std::string(name) + "'");
  }
  return found->second(TestInput{value, arguments, budget});
}

}  // namespace orkestra::model::jinja
