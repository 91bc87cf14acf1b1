// Charset: text in the encodings of the web, turned into UTF-8. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace orkestra {

// The charset that `content_type` ("text/html; charset=latin1") names, in lower case; "" for none.
std::string charset_of(std::string_view content_type);

// `bytes` as valid UTF-8: what can't be decoded becomes U+FFFD, a byte order mark goes and decides.
// Known are UTF-8, UTF-16, ASCII, Latin-1 and Windows-1252 under their usual names; "" means UTF-8
// where it is valid and Windows-1252 otherwise. nullopt for any other name. At most three times as
// long as `bytes`.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

}  // namespace orkestra
