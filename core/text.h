// Text: what every layer needs to compare texts without being fooled by case, composition or
// inflection. Pure functions, any thread. Bytes that are not UTF-8 are kept as they are: they
// never become equal to anything else, and nothing here throws for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orkestra {

bool valid_utf8(std::string_view bytes);

// One code point, or one byte that is not UTF-8 (value -1).
struct CodePoint {
  std::int32_t value = -1;
  std::size_t size = 1;  // bytes, at least 1
};
// The code point that starts at `offset` (< bytes.size()).
CodePoint code_point_at(std::string_view bytes, std::size_t offset);

bool is_letter(std::int32_t code_point);  // letters, their marks, digits other than 0-9
bool is_upper(std::int32_t code_point);
bool is_space(std::int32_t code_point);

// Case folded and canonically composed; invisible break hints (soft hyphen, zero-width space)
// dropped. Diacritics stay: "Müller" and "Muller" are two names.
std::string fold(std::string_view text);

// The rest take folded words.
std::string stem(std::string_view word);      // Snowball English: "manager", "manages" -> "manag"
std::string singular(std::string_view word);  // inflection only: "orders" -> "order"
bool is_stop_word(std::string_view word);     // carries no content by itself: "the", "of", "is"

}  // namespace orkestra
