#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_builtins.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <memory>

namespace orkestra::model::jinja {
namespace {

constexpr std::size_t kMaxSteps = 20'000'000;
constexpr std::size_t kMaxBytes = std::size_t{64} << 20U;
constexpr int kMaxDepth = 1000;

[[noreturn]] void exhausted(std::string_view what) {
  throw Error(ErrorCode::kExhausted, "template: rendering takes " + std::string(what));
}

}  // namespace

void Budget::step(std::size_t count) {
  steps_ += count;
  if (steps_ > kMaxSteps) exhausted("more than 20 million steps");
}

void Budget::make(std::size_t bytes) {
  step(1 + bytes / 64);
  bytes_ += bytes;
  if (bytes > kMaxBytes || bytes_ > kMaxBytes) exhausted("more than 64 MiB of text");
}

void Budget::enter() {
  if (++depth_ > kMaxDepth) {
    --depth_;
    exhausted("more than 1000 nested calls");
  }
}

const Value* CallArguments::find(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [key, value] : named) {
    if (!name.empty() && key == name) return &value;
  }
  return nullptr;
}

const Value& CallArguments::at(std::size_t index, std::string_view name) const {
  const Value* value = find(index, name);
  if (!value) fail_invalid(line, "the argument '" + std::string(name) + "' is missing");
  return *value;
}

std::int64_t CallArguments::integer(std::size_t index, std::string_view name,
                                    std::int64_t fallback) const {
  const Value* value = find(index, name);
  if (!value || value->is_none()) return fallback;
  const auto* integer = value->as<std::int64_t>();
  if (!integer) fail_invalid(line, "the argument '" + std::string(name) + "' is not an integer");
  return *integer;
}

bool CallArguments::boolean(std::size_t index, std::string_view name, bool fallback) const {
  const Value* value = find(index, name);
  return value ? truthy(*value) : fallback;
}

Text CallArguments::text(std::size_t index, std::string_view name,
                         std::string_view fallback) const {
  const Value* value = find(index, name);
  return value && !value->is_none() ? to_text(*value) : make_text(fallback);
}

CallArguments CallArguments::without_first(std::size_t count) const {
  CallArguments rest = *this;
  count = std::min(count, rest.positional.size());
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

void CallArguments::only(std::size_t most, std::initializer_list<std::string_view> names) const {
  if (positional.size() > most) fail_invalid(line, "too many arguments");
  for (const auto& [key, value] : named) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      fail_invalid(line, "unexpected argument '" + key + "'");
    }
  }
}

List elements(const Value& value, int line, Budget& budget) {
  List out;
  if (const List* list = value.as_list()) {
    out = *list;
  } else if (Sequence* sequence = value.as_sequence()) {
    out.assign(sequence->items.begin() + static_cast<std::ptrdiff_t>(sequence->taken),
               sequence->items.end());
    if (sequence->kind == Sequence::Kind::kIterator) sequence->taken = sequence->items.size();
  } else if (const Mapping* map = value.as_mapping(); map && !map->is_namespace) {
    for (const auto& [key, member] : map->members) out.push_back(key);
  } else if (const Text* text = value.as_text()) {
    budget.make(text->size());
    for (const TextView character : characters(*text)) out.emplace_back(Text(character));
  } else if (!value.is_undefined()) {
    fail_invalid(line,
                 "can't go through the elements of something " + std::string(kind_name(value)));
  }
  budget.step(out.size());
  return out;
}

