#include <orkestra/core/error.h>
#include <orkestra/core/http_client.h>
#include <orkestra/core/http_exchange.h>
#include <orkestra/core/http_guard.h>
#include <orkestra/core/http_transport.h>

#include <algorithm>

namespace orkestra {
namespace {

void check_limits(const HttpUrl& url, const Limits& limits) {
  if (limits.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, url.text() + ": the request was cancelled");
  }
  if (limits.expired()) {
    throw Error(ErrorCode::kDeadline, url.text() + ": no time is left for the request");
  }
}

bool is_redirect(const HttpResponse& response) {
  constexpr int kStatuses[] = {301, 302, 303, 307, 308};
  return std::find(std::begin(kStatuses), std::end(kStatuses), response.status) !=
             std::end(kStatuses) &&
         !header(response.headers, "location").empty();
}

// Headers that must not follow a redirect to another host.
bool is_secret(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower == "authorization" || lower == "cookie" || lower == "proxy-authorization";
}

HttpResponse fetch_once(const HttpRequest& request, const HttpUrl& url, const HttpPolicy& policy,
                        const Limits& limits) {
  check_limits(url, limits);
  const std::vector<IpAddress> addresses = permitted_addresses(url, policy, limits);
  HttpTransport transport(url.authority(), limits);
  transport.connect(addresses, url.port, policy.connect_timeout);
  if (url.secure) transport.secure(url.host, policy.ca_file);
  return exchange(transport, request, url, policy);
}

}  // namespace

HttpResponse fetch(const HttpRequest& request, const HttpPolicy& policy, const Limits& limits) {
  HttpUrl url = parse_http_url(request.url);
  HttpRequest current = request;
  for (int redirects = 0;; ++redirects) {
    HttpResponse response = fetch_once(current, url, policy, limits);
    // A body is never sent anywhere but where it was addressed to.
    if (!is_redirect(response) || request.method != "GET" || policy.max_redirects == 0) {
      return response;
    }
    if (redirects == policy.max_redirects) {
      throw Error(ErrorCode::kExhausted, request.url + ": more than " +
                                             std::to_string(policy.max_redirects) + " redirects");
    }
    const HttpUrl next = parse_redirect(url, header(response.headers, "location"));
    if (url.secure && !next.secure) {
      throw Error(ErrorCode::kDenied, url.text() + ": redirects from https to http (" +
                                          next.text() + "), which is not followed");
    }
    if (next.host != url.host || next.port != url.port || next.secure != url.secure) {
      std::erase_if(current.headers, [](const auto& each) { return is_secret(each.first); });
    }
    url = next;
  }
}

}  // namespace orkestra
