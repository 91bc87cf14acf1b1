// Text: a string inside a template, each byte with the source it came from.
//
// A unit is a byte and, above it, a source number. What a template writes itself has source 0;
// text of messages has the number its owner gave it. Every operation (slices, trim, tojson, ...)
// keeps sources, so a rendered prompt says of each byte whether the template or a message wrote
// it: message text can't be mistaken for control tokens, whatever a template does to it.
// Comparisons look at bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model::jinja {

using Unit = char32_t;
using Text = std::u32string;
using TextView = std::u32string_view;

constexpr std::uint32_t kTemplateSource = 0;
constexpr std::uint32_t kMaxSource = 0xFFFFFF;

constexpr std::uint8_t byte_of(Unit unit) { return static_cast<std::uint8_t>(unit & 0xFFU); }
constexpr std::uint32_t source_of(Unit unit) { return static_cast<std::uint32_t>(unit) >> 8U; }
constexpr Unit make_unit(std::uint8_t byte, std::uint32_t source) {
  return static_cast<Unit>((source << 8U) | byte);
}

Text make_text(std::string_view bytes, std::uint32_t source = kTemplateSource);
std::string to_bytes(TextView text);

// By bytes: sources are ignored.
bool same(TextView a, TextView b);
bool same(TextView a, std::string_view b);
int compare(TextView a, TextView b);
std::size_t find(TextView text, TextView part, std::size_t from = 0);  // npos if absent
bool starts_with(TextView text, TextView prefix);
bool ends_with(TextView text, TextView suffix);

std::size_t find_last(TextView text, TextView part);  // npos if absent

// Characters are UTF-8 sequences; a byte of broken UTF-8 is a character of its own.
std::vector<TextView> characters(TextView text);
std::size_t character_count(TextView text);
std::int32_t code_point(TextView character);  // -1 for a byte of broken UTF-8
Text make_character(std::int32_t code_point, std::uint32_t source);
bool is_white(std::int32_t code_point);      // as Python's str.isspace
bool is_printable(std::int32_t code_point);  // as Python's str.isprintable

// Python's str methods of the same names. `set` empty = white space.
TextView strip(TextView text, TextView set, bool left, bool right);
std::vector<Text> split(TextView text, TextView separator, std::int64_t max_splits);
std::vector<Text> split_white(TextView text, std::int64_t max_splits);
std::vector<Text> split_right(TextView text, TextView separator, std::int64_t max_splits);
std::vector<Text> split_white_right(TextView text, std::int64_t max_splits);
std::vector<Text> split_lines(TextView text, bool keep_ends);
Text replace(TextView text, TextView from, TextView to, std::int64_t max_count);
Text upper(TextView text);
Text lower(TextView text);
Text swap_case(TextView text);
Text title(TextView text);
Text capitalize(TextView text);

}  // namespace orkestra::model::jinja
