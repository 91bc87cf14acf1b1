// SHA-256 as lower-case hexadecimal: the content address of blobs, prompts, evidence and events.
#pragma once

#include <string>
#include <string_view>

namespace orkestra {

std::string sha256_hex(std::string_view bytes);

}  // namespace orkestra
