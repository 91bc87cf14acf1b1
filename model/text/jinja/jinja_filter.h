// What a filter gets, and the two tables of filters (texts and numbers; lists and mappings) that
// apply_filter looks into.
#pragma once

#include <orkestra/model/text/jinja/jinja_builtins.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace orkestra::model::jinja {

struct FilterInput {
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
  [[noreturn]] void refuse(std::string_view filter) const;  // a value the filter can't work with
};

using Filter = Value (*)(const FilterInput&);
using FilterTable = std::map<std::string, Filter, std::less<>>;

const FilterTable& text_filters();
const FilterTable& list_filters();

}  // namespace orkestra::model::jinja
