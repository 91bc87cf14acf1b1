#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/core/http_url.h>
#include <orkestra/core/net_address.h>
#include <orkestra/service/access.h>
#include <orkestra/service/error_response.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace orkestra::service {
namespace {

constexpr std::size_t kMinKeyBytes = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool listed(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// "localhost:8080" -> "localhost", "[::1]:80" -> "::1"; "" when the port is none.
std::string without_port(std::string_view host) {
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view port =
      colon == std::string_view::npos ? "0" : host.substr(std::min(colon + 1, host.size()));
  if (port.empty() || port.size() > 5 ||
      !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return "";
  }
  const std::string_view name = host.substr(0, colon);
  if (bracket == std::string_view::npos) return lower(name);
  return name.size() == bracket + 1 ? lower(name.substr(1, bracket - 1)) : "";
}

// Takes the same time wherever the two differ; both are hashes, so their length tells nothing.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

std::string canonical_origin(const std::string& origin) {
  if (origin.ends_with('/')) {
    throw Error(ErrorCode::kInvalid, "origin \"" + origin + "\": leave the last / out");
  }
  const HttpUrl url = parse_http_url(origin);
  if (url.target != "/") {
    throw Error(ErrorCode::kInvalid,
                "origin \"" + origin + "\": scheme, host and port only, as in https://example.org");
  }
  return std::string(url.secure ? "https://" : "http://") + url.authority();
}

}  // namespace

Access::Access(AccessRules rules) : rules_(std::move(rules)) {
  for (std::string& host : rules_.hosts) {
    host = lower(host);
    const bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
    });
    if (!plain) {
      throw Error(ErrorCode::kInvalid, "host \"" + host + "\": a name without scheme and port");
    }
  }
  for (std::string& origin : rules_.origins) origin = canonical_origin(origin);
  const std::string& key = rules_.api_key;
  if (key.empty()) return;
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (key.size() < kMinKeyBytes || !visible) {
    throw Error(ErrorCode::kInvalid, "the API key must have at least " +
                                         std::to_string(kMinKeyBytes) +
                                         " visible ASCII characters and no spaces");
  }
  key_hash_ = sha256_hex(key);
  rules_.api_key.clear();
}

bool Access::host_is_ours(const std::string& host) const {
  const std::string name = without_port(host);
  if (name == "localhost" || listed(rules_.hosts, name)) return !name.empty();
  const auto address = parse_ip_address(name);
  return address && (rules_.any_address || classify(*address) == AddressKind::kLoopback);
}

bool Access::origin_is_configured(const std::string& origin) const {
  return listed(rules_.origins, lower(origin));
}

bool Access::key_matches(const std::string& authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (lower(std::string_view(authorization).substr(0, kScheme.size())) != kScheme) return false;
  const std::size_t begin = authorization.find_first_not_of(' ', kScheme.size());
  if (begin == std::string::npos) return false;
  return equal_in_constant_time(sha256_hex(authorization.substr(begin)), key_hash_);
}

std::optional<Response> Access::check(const RequestHead& head) const {
  const std::string* host = find_header(head.headers, "host");
  if (host == nullptr || !host_is_ours(*host)) {
    return refusal(403, "the Host header names another machine (" +
                            (host == nullptr ? std::string("none") : *host) +
                            "); the service can be told its names with --allow-host NAME");
  }
  if (const std::string* origin = find_header(head.headers, "origin")) {
    const bool same = lower(*origin) == "http://" + lower(*host);
    if (!same && !origin_is_configured(*origin)) {
      return refusal(403, "pages of " + *origin +
                              " may not call this service; --allow-origin ORIGIN lets them");
    }
  }
  if (key_hash_.empty() || head.target == "/healthz" || preflight(head)) return std::nullopt;
  const std::string* authorization = find_header(head.headers, "authorization");
  if (authorization == nullptr || !key_matches(*authorization)) {
    Response response =
        refusal(401, "this service asks for its API key: \"Authorization: Bearer KEY\"");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  return std::nullopt;
}

Headers Access::cross_origin_headers(const RequestHead& head) const {
  const std::string* origin = find_header(head.headers, "origin");
  if (origin == nullptr || !origin_is_configured(*origin)) return {};
  return {{"Access-Control-Allow-Origin", lower(*origin)}, {"Vary", "Origin"}};
}

std::optional<Response> Access::preflight(const RequestHead& head) const {
  if (head.method != "OPTIONS" || cross_origin_headers(head).empty() ||
      find_header(head.headers, "access-control-request-method") == nullptr) {
    return std::nullopt;
  }
  return Response{
      .status = 204,
      .headers = {{"Access-Control-Allow-Methods", "GET, POST"},
                  {"Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID"},
                  {"Access-Control-Max-Age", "600"}}};
}

}  // namespace orkestra::service
