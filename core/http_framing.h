// A strict look at the head of an HTTP/1.1 request before any other parser sees it. Two readers
// that disagree about where a request ends let one request hide in another (request smuggling), so
// whatever could be read in two ways is refused here. Pure functions; RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra {

struct FramingLimits {
  std::size_t max_head_bytes = std::size_t{32} << 10U;
  std::size_t max_target_bytes = std::size_t{8} << 10U;
  std::size_t max_headers = 100;
};

struct RequestHead {
  std::string method;
  std::string target;  // begins with '/', or is "*" for OPTIONS
  int minor = 1;       // of HTTP/1.x: 0 or 1
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, values trimmed
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
};

struct HeadCheck {
  std::optional<RequestHead> head;  // set when nothing is wrong
  int status = 0;                   // what to answer otherwise: 400, 414, 431, 501, 505
  std::string problem;              // "two Content-Length headers"
};

// The number of bytes of the head at the front of `bytes`, its empty line included; 0 while that
// has not come. More than max_head_bytes without it will never be a good head.
std::size_t head_size(std::string_view bytes);

// `head`: exactly the bytes up to and including the empty line.
HeadCheck check_request_head(std::string_view head, const FramingLimits& limits = {});

}  // namespace orkestra
