// Python's str() and repr(), and json.dumps, of template values.
#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_value.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace orkestra::model::jinja {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::size_t kMaxPrinted = std::size_t{16} << 20U;

void append(Text& out, std::string_view bytes) {
  for (const char c : bytes) out.push_back(make_unit(static_cast<std::uint8_t>(c), 0));
}

std::string hex(std::int32_t value, int digits) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%0*x", digits, static_cast<unsigned>(value));
  return buffer;
}

// A backslash and what follows it for code points that can't stand for themselves; "" otherwise.
std::string short_escape(std::int32_t code, char quote) {
  if (code == quote || code == '\\') return {'\\', static_cast<char>(code)};
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  return "";
}

std::string python_escape(std::int32_t code, char quote) {
  std::string escape = short_escape(code, quote);
  if (!escape.empty() || code < 0 || is_printable(code)) return escape;
  if (code < 0x100) return "\\x" + hex(code, 2);
  return code < 0x10000 ? "\\u" + hex(code, 4) : "\\U" + hex(code, 8);
}

std::string json_escape(std::int32_t code, bool ascii) {
  std::string escape = short_escape(code, '"');
  if (!escape.empty() || code < 0) return escape;
  if (code == '\b') return "\\b";
  if (code == '\f') return "\\f";
  if (code < 0x20 || (ascii && code >= 0x7F && code < 0x10000)) {
    return code == 0x7F ? "" : "\\u" + hex(code, 4);
  }
  if (!ascii || code < 0x10000) return "";
  const std::int32_t rest = code - 0x10000;
  return "\\u" + hex(0xD800 + (rest >> 10), 4) + "\\u" + hex(0xDC00 + (rest & 0x3FF), 4);
}

// Values may share parts, so a small one can be endless to print.
void check_bounds(int depth, const Text& out) {
  if (depth > kMaxDepth) {
    throw Error(ErrorCode::kExhausted,
                "template: a value nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  if (out.size() > kMaxPrinted) {
    throw Error(ErrorCode::kExhausted, "template: a value of more than 16 MiB as text");
  }
}

class PythonPrinter {
 public:
  void print(const Value& value, int depth = 0) {
    check_bounds(depth, out);
    if (const Text* text = value.as_text()) {
      quoted(*text);
    } else if (const Sequence* sequence = value.as_sequence()) {
      print_sequence(*sequence, depth);
    } else if (const List* list = value.as_list()) {
      elements(*list, "[", "]", depth);
    } else if (const Mapping* map = value.as_mapping()) {
      append(out, map->is_namespace ? "<Namespace {" : "{");
      for (std::size_t i = 0; i < map->members.size(); ++i) {
        if (i > 0) append(out, ", ");
        print(map->members[i].first, depth + 1);
        append(out, ": ");
        print(map->members[i].second, depth + 1);
      }
      append(out, map->is_namespace ? "}>" : "}");
    } else {
      append(out, scalar(value));
    }
  }

  Text out;

 private:
  void quoted(TextView text) {
    const auto has = [&](std::uint8_t byte) {
      return std::any_of(text.begin(), text.end(), [&](Unit u) { return byte_of(u) == byte; });
    };
    const char quote = has('\'') && !has('"') ? '"' : '\'';
    append(out, std::string_view(&quote, 1));
    for (const TextView character : characters(text)) {
      const std::string escape = python_escape(code_point(character), quote);
      if (escape.empty()) {
        out += character;
      } else {
        out += make_text(escape, source_of(character.front()));
      }
    }
    append(out, std::string_view(&quote, 1));
  }

  void elements(const List& list, std::string_view open, std::string_view close, int depth) {
    append(out, open);
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) append(out, ", ");
      print(list[i], depth + 1);
    }
    append(out, close);
  }

  void print_sequence(const Sequence& sequence, int depth) {
    switch (sequence.kind) {
      case Sequence::Kind::kTuple:
        elements(sequence.items, "(", sequence.items.size() == 1 ? ",)" : ")", depth);
        break;
      case Sequence::Kind::kView:
        elements(sequence.items, sequence.names.front() + "([", "])", depth);
        break;
      case Sequence::Kind::kIterator:
        append(out, "<generator object>");
        break;
    }
  }

  static std::string scalar(const Value& value) {
    if (const auto* flag = value.as<bool>()) return *flag ? "True" : "False";
    if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* number = value.as<double>()) return format_double(*number);
    if (value.is_none()) return "None";
    return value.is_undefined() ? "Undefined" : "<" + std::string(kind_name(value)) + ">";
  }
};

