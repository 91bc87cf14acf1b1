// Unicode: what a code point is and its simple forms, as tokenizers need them. Pure functions, any
// thread. Values that are no code point (a stray byte is -1) are kOther and map to themselves.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace orkestra {

// General categories, those of one use taken together.
enum class UnicodeClass : std::uint8_t {
  kUpper,        // Lu, Lt
  kLower,        // Ll
  kOtherLetter,  // Lm, Lo
  kMark,         // Mn, Mc, Me
  kNumber,       // Nd, Nl, No
  kPunctuation,  // P*
  kSymbol,       // S*
  kSeparator,    // Z*
  kControl,      // Cc, Cf
  kOther,        // unassigned, private, surrogates, no code point at all
};
UnicodeClass unicode_class(std::int32_t code_point);

// A mark that takes no room of its own (Mn): an accent once it is taken apart from its letter.
bool is_nonspacing_mark(std::int32_t code_point);

std::int32_t to_lower(std::int32_t code_point);
std::int32_t to_upper(std::int32_t code_point);

// Canonical decomposition of one code point (NFD without reordering): "é" -> "e", U+0301.
void append_decomposed(std::int32_t code_point, std::vector<std::int32_t>& out);

}  // namespace orkestra
