#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_builtins.h>
#include <orkestra/model/text/jinja_lexer.h>

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

List elements(const Value& value, int line, Budget& budget) {
  List out;
  if (const List* list = value.as_list()) {
    out = *list;
  } else if (const Mapping* map = value.as_mapping()) {
    for (const auto& [key, member] : map->members) out.emplace_back(key);
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

Value member_path(const Value& value, std::string_view path) {
  Value at = value;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    const Value* member = at.find_member(make_text(name));
    if (!member) return Value(Undefined{name});
    at = Value(*member);
    if (dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
}

int order(const Value& a, const Value& b, int line) {
  if (a.as_text() && b.as_text()) return compare(*a.as_text(), *b.as_text());
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
