// Numbers as people write them, made comparable: "4,211.50", "4211.5" and "4.2115 thousand" are
// one value. Exact: a value is its shortest decimal as text, never a float.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace orkestra {

struct ParsedNumber {
  std::string decimal;         // "-4211.5": no leading zeros, no trailing zeros, no "-0"
  std::string unit;            // what stood glued to it: "%", "kg", "$"; "" if nothing did
  bool explicit_plus = false;  // "+5": an increase, not only a five
};

// The whole of `text` as one number: sign, currency sign, thousands separators, decimals, a
// glued percent sign, currency or unit. nullopt for anything else, for ambiguous separators
// ("1,23"), for leading zeros ("007" is a code) and for more than 60 digits.
std::optional<ParsedNumber> parse_number(std::string_view text);

// `decimal` times 10 to the power of `places` (0..30).
std::string scaled(std::string_view decimal, int places);

// The shortest decimal of digits, an optional point and an optional leading '-'.
std::string canonical_decimal(std::string_view plain);

}  // namespace orkestra
