// UTF-8 as this folder needs it: how long is the character that starts here, and writing one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orkestra::model {

// Bytes of the well-formed UTF-8 character at `at` (RFC 3629: no overlong forms, no surrogates,
// nothing above U+10FFFF), or 0 when there is none. `at` < text.size().
std::size_t utf8_length(std::string_view text, std::size_t at);

// Adds a code point (0 to U+10FFFF; not checked for surrogates).
void append_utf8(std::int32_t code_point, std::string& out);

}  // namespace orkestra::model
