#include <orkestra/core/http_framing.h>

#include <algorithm>
#include <limits>

namespace orkestra {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kMaxMethodBytes = 32;

// What ends the check; never leaves this file.
struct Refusal {
  int status;
  std::string problem;
};

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || kOther.find(c) != std::string_view::npos;
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Line breaks only as CR LF, no NUL, nothing else that a terminal or another parser acts on.
void check_bytes(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto byte = static_cast<unsigned char>(head[i]);
    if (byte == '\r') {
      if (i + 1 == head.size() || head[i + 1] != '\n') throw Refusal{400, "a CR without LF"};
      ++i;
    } else if (byte == '\n') {
      throw Refusal{400, "an LF without CR"};
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      throw Refusal{400, "a control character"};
    }
  }
}

void read_request_line(std::string_view line, const FramingLimits& limits, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    throw Refusal{400, "a request line that is not METHOD TARGET VERSION"};
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > kMaxMethodBytes) throw Refusal{400, "a bad method"};
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' ||
      version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9') {
    throw Refusal{400, "a bad HTTP version"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    throw Refusal{505, "an HTTP version other than 1.1 and 1.0"};
  }
  if (target.size() > limits.max_target_bytes) throw Refusal{414, "a target that is too long"};
  const bool for_server = target == "*" && method == "OPTIONS";
  if (!for_server && (target.empty() || target.front() != '/')) {
    throw Refusal{400, "a target that does not begin with /"};
  }
  const bool visible = std::all_of(target.begin(), target.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '#' && c != '\\';
  });
  if (!visible) throw Refusal{400, "a target with characters that must be percent-encoded"};
  head.method = method;
  head.target = target;
  head.minor = version.back() - '0';
}

void read_header(std::string_view line, const FramingLimits& limits, RequestHead& head) {
  if (line.front() == ' ' || line.front() == '\t') throw Refusal{400, "a folded header line"};
  if (head.headers.size() == limits.max_headers) throw Refusal{431, "too many headers"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) throw Refusal{400, "a header line without a colon"};
  const std::string_view name = line.substr(0, colon);
  if (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
    throw Refusal{400, "a space before a header's colon"};
  }
  if (!is_token(name)) throw Refusal{400, "a bad header name"};
  head.headers.emplace_back(lower(name), std::string(trimmed(line.substr(colon + 1))));
}

std::uint64_t read_length(std::string_view text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t value = 0;
  if (text.empty()) throw Refusal{400, "an empty Content-Length"};
  for (const char c : text) {
    if (c < '0' || c > '9') throw Refusal{400, "a Content-Length that is not a decimal number"};
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) throw Refusal{400, "a Content-Length that is too large"};
    value = value * 10 + digit;
  }
  return value;
}

void check_host(const std::vector<std::string_view>& hosts, int minor) {
  if (hosts.size() > 1) throw Refusal{400, "more than one Host header"};
  if (hosts.empty()) {
    if (minor == 1) throw Refusal{400, "no Host header"};
    return;
  }
  const std::string_view host = hosts.front();
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view("-._~:[]").find(c) != std::string_view::npos;
  });
  if (host.empty() || !plain) throw Refusal{400, "a bad Host header"};
}

// Exactly one way to tell where the body ends.
void read_framing(RequestHead& head) {
  std::vector<std::string_view> lengths, codings, hosts;
  for (const auto& [name, value] : head.headers) {
    if (name == "content-length") lengths.push_back(value);
    if (name == "transfer-encoding") codings.push_back(value);
    if (name == "host") hosts.push_back(value);
  }
  check_host(hosts, head.minor);
  if (!codings.empty() && !lengths.empty()) {
    throw Refusal{400, "both Transfer-Encoding and Content-Length"};
  }
  if (lengths.size() > 1) throw Refusal{400, "more than one Content-Length header"};
  if (codings.size() > 1) throw Refusal{400, "more than one Transfer-Encoding header"};
  if (!codings.empty()) {
    if (head.minor == 0) throw Refusal{400, "Transfer-Encoding in HTTP/1.0"};
    if (lower(codings.front()) != "chunked") {
      throw Refusal{501, "a Transfer-Encoding other than chunked"};
    }
    head.chunked = true;
  }
  if (!lengths.empty()) head.content_length = read_length(lengths.front());
}

RequestHead read_head(std::string_view bytes, const FramingLimits& limits) {
  if (bytes.size() > limits.max_head_bytes) throw Refusal{431, "a head that is too large"};
  if (!bytes.ends_with(kHeadEnd) || bytes.find(kHeadEnd) != bytes.size() - kHeadEnd.size()) {
    throw Refusal{400, "a head that does not end with its only empty line"};
  }
  check_bytes(bytes);
  bytes.remove_suffix(kLineEnd.size());
  RequestHead head;
  bool first = true;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find(kLineEnd);
    const std::string_view line = bytes.substr(0, end);
    if (first) {
      read_request_line(line, limits, head);
    } else {
      read_header(line, limits, head);
    }
    first = false;
    bytes.remove_prefix(end + kLineEnd.size());
  }
  read_framing(head);
  return head;
}

}  // namespace

std::size_t head_size(std::string_view bytes) {
  const std::size_t end = bytes.find(kHeadEnd);
  return end == std::string_view::npos ? 0 : end + kHeadEnd.size();
}

HeadCheck check_request_head(std::string_view head, const FramingLimits& limits) {
  try {
    return {.head = read_head(head, limits)};
  } catch (const Refusal& refusal) {
    return {.status = refusal.status, .problem = refusal.problem};
  }
}

}  // namespace orkestra
