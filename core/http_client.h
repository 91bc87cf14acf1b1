// fetch: one HTTP exchange as a blocking call: resolve once, classify, connect to exactly that
// address, send, read within bounds, and follow redirects by the same rules from the start. No
// proxy, no cookies, no compression, a connection per exchange. Any thread may call it.
#pragma once

#include <orkestra/core/http_url.h>
#include <orkestra/core/limits.h>
#include <orkestra/core/net_address.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;
// The first header of that name (any case), "" when there is none.
std::string_view header(const HttpHeaders& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string url{};
  HttpHeaders headers{};  // beside Host, Content-Length, Connection and Accept-Encoding
  std::string body{};
  // Called on the caller's thread with each piece of the body of a 2xx reply, which is then not
  // kept; false ends the exchange. Bodies of other replies are kept as ever.
  std::function<bool(std::string_view)> on_body{};
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers{};  // names in lower case
  std::string body{};
  bool truncated = false;  // the body is longer than HttpPolicy::max_body_bytes; this is its head
  std::string url{};       // where it came from after redirects
};

// A host and port that policy lets through although they are not public, named by whoever
// configures the program, never by a model or a page.
struct HttpAllowance {
  enum class Reach {
    kLoopback,      // only to this machine
    kLocalNetwork,  // also to private networks
  };
  std::string host;  // as the URL has it: "localhost", "127.0.0.1", "::1"
  std::uint16_t port = 0;
  Reach reach = Reach::kLoopback;
};

// All addresses of `host`. Throws Error; must keep to the limits.
using Resolver = std::function<std::vector<IpAddress>(const std::string& host, const Limits&)>;

struct HttpPolicy {
  std::vector<HttpAllowance> allowances{};
  std::vector<std::uint16_t> ports{80, 443, 8080, 8443};  // an allowance opens its own port
  int max_redirects = 5;
  std::size_t max_header_bytes = std::size_t{64} << 10U;
  std::size_t max_body_bytes = std::size_t{16} << 20U;
  bool truncate_body = false;  // keep the head of a longer body instead of failing
  std::chrono::milliseconds connect_timeout{10000};  // per address
  Resolver resolve{};                                // none: the system's
  std::filesystem::path ca_file{};                   // none: the system's roots
};

// Whatever the server says is a response, also 404 or 500. Throws Error: kInvalid (URL, headers),
// kDenied (policy, certificate), kUnavailable (no such host, no connection, a reply cut off),
// kCorrupt (not HTTP), kUnsupported (compressed), kExhausted (too large, too many redirects),
// kDeadline, kCancelled.
HttpResponse fetch(const HttpRequest& request, const HttpPolicy& policy, const Limits& limits);

}  // namespace orkestra
