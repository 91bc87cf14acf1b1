#include <orkestra/model/text/jinja_text.h>

#include <algorithm>

namespace orkestra::model::jinja {
namespace {

bool is_space(Unit unit) {
  const std::uint8_t byte = byte_of(unit);
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool is_lower(std::uint8_t byte) { return byte >= 'a' && byte <= 'z'; }
bool is_upper(std::uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }
bool is_letter(std::uint8_t byte) { return is_lower(byte) || is_upper(byte); }

Unit with_byte(Unit unit, std::uint8_t byte) { return make_unit(byte, source_of(unit)); }
Unit upper_unit(Unit unit) {
  const std::uint8_t byte = byte_of(unit);
  return is_lower(byte) ? with_byte(unit, static_cast<std::uint8_t>(byte - 32)) : unit;
}
Unit lower_unit(Unit unit) {
  const std::uint8_t byte = byte_of(unit);
  return is_upper(byte) ? with_byte(unit, static_cast<std::uint8_t>(byte + 32)) : unit;
}

bool same_byte(Unit a, Unit b) { return byte_of(a) == byte_of(b); }

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

bool starts_with(TextView text, TextView prefix) {
  return text.size() >= prefix.size() && same(text.substr(0, prefix.size()), prefix);
}

bool ends_with(TextView text, TextView suffix) {
  return text.size() >= suffix.size() && same(text.substr(text.size() - suffix.size()), suffix);
}

std::vector<TextView> characters(TextView text) {
  std::vector<TextView> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t lead = byte_of(text[at]);
    std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    for (std::size_t i = 1; i < length; ++i) {
      if (at + i >= text.size() || (byte_of(text[at + i]) & 0xC0U) != 0x80U) length = 1;
    }
    out.push_back(text.substr(at, length));
    at += length;
  }
  return out;
}

std::size_t character_count(TextView text) { return characters(text).size(); }

TextView strip(TextView text, TextView set, bool left, bool right) {
  const auto strips = [&](Unit unit) {
    if (set.empty()) return is_space(unit);
    return std::any_of(set.begin(), set.end(), [&](Unit s) { return same_byte(s, unit); });
  };
  while (left && !text.empty() && strips(text.front())) text.remove_prefix(1);
  while (right && !text.empty() && strips(text.back())) text.remove_suffix(1);
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
    const auto end = std::find_if(text.begin(), text.end(), is_space);
    parts.emplace_back(text.begin(), end);
    text = strip(text.substr(static_cast<std::size_t>(end - text.begin())), {}, true, false);
  }
  return parts;
}

Text replace(TextView text, TextView from, TextView to, std::int64_t max_count) {
  if (from.empty()) return Text(text);
  Text out;
  std::size_t begin = 0;
  for (std::int64_t count = 0; max_count < 0 || count < max_count; ++count) {
    const std::size_t at = find(text, from, begin);
    if (at == TextView::npos) break;
    out.append(text.substr(begin, at - begin)).append(to);
    begin = at + from.size();
  }
  return out.append(text.substr(begin));
}

Text upper(TextView text) {
  Text out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper_unit);
  return out;
}

Text lower(TextView text) {
  Text out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_unit);
  return out;
}

Text title(TextView text) {
  Text out = lower(text);
  bool in_word = false;
  for (Unit& unit : out) {
    if (!in_word) unit = upper_unit(unit);
    in_word = is_letter(byte_of(unit)) || byte_of(unit) >= 0x80;
  }
  return out;
}

Text capitalize(TextView text) {
  Text out = lower(text);
  if (!out.empty()) out.front() = upper_unit(out.front());
  return out;
}

}  // namespace orkestra::model::jinja
