// Access: whether a request may come in at all, decided from its head alone before a byte of the
// body is read. Immutable after construction, any thread.
//
// A page in a browser can send requests to this machine's loopback, under its own Origin or, by
// re-binding a DNS name, under a Host that is not ours. So both are checked even there: the Host
// must be a loopback name, an address or a configured name, the Origin absent, the same or
// configured.
#pragma once

#include <orkestra/core/http_framing.h>
#include <orkestra/service/http_message.h>

#include <optional>
#include <string>
#include <vector>

namespace orkestra::service {

struct AccessRules {
  std::string api_key{};               // "" = none asked for
  std::vector<std::string> hosts{};    // names besides those of loopback
  std::vector<std::string> origins{};  // "https://example.org": pages that may call
  bool any_address = false;            // a Host that is an IP address is ours, too
};

class Access {
 public:
  // Throws Error{kInvalid} for a key that is short or can't be sent, a bad host or origin.
  explicit Access(AccessRules rules);

  // The refusal, or nothing when the request may come in. /healthz asks for no key.
  std::optional<Response> check(const RequestHead& head) const;

  // For the answer to a page of a configured origin; empty for all others.
  Headers cross_origin_headers(const RequestHead& head) const;
  // Answers a page's question whether it may call; nothing when `head` isn't one.
  std::optional<Response> preflight(const RequestHead& head) const;

 private:
  bool host_is_ours(const std::string& host) const;
  bool origin_is_configured(const std::string& origin) const;
  bool key_matches(const std::string& authorization) const;

  AccessRules rules_;
  std::string key_hash_;
};

}  // namespace orkestra::service