Value attribute(const Value& object, std::string_view name, int line) {
  if (const auto* undefined = object.as<Undefined>()) {
    fail_invalid(line, "'" + undefined->name + "' is undefined");
  }
  const Mapping* map = object.as_mapping();
  if (!(map && map->is_namespace) && has_method(object, name)) {
    return Value(Method{std::make_shared<const Value>(object), std::string(name)});
  }
  if (map) {
    if (const Value* member = object.find_member(make_text(name))) return *member;
  } else if (const Object* thing = object.as_object()) {
    if (thing->kind() == "loop" && (name == "cycle" || name == "changed")) {
      return Value(Method{std::make_shared<const Value>(object), std::string(name)});
    }
    return thing->member(make_text(name));
  } else if (const Sequence* sequence = object.as_sequence()) {
    for (std::size_t i = 0; i < sequence->names.size() && object.is_tuple(); ++i) {
      if (sequence->names[i] == name) return sequence->items[i];
    }
  }
  return Value(Undefined{std::string(name)});
}

Value subscript(const Value& object, const Value& key, int line, Budget& budget) {
  if (const auto* undefined = object.as<Undefined>()) {
    fail_invalid(line, "'" + undefined->name + "' is undefined");
  }
  if (const Value* member = object.find_key(key)) return *member;
  if (const Text* name = key.as_text()) return attribute(object, to_bytes(*name), line);
  std::int64_t at = 0;
  if (const auto* integer = key.as<std::int64_t>()) {
    at = *integer;
  } else if (const auto* flag = key.as<bool>()) {
    at = *flag ? 1 : 0;
  } else {
    return Value(Undefined{"element"});
  }
  const auto within = [&](std::size_t size) {
    const std::int64_t i = at < 0 ? at + static_cast<std::int64_t>(size) : at;
    return i >= 0 && i < static_cast<std::int64_t>(size) ? static_cast<std::size_t>(i) : size;
  };
  if (const List* list = object.as_list()) {
    if (const std::size_t i = within(list->size()); i < list->size()) return (*list)[i];
  } else if (const Text* text = object.as_text()) {
    budget.step(1 + text->size() / 16);
    const std::vector<TextView> all = characters(*text);
    if (const std::size_t i = within(all.size()); i < all.size()) return Text(all[i]);
  }
  return Value(Undefined{"element " + std::to_string(at)});
}

Value member_path(const Value& value, const Value& path, int line, Budget& budget,
                  const Value* fallback) {
  const bool has_fallback = fallback && !fallback->is_none();
  if (!path.as_text()) {
    Value found = subscript(value, path, line, budget);
    return found.is_undefined() && has_fallback ? *fallback : found;
  }
  Value at = value;
  const std::string text = to_bytes(*path.as_text());
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const bool is_number = !part.empty() && part.size() < 10 &&
                           part.find_first_not_of("0123456789") == std::string::npos;
    at = subscript(at, is_number ? Value(std::int64_t{std::stoi(part)}) : Value::text(part), line,
                   budget);
    if (at.is_undefined() && has_fallback) at = *fallback;
    begin = end + 1;
  }
  return at;
}

int order(const Value& a, const Value& b, int line) {
  if (a.as_text() && b.as_text()) return compare(*a.as_text(), *b.as_text());
  if (a.as_list() && b.as_list() && a.is_tuple() == b.is_tuple()) {
    const List& p = *a.as_list();
    const List& q = *b.as_list();
    for (std::size_t i = 0; i < std::min(p.size(), q.size()); ++i) {
      if (!equal(p[i], q[i])) return order(p[i], q[i], line);
    }
    return p.size() == q.size() ? 0 : (p.size() < q.size() ? -1 : 1);
  }
  const auto number = [&](const Value& value) {
    if (const auto* flag = value.as<bool>()) return *flag ? 1.0 : 0.0;
    if (const auto* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* real = value.as<double>()) return *real;
    fail_invalid(line, "can't compare something " + std::string(kind_name(a)) + " with something " +
                           std::string(kind_name(b)));
  };
  if (a.as<std::int64_t>() && b.as<std::int64_t>()) {
    const std::int64_t x = *a.as<std::int64_t>();
    const std::int64_t y = *b.as<std::int64_t>();
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  const double x = number(a);
  const double y = number(b);
  return x < y ? -1 : (x > y ? 1 : 0);
}

}  // namespace orkestra::model::jinja
