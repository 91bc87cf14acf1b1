// HttpUrl: an http or https URL taken apart, once, into exactly what will be connected to. There is
// no second reading of the text anywhere, so no two readers can disagree about it. Pure functions.
#pragma once

#include <orkestra/core/net_address.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orkestra {

struct HttpUrl {
  bool secure = false;               // https
  std::string host;                  // lower case; an IPv6 address without its brackets
  std::optional<IpAddress> address;  // when the host is one
  std::uint16_t port = 0;            // 80 or 443 when not written
  std::string target;                // path and query as sent: begins with '/'

  std::string authority() const;  // "host:8080", "[::1]"; the default port is left out
  std::string text() const;       // the whole URL; a fragment is never kept
};

// RFC 3986, strictly. Throws Error{kInvalid} for what is not a URL, a user name or password in it,
// a host that is neither a DNS name nor an address in its usual form (so "2130706433", "0x7f.1",
// "127.1", a trailing dot, percent signs and letters outside ASCII are refused), port 0, or more
// than 8 KiB; kDenied for another scheme. Bytes outside ASCII in path and query are
// percent-encoded.
HttpUrl parse_http_url(std::string_view text);

// `location` of a redirect, which may be relative, read against `base`.
HttpUrl parse_redirect(const HttpUrl& base, std::string_view location);

}  // namespace orkestra
