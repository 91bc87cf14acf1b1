// What a template can call: filters, tests, methods of strings, lists and mappings, functions.
// All are pure; what they make is charged to the rendering's Budget.
#pragma once

#include <orkestra/model/text/jinja_value.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model::jinja {

// What one rendering may use. Spending beyond it throws Error{kExhausted}.
class Budget {
 public:
  void step(std::size_t count = 1);  // statements, expressions, elements looked at
  void make(std::size_t bytes);      // bytes of strings made
  void enter();                      // nesting of evaluation
  void leave() { --depth_; }

 private:
  std::size_t steps_ = 0;
  std::size_t bytes_ = 0;
  int depth_ = 0;
};

// The evaluated arguments of one call.
struct CallArguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  int line = 0;

  // By position or name; nullptr when absent.
  const Value* find(std::size_t index, std::string_view name = "") const;
  const Value& at(std::size_t index, std::string_view name) const;  // throws when absent
  std::int64_t integer(std::size_t index, std::string_view name, std::int64_t fallback) const;
  bool boolean(std::size_t index, std::string_view name, bool fallback) const;
  Text text(std::size_t index, std::string_view name, std::string_view fallback) const;
  CallArguments without_first(std::size_t count) const;
};

bool is_filter(std::string_view name);
bool is_test(std::string_view name);
Value apply_filter(std::string_view name, const Value& value, const CallArguments& arguments,
                   Budget& budget);
bool apply_test(std::string_view name, const Value& value, const CallArguments& arguments);
// `object.name(arguments)`. Throws Error{kUnsupported} naming the line for an unknown method.
Value call_method(const Value& object, std::string_view name, const CallArguments& arguments,
                  Budget& budget);
bool is_function(std::string_view name);
Value call_function(std::string_view name, const CallArguments& arguments, Budget& budget);

// The elements of a list, the keys of a mapping, the characters of a string.
// Throws Error{kInvalid} naming the line for anything else.
List elements(const Value& value, int line, Budget& budget);
// value.name: a member, or undefined. Dots walk ("function.name").
Value member_path(const Value& value, std::string_view path);
// -1, 0, 1; throws Error{kInvalid} when the two can't be ordered.
int order(const Value& a, const Value& b, int line);

}  // namespace orkestra::model::jinja
