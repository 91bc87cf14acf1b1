// Where a request may go: the one place that decides it, on binary addresses, before any byte is
// sent. Pure but for the resolver it is given.
#pragma once

#include <orkestra/core/http_client.h>

#include <vector>

namespace orkestra {

// The addresses `url` may be fetched from, each checked. Resolves at most once. A name with one
// address that is not allowed is refused as a whole: an honest name has no mixed answers. Throws
// Error{kDenied} naming the address and its kind, {kUnavailable} when the name has none.
std::vector<IpAddress> permitted_addresses(const HttpUrl& url, const HttpPolicy& policy,
                                           const Limits& limits);

// getaddrinfo on a thread of its own, which is left behind at the deadline or a stop request.
std::vector<IpAddress> resolve_by_system(const std::string& host, const Limits& limits);

}  // namespace orkestra