class JsonPrinter {
 public:
  explicit JsonPrinter(const JsonStyle& style) : style_(style) {}

  void print(const Value& value, int depth = 0) {
    check_bounds(depth, out);
    if (const Text* text = value.as_text()) {
      quoted(*text);
    } else if (const List* list = value.as_list()) {
      append(out, "[");
      for (std::size_t i = 0; i < list->size(); ++i) {
        item(i, depth);
        print((*list)[i], depth + 1);
      }
      close("]", list->empty(), depth);
    } else if (const Mapping* map = value.as_mapping(); map && !map->is_namespace) {
      print_members(map->members, depth);
    } else {
      append(out, scalar(value));
    }
  }

  Text out;

 private:
  void print_members(const Members& members, int depth) {
    std::vector<Text> keys;
    for (const auto& member : members) keys.push_back(key(member.first));
    std::vector<std::size_t> order(keys.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (style_.sorted) {
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return compare(keys[a], keys[b]) < 0; });
    }
    append(out, "{");
    for (std::size_t i = 0; i < order.size(); ++i) {
      item(i, depth);
      quoted(keys[order[i]]);
      append(out, style_.colon);
      print(members[order[i]].second, depth + 1);
    }
    close("}", order.empty(), depth);
  }

  Text key(const Value& value) const {
    return value.as_text() ? *value.as_text() : make_text(scalar(value));
  }

  void quoted(TextView text) {
    append(out, "\"");
    for (const TextView character : characters(text)) {
      const std::string escape = json_escape(code_point(character), style_.ascii);
      if (escape.empty()) {
        out += character;
      } else {
        out += make_text(escape, source_of(character.front()));
      }
    }
    append(out, "\"");
  }

  std::string scalar(const Value& value) const {
    if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
    if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* number = value.as<double>()) {
      if (std::isnan(*number)) return "NaN";
      if (std::isinf(*number)) return *number > 0 ? "Infinity" : "-Infinity";
      return format_double(*number);
    }
    if (value.is_none()) return "null";
    throw Error(ErrorCode::kInvalid,
                "template: tojson of something " + std::string(kind_name(value)));
  }

  void line(int depth) {
    append(out, "\n");
    for (int i = 0; i < depth; ++i) append(out, style_.indent);
  }
  void item(std::size_t index, int depth) {
    if (index > 0) append(out, style_.item);
    if (style_.lines) line(depth + 1);
  }
  void close(std::string_view bracket, bool empty, int depth) {
    if (style_.lines && !empty) line(depth);
    append(out, bracket);
  }

  const JsonStyle& style_;
};

}  // namespace

std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  char buffer[64];
  const auto result =
      std::to_chars(buffer, buffer + sizeof buffer, value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, result.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

Text to_text(const Value& value) {
  if (const Text* text = value.as_text()) return *text;
  if (value.is_undefined()) return {};
  return to_repr(value);
}

Text to_repr(const Value& value) {
  PythonPrinter printer;
  printer.print(value);
  return std::move(printer.out);
}

Text to_json_text(const Value& value, const JsonStyle& style) {
  JsonPrinter printer(style);
  printer.print(value);
  return std::move(printer.out);
}

}  // namespace orkestra::model::jinja
