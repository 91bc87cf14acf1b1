// Python's methods of strings, lists and mappings.
#include <orkestra/core/unicode.h>
#include <orkestra/model/text/jinja/jinja_builtins.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>

namespace orkestra::model::jinja {
namespace {

struct MethodInput {
  const Text& text;
  const CallArguments& arguments;
  Budget& budget;
  std::string_view name;

  std::int64_t count(std::size_t index, std::string_view argument) const {
    return arguments.integer(index, argument, -1);
  }
  // An argument that has to be a string.
  const Text& string(std::size_t index, std::string_view argument) const {
    const Value& value = arguments.at(index, argument);
    if (!value.as_text()) {
      fail_invalid(arguments.line, "'" + std::string(name) + "' got something " +
                                       std::string(kind_name(value)) + ", not a string");
    }
    return *value.as_text();
  }
};
using In = const MethodInput&;
using TextMethod = Value (*)(In);

Value texts(std::vector<Text> parts) {
  List out;
  for (Text& part : parts) out.emplace_back(std::move(part));
  return out;
}

// A prefix or suffix: a string or a tuple of them.
Value any_affix(In in, bool at_start) {
  const Value& affix = in.arguments.at(0, "prefix");
  const auto matches = [&](const Value& one) {
    return one.as_text() &&
           (at_start ? starts_with(in.text, *one.as_text()) : ends_with(in.text, *one.as_text()));
  };
  if (affix.is_tuple()) {
    const List& list = *affix.as_list();
    return std::any_of(list.begin(), list.end(), matches);
  }
  in.string(0, "prefix");
  return matches(affix);
}

Value stripped(In in, bool left, bool right) {
  const Value* set = in.arguments.find(0, "chars");
  if (!set || set->is_none()) return Text(strip(in.text, {}, left, right));
  if (in.string(0, "chars").empty()) return in.text;
  return Text(strip(in.text, *set->as_text(), left, right));
}

Value split_by(In in, bool from_right) {
  const std::int64_t most = in.count(1, "maxsplit");
  const Value* separator = in.arguments.find(0, "sep");
  if (!separator || separator->is_none()) {
    return texts(from_right ? split_white_right(in.text, most) : split_white(in.text, most));
  }
  const Text& by = in.string(0, "sep");
  if (by.empty()) fail_invalid(in.arguments.line, "split by an empty string");
  return texts(from_right ? split_right(in.text, by, most) : split(in.text, by, most));
}

Value partition(In in, bool from_right) {
  const Text& by = in.string(0, "sep");
  if (by.empty()) fail_invalid(in.arguments.line, "partition by an empty string");
  const std::size_t at = from_right ? find_last(in.text, by) : find(in.text, by);
  const TextView text = in.text;
  if (at == TextView::npos) {
    List parts{Value(Text()), Value(Text()), Value(Text())};
    parts[from_right ? 2 : 0] = in.text;
    return Value::tuple(std::move(parts));
  }
  return Value::tuple(
      {Value(Text(text.substr(0, at))), Value(by), Value(Text(text.substr(at + by.size())))});
}

Value replaced(In in) {
  const Text from = to_text(in.arguments.at(0, "old"));
  const Text to = to_text(in.arguments.at(1, "new"));
  const std::size_t hits = from.empty() ? in.text.size() + 1 : split(in.text, from, -1).size() - 1;
  if (hits > 0) in.budget.make(hits * (to.size() + 1));
  return replace(in.text, from, to, in.count(2, "count"));
}

// find, rfind, index, rindex, count: within [start, end) in characters.
Value searched(In in) {
  const Text& part = in.string(0, "sub");
  const std::vector<TextView> all = characters(in.text);
  const auto size = static_cast<std::int64_t>(all.size());
  const auto bound = [&](std::size_t index, std::string_view argument, std::int64_t fallback) {
    const std::int64_t at = in.arguments.integer(index, argument, fallback);
    return at < 0 ? std::max<std::int64_t>(0, at + size) : at;
  };
  const std::int64_t start = bound(1, "start", 0);
  const std::int64_t end = std::min(size, bound(2, "end", size));
  TextView within;
  bool possible = start <= end;
  if (possible) {
    const auto offset = [&](std::int64_t at) {
      return at == size ? in.text.size()
                        : static_cast<std::size_t>(all[static_cast<std::size_t>(at)].data() -
                                                   in.text.data());
    };
    within = TextView(in.text).substr(offset(start), offset(end) - offset(start));
  }
  if (in.name == "count") {
    if (!possible) return std::int64_t{0};
    if (part.empty()) return end - start + 1;
    return static_cast<std::int64_t>(split(within, part, -1).size()) - 1;
  }
  const bool last = in.name.front() == 'r';
  const std::size_t at =
      !possible ? TextView::npos : (last ? find_last(within, part) : find(within, part));
  if (at != TextView::npos) {
    return start + static_cast<std::int64_t>(character_count(within.substr(0, at)));
  }
  if (in.name.ends_with("index")) fail_invalid(in.arguments.line, "substring not found");
  return std::int64_t{-1};
}

Value padded(In in) {
  const std::int64_t width = in.arguments.integer(0, "width", 0);
  const auto size = static_cast<std::int64_t>(character_count(in.text));
  if (width <= size) return in.text;
  const auto room = static_cast<std::size_t>(width - size);
  in.budget.make(room);
  const bool zeros = in.name == "zfill";
  const Text fill = zeros ? make_text("0") : in.arguments.text(1, "fillchar", " ");
  if (character_count(fill) != 1) fail_invalid(in.arguments.line, "a fill of several characters");
  std::size_t left = 0;
  if (in.name == "center") left = room / 2 + (room & static_cast<std::size_t>(width) & 1U);
  if (in.name == "rjust" || zeros) left = room;
  const bool is_signed =
      zeros && !in.text.empty() && (byte_of(in.text[0]) == '-' || byte_of(in.text[0]) == '+');
  const std::size_t head = is_signed ? 1 : 0;
  Text out = in.text.substr(0, head);
  for (std::size_t i = 0; i < left; ++i) out += fill;
  out += in.text.substr(head);
  for (std::size_t i = left; i < room; ++i) out += fill;
  return out;
}

Value expand_tabs(In in) {
  const std::int64_t size = std::clamp<std::int64_t>(in.arguments.integer(0, "tabsize", 8), 0, 64);
  Text out;
  std::int64_t column = 0;
  for (const TextView character : characters(in.text)) {
    if (same(character, "\t")) {
      const std::int64_t spaces = size == 0 ? 0 : size - column % size;
      out += make_text(std::string(static_cast<std::size_t>(spaces), ' '));
      column += spaces;
      continue;
    }
    out += character;
    const bool newline = same(character, "\n") || same(character, "\r");
    column = newline ? 0 : column + 1;
  }
  in.budget.make(out.size());
  return out;
}

bool is_letter_kind(std::int32_t code) {
  const UnicodeClass kind = unicode_class(code);
  return kind == UnicodeClass::kUpper || kind == UnicodeClass::kLower ||
         kind == UnicodeClass::kOtherLetter;
}

// is...(): true when it holds for all characters of a text that has some.
Value all_are(In in, bool (*holds)(std::int32_t)) {
  const std::vector<TextView> all = characters(in.text);
  return !all.empty() && std::all_of(all.begin(), all.end(), [&](TextView character) {
    return holds(code_point(character));
  });
}

// Letters with case are all of the one, and there are some.
Value in_case(In in, UnicodeClass wanted) {
  bool some = false;
  for (const TextView character : characters(in.text)) {
    const UnicodeClass kind = unicode_class(code_point(character));
    const bool cased = kind == UnicodeClass::kUpper || kind == UnicodeClass::kLower;
    if (cased && kind != wanted) return false;
    some = some || cased;
  }
  return some;
}

Value is_identifier(In in) {
  const std::vector<TextView> all = characters(in.text);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int32_t code = code_point(all[i]);
    const bool more = i > 0 && (unicode_class(code) == UnicodeClass::kNumber ||
                                unicode_class(code) == UnicodeClass::kMark);
    if (code != '_' && !is_letter_kind(code) && !more) return false;
  }
  return !all.empty();
}

Value without_affix(In in) {
  const Text& affix = in.string(0, "affix");
  const TextView view(in.text);
  if (in.name == "removeprefix") {
    return Text(starts_with(in.text, affix) ? view.substr(affix.size()) : view);
  }
  return Text(ends_with(in.text, affix) ? view.substr(0, view.size() - affix.size()) : view);
}

Value joined(In in) {
  const Value& list = in.arguments.at(0, "iterable");
  Text out;
  bool first = true;
  for (const Value& part : elements(list, in.arguments.line, in.budget)) {
    if (!part.as_text()) {
      fail_invalid(in.arguments.line,
                   "join of something " + std::string(kind_name(part)) + ", not a string");
    }
    in.budget.make(part.as_text()->size() + in.text.size());
    if (!first) out += in.text;
    first = false;
    out += *part.as_text();
  }
  return out;
}

const std::map<std::string, TextMethod, std::less<>>& text_methods() {
  static const std::map<std::string, TextMethod, std::less<>> kMethods{
      {"capitalize", [](In in) { return Value(capitalize(in.text)); }},
      {"casefold", [](In in) { return Value(lower(in.text)); }},
      {"center", padded},
      {"count", searched},
      {"endswith", [](In in) { return any_affix(in, false); }},
      {"expandtabs", expand_tabs},
      {"find", searched},
      {"format", [](In in) { return Value(format_braces(in.text, in.arguments, in.budget)); }},
      {"index", searched},
      {"isalnum",
       [](In in) {
         return all_are(in, [](std::int32_t code) {
           return is_letter_kind(code) || unicode_class(code) == UnicodeClass::kNumber;
         });
       }},
      {"isalpha", [](In in) { return all_are(in, is_letter_kind); }},
      {"isascii",
       [](In in) {
         return Value(std::all_of(in.text.begin(), in.text.end(),
                                  [](Unit unit) { return byte_of(unit) < 0x80; }));
       }},
      {"isdecimal",
       [](In in) { return all_are(in, [](std::int32_t c) { return c >= '0' && c <= '9'; }); }},
      {"isdigit",
       [](In in) { return all_are(in, [](std::int32_t c) { return c >= '0' && c <= '9'; }); }},
      {"isidentifier", is_identifier},
      {"islower", [](In in) { return in_case(in, UnicodeClass::kLower); }},
      {"isnumeric",
       [](In in) {
         return all_are(
             in, [](std::int32_t code) { return unicode_class(code) == UnicodeClass::kNumber; });
       }},
      {"isprintable",
       [](In in) { return Value(in.text.empty() || truthy(all_are(in, is_printable))); }},
      {"isspace", [](In in) { return all_are(in, is_white); }},
      {"istitle", [](In in) { return Value(!in.text.empty() && same(title(in.text), in.text)); }},
      {"isupper", [](In in) { return in_case(in, UnicodeClass::kUpper); }},
      {"join", joined},
      {"ljust", padded},
      {"lower", [](In in) { return Value(lower(in.text)); }},
      {"lstrip", [](In in) { return stripped(in, true, false); }},
      {"partition", [](In in) { return partition(in, false); }},
      {"removeprefix", without_affix},
      {"removesuffix", without_affix},
      {"replace", replaced},
      {"rfind", searched},
      {"rindex", searched},
      {"rjust", padded},
      {"rpartition", [](In in) { return partition(in, true); }},
      {"rsplit", [](In in) { return split_by(in, true); }},
      {"rstrip", [](In in) { return stripped(in, false, true); }},
      {"split", [](In in) { return split_by(in, false); }},
      {"splitlines",
       [](In in) {
         return texts(split_lines(in.text, in.arguments.boolean(0, "keepends", false)));
       }},
      {"startswith", [](In in) { return any_affix(in, true); }},
      {"strip", [](In in) { return stripped(in, true, true); }},
      {"swapcase", [](In in) { return Value(swap_case(in.text)); }},
      {"title", [](In in) { return Value(title(in.text)); }},
      {"upper", [](In in) { return Value(upper(in.text)); }},
      {"zfill", padded},
  };
  return kMethods;
}

Value list_method(const List& list, std::string_view name, const CallArguments& arguments) {
  if (name == "copy") return list;
  const Value& wanted = arguments.at(0, "value");
  const auto is_it = [&](const Value& element) { return equal(element, wanted); };
  if (name == "count") return std::int64_t{std::count_if(list.begin(), list.end(), is_it)};
  const auto found = std::find_if(list.begin(), list.end(), is_it);
  if (found == list.end()) fail_invalid(arguments.line, "the value is not in the list");
  return std::int64_t{found - list.begin()};
}

Value mapping_method(const Value& object, std::string_view name, const CallArguments& arguments,
                     Budget& budget) {
  const Members& members = object.as_mapping()->members;
  if (name == "copy") return Value::mapping(members);
  if (name == "get") {
    const Value* member = object.find_key(arguments.at(0, "key"));
    const Value* fallback = arguments.find(1, "default");
    return member ? *member : (fallback ? *fallback : Value::none());
  }
  List out;
  for (const auto& [key, member] : members) {
    out.push_back(name == "keys" ? key : name == "values" ? member : Value::tuple({key, member}));
  }
  budget.step(out.size());
  return Value::view(std::move(out), "dict_" + std::string(name));
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool has_method(const Value& object, std::string_view name) {
  if (object.as_text()) return text_methods().contains(name);
  if (object.as_mapping()) return one_of(name, {"copy", "get", "items", "keys", "values"});
  return object.as_list() &&
         (one_of(name, {"count", "index"}) || (name == "copy" && !object.is_tuple()));
}

Value call_text_method(const Text& text, std::string_view name, const CallArguments& arguments,
                       Budget& budget) {
  budget.make(text.size());
  return text_methods().find(name)->second(MethodInput{text, arguments, budget, name});
}

Value call_method(const Value& object, std::string_view name, const CallArguments& arguments,
                  Budget& budget) {
  if (const Text* text = object.as_text()) {
    return call_text_method(*text, name, arguments, budget);
  }
  if (object.as_mapping()) return mapping_method(object, name, arguments, budget);
  budget.step(object.as_list()->size());
  return list_method(*object.as_list(), name, arguments);
}

}  // namespace orkestra::model::jinja
