// Suffix array: the places of a text, sorted by what follows them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace orkestra::model {

// [text.size()] In linear time whatever the text, by induced sorting (Nong, Zhang & Chan 2009).
// Takes about 14 bytes of memory for each byte of text meanwhile.
std::vector<std::uint32_t> suffix_array(std::string_view text);

}  // namespace orkestra::model
