// URI references as "$id" and "$ref" use them (RFC 3986, section 5).
#pragma once

#include <string>
#include <string_view>

namespace orkestra {

// `reference` seen from `base`, fragment included.
std::string resolve_uri(std::string_view base, std::string_view reference);

// Percent signs decoded.
std::string decode_percent(std::string_view text);

}  // namespace orkestra
