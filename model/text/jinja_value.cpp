#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_value.h>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace orkestra::model::jinja {
namespace {

constexpr int kMaxDepth = 100;

// Doubles as Python prints them: the shortest form that reads back, with ".0" on whole numbers.
std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, result.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void append(Text& out, std::string_view bytes) {
  for (const char c : bytes) out.push_back(make_unit(static_cast<std::uint8_t>(c), 0));
}

void append_quoted(Text& out, TextView text, char quote, bool json) {
  constexpr std::string_view kHex = "0123456789abcdef";
  append(out, std::string_view(&quote, 1));
  for (const Unit unit : text) {
    const std::uint8_t byte = byte_of(unit);
    const std::uint32_t source = source_of(unit);
    const auto escape = [&](std::string_view bytes) { out += make_text(bytes, source); };
    if (byte == static_cast<std::uint8_t>(quote)) {
      escape(std::string{'\\', quote});
    } else if (byte == '\\') {
      escape("\\\\");
    } else if (byte == '\n') {
      escape("\\n");
    } else if (byte == '\r') {
      escape("\\r");
    } else if (byte == '\t') {
      escape("\\t");
    } else if (json && byte == '\b') {
      escape("\\b");
    } else if (json && byte == '\f') {
      escape("\\f");
    } else if (byte < 0x20) {
      escape(std::string(json ? "\\u00" : "\\x") + kHex[byte >> 4U] + kHex[byte & 15U]);
    } else {
      out.push_back(unit);
    }
  }
  append(out, std::string_view(&quote, 1));
}

// Both Python's repr() and JSON: they differ in quotes, names of constants and spaces.
class Printer {
 public:
  Printer(bool json, int indent) : json_(json), indent_(indent) {}

  void print(const Value& value, int depth = 0) {
    if (depth > kMaxDepth) {
      throw Error(ErrorCode::kExhausted,
                  "template: a value nested deeper than " + std::to_string(kMaxDepth) + " levels");
    }
    if (const Text* text = value.as_text()) {
      const bool single = !json_ && !(contains(*text, '\'') && !contains(*text, '"'));
      append_quoted(out, *text, single ? '\'' : '"', json_);
    } else if (const List* list = value.as_list()) {
      open("[", list->empty());
      for (std::size_t i = 0; i < list->size(); ++i) {
        item(i, depth);
        print((*list)[i], depth + 1);
      }
      close("]", list->empty(), depth);
    } else if (const Mapping* map = value.as_mapping()) {
      open("{", map->members.empty());
      for (std::size_t i = 0; i < map->members.size(); ++i) {
        item(i, depth);
        print(Value(map->members[i].first), depth + 1);
        append(out, ": ");
        print(map->members[i].second, depth + 1);
      }
      close("}", map->members.empty(), depth);
    } else {
      append(out, scalar(value));
    }
  }

  Text out;

 private:
  static bool contains(TextView text, char c) {
    return find(text, make_text(std::string_view(&c, 1))) != TextView::npos;
  }
  std::string scalar(const Value& value) const {
    if (const auto* flag = value.as<bool>()) {
      return json_ ? (*flag ? "true" : "false") : (*flag ? "True" : "False");
    }
    if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* number = value.as<double>()) return format_double(*number);
    if (value.is_none()) return json_ ? "null" : "None";
    if (json_) {
      throw Error(ErrorCode::kInvalid,
                  "template: tojson of something " + std::string(kind_name(value)));
    }
    return value.is_undefined() ? "Undefined" : "<" + std::string(kind_name(value)) + ">";
  }
  void open(std::string_view bracket, bool) { append(out, bracket); }
  void line(int depth) {
    append(out, "\n" + std::string(static_cast<std::size_t>(indent_ * depth), ' '));
  }
  void item(std::size_t index, int depth) {
    if (index > 0) append(out, indent_ < 0 ? ", " : ",");
    if (indent_ >= 0) line(depth + 1);
  }
  void close(std::string_view bracket, bool empty, int depth) {
    if (indent_ >= 0 && !empty) line(depth);
    append(out, bracket);
  }

  bool json_;
  int indent_;
};

bool equal_at(const Value& a, const Value& b, int depth) {
  if (depth > kMaxDepth) return false;
  const auto number = [](const Value& v, double& out) {
    if (const auto* flag = v.as<bool>()) return out = *flag ? 1 : 0, true;
    if (const auto* integer = v.as<std::int64_t>()) {
      return out = static_cast<double>(*integer), true;
    }
    if (const auto* real = v.as<double>()) return out = *real, true;
    return false;
  };
  if (a.as<std::int64_t>() && b.as<std::int64_t>()) {
    return *a.as<std::int64_t>() == *b.as<std::int64_t>();
  }
  double x = 0;
  double y = 0;
  if (number(a, x) && number(b, y)) return x == y;
  if (a.as_text() && b.as_text()) return same(*a.as_text(), *b.as_text());
  if (a.as_list() && b.as_list()) {
    const List& p = *a.as_list();
    const List& q = *b.as_list();
    if (p.size() != q.size()) return false;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (!equal_at(p[i], q[i], depth + 1)) return false;
    }
    return true;
  }
  if (a.as_mapping() && b.as_mapping()) {
    const Members& p = a.as_mapping()->members;
    if (p.size() != b.as_mapping()->members.size()) return false;
    for (const auto& [key, value] : p) {
      const Value* other = b.find_member(key);
      if (!other || !equal_at(value, *other, depth + 1)) return false;
    }
    return true;
  }
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

}  // namespace

Value Value::from_json(const Json& json, std::uint32_t source) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        return json.get<double>();
      }
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return text(json.get_ref<const std::string&>(), source);
    case Json::value_t::array: {
      List list;
      for (const Json& element : json) list.push_back(from_json(element, source));
      return list;
    }
    case Json::value_t::object: {
      Members members;
      for (const auto& [key, member] : json.items()) {
        members.emplace_back(make_text(key, source), from_json(member, source));
      }
      return mapping(std::move(members));
    }
    default:
      return none();
  }
}

const Value* Value::find_member(TextView key) const {
  if (const Mapping* map = as_mapping()) {
    for (const auto& [name, value] : map->members) {
      if (same(name, key)) return &value;
    }
  }
  return nullptr;
}

bool truthy(const Value& value) {
  if (const auto* flag = value.as<bool>()) return *flag;
  if (const auto* integer = value.as<std::int64_t>()) return *integer != 0;
  if (const auto* number = value.as<double>()) return *number != 0;
  if (const Text* text = value.as_text()) return !text->empty();
  if (const List* list = value.as_list()) return !list->empty();
  if (const Mapping* map = value.as_mapping()) return map->is_namespace || !map->members.empty();
  return !value.is_none() && !value.is_undefined();
}

bool equal(const Value& a, const Value& b) { return equal_at(a, b, 0); }

std::string_view kind_name(const Value& value) {
  constexpr std::string_view kNames[] = {"undefined", "none", "boolean", "integer", "float",
                                         "string",    "list", "mapping", "macro",   "function"};
  static_assert(std::size(kNames) == std::variant_size_v<Value::Variant>);
  return kNames[value.data().index()];
}

Text to_text(const Value& value) {
  if (const Text* text = value.as_text()) return *text;
  if (value.is_undefined()) return {};
  Printer printer(false, -1);
  printer.print(value);
  return std::move(printer.out);
}

Text to_json_text(const Value& value, int indent) {
  Printer printer(true, indent);
  printer.print(value);
  return std::move(printer.out);
}

}  // namespace orkestra::model::jinja
