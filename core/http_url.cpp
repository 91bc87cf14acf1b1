#include <orkestra/core/error.h>
#include <orkestra/core/http_url.h>

#include <algorithm>
#include <boost/url.hpp>

namespace orkestra {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::size_t kShownBytes = 120;

// For messages: what was given, cut and without bytes that could act on a terminal.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShownBytes)) out += (c > ' ' && c < 0x7F) ? c : '?';
  if (text.size() > kShownBytes) out += "...";
  return "\"" + out + "\"";
}

Error invalid(std::string_view url, const std::string& why) {
  return {ErrorCode::kInvalid, "the URL " + shown(url) + " " + why};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Where the authority of `text` ends; 0 when it has none.
std::size_t authority_end(std::string_view text) {
  const std::size_t slashes = text.find("//");
  const std::size_t first = text.find_first_of("/?#");
  if (slashes == std::string_view::npos || slashes != first) return 0;
  return std::min(text.find_first_of("/?#", slashes + 2), text.size());
}

// `text` with what people paste made strict: bytes outside ASCII percent-encoded after the host.
// Everything that readers are known to disagree about is refused here.
std::string cleaned(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (text.size() > kMaxUrlBytes) {
    throw invalid(text, "is longer than " + std::to_string(kMaxUrlBytes) + " bytes");
  }
  const std::size_t host_end = authority_end(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= ' ' || byte == 0x7F) throw invalid(text, "holds a space or a control character");
    if (byte == '\\') throw invalid(text, "holds a backslash");
    if (byte < 0x80) {
      out += text[i];
    } else if (i < host_end) {
      throw invalid(text, "has a host with letters outside ASCII; write it in its xn-- form");
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  return out;
}

// Whether a resolver may take the last label for a number, and so the host for an address.
bool numeric_label(std::string_view label) {
  return std::all_of(label.begin(), label.end(), is_digit) || label.starts_with("0x");
}

void check_name(std::string_view url, std::string_view host) {
  if (host.empty()) throw invalid(url, "names no host");
  if (host.size() > kMaxHostBytes) throw invalid(url, "has a host name that is too long");
  std::string_view label;
  for (std::size_t begin = 0; begin <= host.size();) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    label = host.substr(begin, end - begin);
    const bool plain = std::all_of(label.begin(), label.end(),
                                   [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
    if (label.empty()) throw invalid(url, "has an empty part in its host name (a dot too many)");
    if (!plain || label.size() > kMaxLabelBytes) {
      throw invalid(url, "has a host that is neither a name nor an address");
    }
    begin = end + 1;
  }
  if (numeric_label(label)) {
    throw invalid(url,
                  "has a host that ends in a number but is no address; write the address as "
                  "four decimal numbers");
  }
}

HttpUrl taken_apart(std::string_view given, const urls::url_view& url) {
  HttpUrl out;
  const std::string scheme = lower(url.scheme());
  if (scheme != "http" && scheme != "https") {
    throw Error(ErrorCode::kDenied,
                "the URL " + shown(given) +
                    (scheme.empty() ? " has no scheme" : " is not for the web") +
                    "; only http:// and https:// are fetched");
  }
  out.secure = scheme == "https";
  if (!url.has_authority()) throw invalid(given, "names no host");
  // Boost.URL 1.81 takes "http://127.0.0.1x/" for an address followed by the path "x/".
  const std::string_view whole(url.data(), url.size());
  const std::size_t begin = whole.find("//") + 2;
  if (whole.substr(begin, authority_end(whole) - begin) !=
      std::string_view(url.encoded_authority())) {
    throw invalid(given, "has a host that is neither a name nor an address");
  }
  if (url.has_userinfo()) {
    throw invalid(given, "holds a user name or password before an @; leave it out");
  }
  const auto kind = url.host_type();
  if (kind == urls::host_type::ipv4 || kind == urls::host_type::ipv6) {
    const std::string text = url.host_address();
    out.address = parse_ip_address(text);
    if (!out.address) throw invalid(given, "has an address that can't be read");
    out.host = to_string(*out.address);
  } else {
    const std::string_view host(url.encoded_host().data(), url.encoded_host().size());
    if (kind == urls::host_type::ipvfuture) throw invalid(given, "has an unknown kind of address");
    out.host = lower(host);
    check_name(given, out.host);
  }
  out.port = out.secure ? 443 : 80;
  if (url.has_port() && !url.port().empty()) {
    out.port = url.port_number();
    if (out.port == 0) throw invalid(given, "has a port that is not between 1 and 65535");
  }
  out.target = std::string(url.encoded_path());
  if (out.target.empty()) out.target = "/";
  if (url.has_query()) out.target += "?" + std::string(url.encoded_query());
  if (out.target[0] != '/') throw invalid(given, "has a path that does not begin with /");
  return out;
}

}  // namespace

std::string HttpUrl::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (secure ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string HttpUrl::text() const {
  return (secure ? "https://" : "http://") + authority() + target;
}

HttpUrl parse_http_url(std::string_view text) {
  const std::string clean = cleaned(text);
  const auto parsed = urls::parse_uri(clean);
  if (!parsed) {
    if (clean.find("://") == std::string::npos) {
      throw invalid(text, "is not complete; it begins with http:// or https://");
    }
    throw invalid(text, "can't be read (" + parsed.error().message() + ")");
  }
  return taken_apart(text, *parsed);
}

HttpUrl parse_redirect(const HttpUrl& base, std::string_view location) {
  const std::string clean = cleaned(location);
  const std::string from = base.text();
  const auto reference = urls::parse_uri_reference(clean);
  const auto base_url = urls::parse_uri(from);
  if (!reference || !base_url) throw invalid(location, "(of a redirect) can't be read");
  urls::url joined;
  if (!urls::resolve(*base_url, *reference, joined)) {
    throw invalid(location, "(of a redirect) can't be read");
  }
  joined.normalize_path();  // which leaves "/.." at the front
  HttpUrl next = taken_apart(location, joined);
  while (next.target.starts_with("/../")) next.target.erase(0, 3);
  return next;
}

}  // namespace orkestra
