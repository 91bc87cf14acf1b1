// What a template can call: filters, tests, methods of strings, lists and mappings, functions.
// All are pure; what they make is charged to the rendering's Budget.
#pragma once

#include <orkestra/model/text/jinja/jinja_value.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
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
  // Throws Error{kInvalid} when there are more than `most` or one of an unknown name.
  void only(std::size_t most, std::initializer_list<std::string_view> names) const;
};

bool is_filter(std::string_view name);
bool is_test(std::string_view name);
// Throws Error{kUnsupported} naming the line for an unknown filter, test or function.
Value apply_filter(std::string_view name, const Value& value, const CallArguments& arguments,
                   Budget& budget);
bool apply_test(std::string_view name, const Value& value, const CallArguments& arguments,
                Budget& budget);
bool is_function(std::string_view name);
// `now`: seconds since 1970, for strftime_now.
Value call_function(std::string_view name, const CallArguments& arguments, Budget& budget,
                    std::int64_t now);

// Python's methods of strings, lists and mappings that change nothing.
bool has_method(const Value& object, std::string_view name);
Value call_method(const Value& object, std::string_view name, const CallArguments& arguments,
                  Budget& budget);
Value call_text_method(const Text& text, std::string_view name, const CallArguments& arguments,
                       Budget& budget);
// text % values, and text.format(values...).
Text format_percent(const Text& text, const Value& values, int line, Budget& budget);
Text format_braces(const Text& text, const CallArguments& arguments, Budget& budget);

Text escape_html(TextView text);

// object.name: Python's attribute first, then the member. object[key]: the other way round.
// Undefined when there is none; throws Error{kInvalid} when `object` is undefined.
Value attribute(const Value& object, std::string_view name, int line);
Value subscript(const Value& object, const Value& key, int line, Budget& budget);

// The elements of a list, the keys of a mapping, the characters of a string; what is left of an
// iterator, which is then used up.
// Throws Error{kInvalid} naming the line for anything else.
List elements(const Value& value, int line, Budget& budget);
// What `attribute=` of filters names: a member, an index, or a path with dots ("function.name").
// `fallback` (unless none) takes the place of what is undefined on the way.
Value member_path(const Value& value, const Value& path, int line, Budget& budget,
                  const Value* fallback = nullptr);
// -1, 0, 1; throws Error{kInvalid} when the two can't be ordered.
int order(const Value& a, const Value& b, int line);

}  // namespace orkestra::model::jinja
