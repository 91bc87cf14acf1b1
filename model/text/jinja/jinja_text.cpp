#include <orkestra/core/unicode.h>
#include <orkestra/model/text/jinja/jinja_text.h>
#include <orkestra/model/text/utf8.h>

#include <algorithm>

namespace orkestra::model::jinja {
namespace {

bool same_byte(Unit a, Unit b) { return byte_of(a) == byte_of(b); }

// Units of the character that starts at `at`.
std::size_t length_at(TextView text, std::size_t at) {
  const std::uint8_t lead = byte_of(text[at]);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || (byte_of(text[at + i]) & 0xC0U) != 0x80U) return 1;
  }
  return length;
}

TextView first_character(TextView text) { return text.substr(0, length_at(text, 0)); }

TextView last_character(TextView text) {
  for (std::size_t back = std::min<std::size_t>(4, text.size()); back > 1; --back) {
    const std::size_t at = text.size() - back;
    if (byte_of(text[at]) >= 0xC0 && length_at(text, at) == back) return text.substr(at);
  }
  return text.substr(text.size() - 1);
}

template <typename Change>
Text changed(TextView text, Change change) {
  Text out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const TextView character = text.substr(at, length_at(text, at));
    at += character.size();
    const std::int32_t code = code_point(character);
    const std::int32_t to = change(code);
    if (to == code) {
      out += character;
    } else if (to == 0x1E9E && code == 0xDF) {  // Python's upper() of the sharp s
      out += make_text("SS", source_of(character.front()));
    } else {
      out += make_character(to, source_of(character.front()));
    }
  }
  return out;
}

bool is_cased(std::int32_t code) {
  const UnicodeClass kind = unicode_class(code);
  return kind == UnicodeClass::kUpper || kind == UnicodeClass::kLower;
}

bool ends_line(std::int32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

}  // namespace

Text make_text(std::string_view bytes, std::uint32_t source) {
  Text text;
  text.reserve(bytes.size());
  for (const char c : bytes) text.push_back(make_unit(static_cast<std::uint8_t>(c), source));
  return text;
}

std::string to_bytes(TextView text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const Unit unit : text) bytes.push_back(static_cast<char>(byte_of(unit)));
  return bytes;
}

bool same(TextView a, TextView b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_byte);
}

bool same(TextView a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](Unit u, char c) {
           return byte_of(u) == static_cast<std::uint8_t>(c);
         });
}

int compare(TextView a, TextView b) {
  const std::size_t n = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (byte_of(a[i]) != byte_of(b[i])) return byte_of(a[i]) < byte_of(b[i]) ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

std::size_t find(TextView text, TextView part, std::size_t from) {
  if (from > text.size()) return TextView::npos;
  if (part.empty()) return from;
  const auto it = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(),
                              part.begin(), part.end(), same_byte);
  return it == text.end() ? TextView::npos : static_cast<std::size_t>(it - text.begin());
}

std::size_t find_last(TextView text, TextView part) {
  const auto it = std::find_end(text.begin(), text.end(), part.begin(), part.end(), same_byte);
  if (part.empty()) return text.size();
  return it == text.end() ? TextView::npos : static_cast<std::size_t>(it - text.begin());
}

bool starts_with(TextView text, TextView prefix) {
  return text.size() >= prefix.size() && same(text.substr(0, prefix.size()), prefix);
}

bool ends_with(TextView text, TextView suffix) {
  return text.size() >= suffix.size() && same(text.substr(text.size() - suffix.size()), suffix);
}

std::vector<TextView> characters(TextView text) {
  std::vector<TextView> out;
  for (std::size_t at = 0; at < text.size(); at += out.back().size()) {
    out.push_back(text.substr(at, length_at(text, at)));
  }
  return out;
}

std::size_t character_count(TextView text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += length_at(text, at)) ++count;
  return count;
}

std::int32_t code_point(TextView character) {
  const std::uint8_t lead = byte_of(character.front());
  if (character.size() == 1) return lead < 0x80 ? lead : -1;
  std::int32_t code = lead & (0xFF >> (character.size() + 1));
  for (const Unit unit : character.substr(1)) code = (code << 6) | (byte_of(unit) & 0x3F);
  return code;
}

Text make_character(std::int32_t code, std::uint32_t source) {
  std::string bytes;
  append_utf8(code, bytes);
  return make_text(bytes, source);
}

bool is_white(std::int32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
         code == 0xA0 || (code > 0xFF && unicode_class(code) == UnicodeClass::kSeparator);
}

