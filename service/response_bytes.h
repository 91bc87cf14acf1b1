// The bytes of an answer: head, chunks of a stream. Pure functions.
#pragma once

#include <orkestra/service/http_message.h>

#include <ctime>
#include <string>
#include <string_view>

namespace orkestra::service {

struct ResponseForm {
  bool close = false;    // the connection ends after it
  bool chunked = false;  // a stream to an HTTP/1.1 client; to an older one it ends with the bytes
  std::time_t now = 0;
};

// Ends with the empty line. Header values are of our own making; control characters that got into
// one become spaces.
std::string response_head(const Response& response, const ResponseForm& form);

std::string chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace orkestra::service
