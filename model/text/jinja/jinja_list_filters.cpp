// Filters of lists and mappings.
#include <orkestra/model/text/jinja/jinja_filter.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>

namespace orkestra::model::jinja {
namespace {

Value filter_length(const FilterInput& in) {
  if (const Text* text = in.value.as_text()) {
    in.budget.step(1 + text->size() / 16);
    return static_cast<std::int64_t>(character_count(*text));
  }
  if (const List* list = in.value.as_list()) return static_cast<std::int64_t>(list->size());
  if (const Sequence* view = in.value.as_sequence(); view && view->kind == Sequence::Kind::kView) {
    return static_cast<std::int64_t>(view->items.size());
  }
  if (const Mapping* map = in.value.as_mapping(); map && !map->is_namespace) {
    return static_cast<std::int64_t>(map->members.size());
  }
  if (in.value.is_undefined()) return std::int64_t{0};
  in.refuse("length");
}

// The member that `attribute=` names, or the element itself.
Value by_attribute(const FilterInput& in, std::size_t index, const Value& element) {
  const Value* path = in.arguments.find(index, "attribute");
  if (!path || path->is_none()) return element;
  return member_path(element, *path, in.line(), in.budget);
}

// What elements are compared by: letters of either case are the same unless asked for.
Value folded(const Value& value, bool case_sensitive) {
  return value.as_text() && !case_sensitive ? Value(lower(*value.as_text())) : value;
}

Value filter_join(const FilterInput& in) {
  const Text separator = in.arguments.text(0, "d", "");
  Text out;
  bool first = true;
  for (const Value& element : in.list()) {
    const Text part = to_text(by_attribute(in, 1, element));
    in.budget.make(part.size() + separator.size());
    if (!first) out += separator;
    first = false;
    out += part;
  }
  return out;
}

Value filter_first(const FilterInput& in) {
  if (Sequence* sequence = in.value.as_sequence();
      sequence && sequence->kind == Sequence::Kind::kIterator) {
    if (sequence->taken == sequence->items.size()) return Value(Undefined{"first"});
    return sequence->items[sequence->taken++];
  }
  const List list = in.list();
  return list.empty() ? Value(Undefined{"first"}) : list.front();
}

Value filter_last(const FilterInput& in) {
  const Sequence* sequence = in.value.as_sequence();
  if (sequence && sequence->kind == Sequence::Kind::kIterator) in.refuse("last");
  const List list = in.list();
  return list.empty() ? Value(Undefined{"last"}) : list.back();
}

List pairs_of(const FilterInput& in, std::string_view filter) {
  List pairs;
  const Mapping* map = in.value.as_mapping();
  if (map && !map->is_namespace) {
    for (const auto& [key, member] : map->members) pairs.push_back(Value::tuple({key, member}));
  } else if (!in.value.is_undefined() || filter != "items") {
    in.refuse(filter);
  }
  in.budget.step(pairs.size());
  return pairs;
}

// Sorts by keys made once, stable in both directions as Python's sort.
List sorted(const FilterInput& in, const List& list, const List& keys, bool reverse) {
  std::vector<std::size_t> places(list.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::size_t compared = 0;
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    if (++compared % 64 == 0) in.budget.step(64);
    const int by = order(keys[a], keys[b], in.line());
    return reverse ? by > 0 : by < 0;
  });
  List out;
  for (const std::size_t i : places) out.push_back(list[i]);
  return out;
}

Value filter_dictsort(const FilterInput& in) {
  const bool case_sensitive = in.arguments.boolean(0, "case_sensitive", false);
  const std::string by = to_bytes(in.arguments.text(1, "by", "key"));
  if (by != "key" && by != "value") fail_invalid(in.line(), "dictsort by '" + by + "'");
  const List pairs = pairs_of(in, "dictsort");
  List keys;
  for (const Value& pair : pairs) {
    keys.push_back(folded((*pair.as_list())[by == "key" ? 0 : 1], case_sensitive));
  }
  return sorted(in, pairs, keys, in.arguments.boolean(2, "reverse", false));
}

Value filter_sort(const FilterInput& in) {
  const bool case_sensitive = in.arguments.boolean(1, "case_sensitive", false);
  const Value* attribute = in.arguments.find(2, "attribute");
  std::vector<Text> paths;
  if (attribute && attribute->as_text()) {
    paths = split(*attribute->as_text(), make_text(","), 16);
  }
  const List list = in.list();
  List keys;
  for (const Value& element : list) {
    if (paths.size() < 2) {
      keys.push_back(folded(by_attribute(in, 2, element), case_sensitive));
      continue;
    }
    List parts;
    for (const Text& path : paths) {
      parts.push_back(
          folded(member_path(element, Value(path), in.line(), in.budget), case_sensitive));
    }
    keys.emplace_back(std::move(parts));
  }
  return sorted(in, list, keys, in.arguments.boolean(0, "reverse", false));
}

Value filter_groupby(const FilterInput& in) {
  const bool case_sensitive = in.arguments.boolean(2, "case_sensitive", false);
  const Value* fallback = in.arguments.find(1, "default");
  const Value& path = in.arguments.at(0, "attribute");
  const List list = in.list();
  List keys;
  for (const Value& element : list) {
    keys.push_back(
        folded(member_path(element, path, in.line(), in.budget, fallback), case_sensitive));
  }
  List groups;
  List group;
  Value current;
  const auto close = [&] {
    if (group.empty()) return;
    Value shown = member_path(group.front(), path, in.line(), in.budget, fallback);
    groups.push_back(
        Value::tuple({shown, Value(std::exchange(group, List()))}, {"grouper", "list"}));
  };
  const List order_of_elements = sorted(in, list, keys, false);
  List sorted_keys = sorted(in, keys, keys, false);
  for (std::size_t i = 0; i < order_of_elements.size(); ++i) {
    if (!group.empty() && !equal(current, sorted_keys[i])) close();
    current = sorted_keys[i];
    group.push_back(order_of_elements[i]);
  }
  close();
  return groups;
}

Value filter_reverse(const FilterInput& in) {
  List list = in.list();
  std::reverse(list.begin(), list.end());
  if (!in.value.as_text()) return Value::iterator(std::move(list));
  Text out;
  for (const Value& character : list) out += *character.as_text();
  return out;
}

Value filter_unique(const FilterInput& in) {
  const bool case_sensitive = in.arguments.boolean(0, "case_sensitive", false);
  List out;
  List seen;
  for (const Value& element : in.list()) {
    in.budget.step(seen.size());
    Value key = folded(by_attribute(in, 1, element), case_sensitive);
    const auto is_it = [&](const Value& other) { return equal(key, other); };
    if (std::any_of(seen.begin(), seen.end(), is_it)) continue;
    seen.push_back(std::move(key));
    out.push_back(element);
  }
  return Value::iterator(std::move(out));
}

Value filter_map(const FilterInput& in) {
  List out;
  if (!truthy(in.value)) return Value::iterator({});  // none, too
  const Value* path = in.arguments.find(SIZE_MAX, "attribute");
  if (path && in.arguments.positional.empty()) {
    const Value* fallback = in.arguments.find(SIZE_MAX, "default");
    for (const Value& element : in.list()) {
      out.push_back(member_path(element, *path, in.line(), in.budget, fallback));
    }
    return Value::iterator(std::move(out));
  }
  const std::string name = to_bytes(to_text(in.arguments.at(0, "filter")));
  const CallArguments rest = in.arguments.without_first(1);
  in.budget.enter();
  for (const Value& element : in.list()) {
    out.push_back(apply_filter(name, element, rest, in.budget));
  }
  in.budget.leave();
  return Value::iterator(std::move(out));
}

Value filter_select(const FilterInput& in, bool by_member, bool keep) {
  if (!truthy(in.value)) return Value::iterator({});  // none, too
  const std::size_t skip = by_member ? 1 : 0;
  const Value path = by_member ? in.arguments.at(0, "attribute") : Value();
  const Value* test = in.arguments.find(skip);
  const std::string name = test ? to_bytes(to_text(*test)) : "";
  const CallArguments rest = in.arguments.without_first(skip + 1);
  List out;
  for (const Value& element : in.list()) {
    const Value subject = by_member ? member_path(element, path, in.line(), in.budget) : element;
    const bool holds = test ? apply_test(name, subject, rest, in.budget) : truthy(subject);
    if (holds == keep) out.push_back(element);
  }
  return Value::iterator(std::move(out));
}

Value filter_sum(const FilterInput& in) {
  const Value* start = in.arguments.find(1, "start");
  std::int64_t total = 0;
  double real = 0;
  bool is_real = false;
  const auto add = [&](const Value& element) {
    const auto* flag = element.as<bool>();
    const auto* integer = element.as<std::int64_t>();
    if (flag || integer) {
      if (__builtin_add_overflow(total, flag ? std::int64_t{*flag} : *integer, &total)) {
        in.refuse("sum");
      }
    } else if (const auto* number = element.as<double>()) {
      real += *number;
      is_real = true;
    } else {
      in.refuse("sum");
    }
  };
  if (start) add(*start);
  for (const Value& element : in.list()) add(by_attribute(in, 0, element));
  return is_real ? Value(real + static_cast<double>(total)) : Value(total);
}

Value filter_extreme(const FilterInput& in, bool largest) {
  const bool case_sensitive = in.arguments.boolean(0, "case_sensitive", false);
  const List list = in.list();
  if (list.empty()) return Value(Undefined{largest ? "max" : "min"});
  std::size_t best = 0;
  Value best_key = folded(by_attribute(in, 1, list[0]), case_sensitive);
  for (std::size_t i = 1; i < list.size(); ++i) {
    Value key = folded(by_attribute(in, 1, list[i]), case_sensitive);
    const int by = order(key, best_key, in.line());
    if (largest ? by <= 0 : by >= 0) continue;
    best = i;
    best_key = std::move(key);
  }
  return list[best];
}

Value filter_batch(const FilterInput& in) {
  const std::int64_t size = in.arguments.integer(0, "linecount", 1);
  const Value* fill = in.arguments.find(1, "fill_with");
  if (size < 1 || size > 100'000) fail_invalid(in.line(), "batch by " + std::to_string(size));
  List out;
  List batch;
  for (const Value& element : in.list()) {
    if (static_cast<std::int64_t>(batch.size()) == size) {
      out.emplace_back(std::exchange(batch, List()));
    }
    batch.push_back(element);
  }
  while (fill && !batch.empty() && static_cast<std::int64_t>(batch.size()) < size) {
    in.budget.step();
    batch.push_back(*fill);
  }
  if (!batch.empty()) out.emplace_back(std::move(batch));
  return Value::iterator(std::move(out));
}

Value filter_slice(const FilterInput& in) {
  const std::int64_t slices = in.arguments.integer(0, "slices", 1);
  const Value* fill = in.arguments.find(1, "fill_with");
  if (slices < 1 || slices > 100'000) fail_invalid(in.line(), "slice by " + std::to_string(slices));
  const List list = in.list();
  in.budget.step(static_cast<std::size_t>(slices));
  const auto size = static_cast<std::int64_t>(list.size());
  List out;
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < slices; ++i) {
    List part;
    const bool longer = i < size % slices;
    const std::int64_t end = at + size / slices + (longer ? 1 : 0);
    for (; at < end; ++at) part.push_back(list[static_cast<std::size_t>(at)]);
    if (fill && !longer) part.push_back(*fill);
    out.emplace_back(std::move(part));
  }
  return Value::iterator(std::move(out));
}

Value filter_attr(const FilterInput& in) {
  const std::string name = to_bytes(in.arguments.text(0, "name", ""));
  if (in.value.as_mapping() && !in.value.as_mapping()->is_namespace &&
      !has_method(in.value, name)) {
    return Value(Undefined{name});  // members are no attributes
  }
  return attribute(in.value, name, in.line());
}

}  // namespace

const FilterTable& list_filters() {
  using In = const FilterInput&;
  static const FilterTable kFilters{
      {"attr", filter_attr},
      {"batch", filter_batch},
      {"count", filter_length},
      {"dictsort", filter_dictsort},
      {"first", filter_first},
      {"groupby", filter_groupby},
      {"items", [](In in) { return Value::iterator(pairs_of(in, "items")); }},
      {"join", filter_join},
      {"last", filter_last},
      {"length", filter_length},
      {"list", [](In in) { return Value(in.list()); }},
      {"map", filter_map},
      {"max", [](In in) { return filter_extreme(in, true); }},
      {"min", [](In in) { return filter_extreme(in, false); }},
      {"reject", [](In in) { return filter_select(in, false, false); }},
      {"rejectattr", [](In in) { return filter_select(in, true, false); }},
      {"reverse", filter_reverse},
      {"select", [](In in) { return filter_select(in, false, true); }},
      {"selectattr", [](In in) { return filter_select(in, true, true); }},
      {"slice", filter_slice},
      {"sort", filter_sort},
      {"sum", filter_sum},
      {"unique", filter_unique},
  };
  return kFilters;
}

}  // namespace orkestra::model::jinja