bool is_printable(std::int32_t code) {
  if (code < 0x7F) return code >= 0x20;
  const UnicodeClass kind = unicode_class(code);
  return kind != UnicodeClass::kSeparator && kind != UnicodeClass::kControl &&
         kind != UnicodeClass::kOther;
}

TextView strip(TextView text, TextView set, bool left, bool right) {
  const auto strips = [&](TextView character) {
    if (set.empty()) return is_white(code_point(character));
    for (std::size_t at = 0; at < set.size(); at += length_at(set, at)) {
      if (same(set.substr(at, length_at(set, at)), character)) return true;
    }
    return false;
  };
  while (left && !text.empty() && strips(first_character(text))) {
    text.remove_prefix(first_character(text).size());
  }
  while (right && !text.empty() && strips(last_character(text))) {
    text.remove_suffix(last_character(text).size());
  }
  return text;
}

std::vector<Text> split(TextView text, TextView separator, std::int64_t max_splits) {
  std::vector<Text> parts;
  std::size_t begin = 0;
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const std::size_t at = find(text, separator, begin);
    if (at == TextView::npos) break;
    parts.emplace_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.emplace_back(text.substr(begin));
  return parts;
}

std::vector<Text> split_white(TextView text, std::int64_t max_splits) {
  std::vector<Text> parts;
  text = strip(text, {}, true, false);
  while (!text.empty()) {
    if (max_splits >= 0 && static_cast<std::int64_t>(parts.size()) >= max_splits) {
      parts.emplace_back(strip(text, {}, false, true));
      break;
    }
    std::size_t end = 0;
    while (end < text.size() && !is_white(code_point(text.substr(end, length_at(text, end))))) {
      end += length_at(text, end);
    }
    parts.emplace_back(text.substr(0, end));
    text = strip(text.substr(end), {}, true, false);
  }
  return parts;
}

std::vector<Text> split_right(TextView text, TextView separator, std::int64_t max_splits) {
  std::vector<Text> parts;
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const std::size_t at = find_last(text, separator);
    if (at == TextView::npos) break;
    parts.emplace_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  parts.emplace_back(text);
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_white_right(TextView text, std::int64_t max_splits) {
  std::vector<Text> parts;
  text = strip(text, {}, false, true);
  while (!text.empty()) {
    if (max_splits >= 0 && static_cast<std::int64_t>(parts.size()) >= max_splits) {
      parts.emplace_back(strip(text, {}, true, false));
      break;
    }
    TextView rest = text;
    while (!rest.empty() && !is_white(code_point(last_character(rest)))) {
      rest.remove_suffix(last_character(rest).size());
    }
    parts.emplace_back(text.substr(rest.size()));
    text = strip(rest, {}, false, true);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_lines(TextView text, bool keep_ends) {
  std::vector<Text> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const TextView character = text.substr(at, length_at(text, at));
    std::size_t end = at + character.size();
    if (ends_line(code_point(character))) {
      if (byte_of(text[at]) == '\r' && end < text.size() && byte_of(text[end]) == '\n') ++end;
      lines.emplace_back(text.substr(begin, (keep_ends ? end : at) - begin));
      begin = end;
    }
    at = end;
  }
  if (begin < text.size()) lines.emplace_back(text.substr(begin));
  return lines;
}

Text replace(TextView text, TextView from, TextView to, std::int64_t max_count) {
  Text out;
  std::size_t begin = 0;
  for (std::int64_t count = 0; max_count < 0 || count < max_count; ++count) {
    if (from.empty()) {  // between all characters, before the first and after the last
      out.append(to);
      if (begin == text.size()) return out;
      const std::size_t length = length_at(text, begin);
      out.append(text.substr(begin, length));
      begin += length;
      continue;
    }
    const std::size_t at = find(text, from, begin);
    if (at == TextView::npos) break;
    out.append(text.substr(begin, at - begin)).append(to);
    begin = at + from.size();
  }
  return out.append(text.substr(begin));
}

Text upper(TextView text) { return changed(text, to_upper); }
Text lower(TextView text) { return changed(text, to_lower); }

Text swap_case(TextView text) {
  return changed(text, [](std::int32_t code) {
    return unicode_class(code) == UnicodeClass::kUpper ? to_lower(code) : to_upper(code);
  });
}

Text title(TextView text) {
  bool in_word = false;
  return changed(text, [&](std::int32_t code) {
    const std::int32_t to = in_word ? to_lower(code) : to_upper(code);
    in_word = is_cased(code);
    return to;
  });
}

Text capitalize(TextView text) {
  bool first = true;
  return changed(text, [&](std::int32_t code) {
    const std::int32_t to = first ? to_upper(code) : to_lower(code);
    first = false;
    return to;
  });
}

}  // namespace orkestra::model::jinja
