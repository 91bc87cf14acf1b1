#include <orkestra/core/error.h>
#include <orkestra/core/http_exchange.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional.hpp>
#include <utility>

namespace orkestra {
namespace {

namespace http = boost::beast::http;
using BeastError = boost::beast::error_code;

constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
constexpr int kMaxInterimReplies = 8;

// A Beast body that hands its bytes on instead of keeping them.
struct SinkBody {
  struct value_type {
    std::function<void(std::string_view)> take;
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& sink) : sink_(sink) {}
    void init(const boost::optional<std::uint64_t>&, BeastError& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, BeastError& error) {
      error = {};
      std::size_t size = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer each(*it);
        sink_.take({static_cast<const char*>(each.data()), each.size()});
        size += each.size();
      }
      return size;
    }
    void finish(BeastError& error) { error = {}; }

   private:
    value_type& sink_;
  };
};

using Parser = http::response_parser<SinkBody>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           kOther.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

constexpr std::array<std::string_view, 5> kOwnHeaders{"host", "content-length", "connection",
                                                      "accept-encoding", "transfer-encoding"};

}  // namespace

std::string_view header(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

std::string request_bytes(const HttpRequest& request, const HttpUrl& url) {
  const auto invalid = [&](const std::string& what) {
    return Error(ErrorCode::kInvalid, url.text() + ": " + what);
  };
  if (!is_token(request.method)) throw invalid("the request has no usable method");
  std::string out = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority() +
                    "\r\nConnection: close\r\nAccept-Encoding: identity\r\n";
  for (const auto& [key, value] : request.headers) {
    const bool own =
        std::any_of(kOwnHeaders.begin(), kOwnHeaders.end(),
                    [&](std::string_view each) { return equal_ignoring_case(each, key); });
    // The value is not repeated: it may be a key.
    if (own || !is_token(key)) throw invalid("the header \"" + key + "\" can't be set");
    if (!is_field_value(value)) {
      throw invalid("the value of the header " + key + " holds a line break or control character");
    }
    out.append(key).append(": ").append(value).append("\r\n");
  }
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return out + "\r\n" + request.body;
}

struct HttpReplyReader::State {
  std::string peer;
  std::size_t max_header_bytes;
  std::size_t max_body_bytes;
  bool truncate_body;
  const std::function<bool(std::string_view)>& on_body;
  std::string buffer;  // bytes the parser has not taken yet
  std::optional<Parser> parser;
  int interim = 0;
  bool head_checked = false;
  bool enough = false;  // the body's reader, or its bound, wants no more
  std::size_t body_bytes = 0;
  std::size_t received = 0;
  HttpResponse response;

  // Chunks of one byte with their framing are still within it; endless chunk extensions are not.
  std::size_t max_received() const { return 16 * (max_header_bytes + max_body_bytes); }

  void start() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(max_header_bytes));
    parser->body_limit(boost::none);  // counted in take_body
    parser->get().body().take = [this](std::string_view bytes) { take_body(bytes); };
    head_checked = false;
  }

  bool streams() const { return on_body && response.status / 100 == 2; }

  void take_body(std::string_view bytes) {
    check_head();
    if (enough) return;
    if (bytes.size() > max_body_bytes - body_bytes) {
      if (!truncate_body) {
        throw Error(ErrorCode::kExhausted, peer + ": the reply is larger than " +
                                               std::to_string(max_body_bytes) + " bytes");
      }
      bytes = bytes.substr(0, max_body_bytes - body_bytes);
      response.truncated = true;
      enough = true;
    }
    body_bytes += bytes.size();
    if (!streams()) {
      response.body += bytes;
    } else if (!on_body(bytes)) {
      enough = true;
    }
  }

  // As soon as the head is complete, before any of the body is handed on.
  void check_head() {
    if (head_checked || !parser->is_header_done()) return;
    head_checked = true;
    const auto& message = parser->get();
    response.status = static_cast<int>(message.result_int());
    if (response.status < 100 || response.status > 599) {
      throw Error(ErrorCode::kCorrupt,
                  peer + ": the reply's status is " + std::to_string(response.status));
    }
    if (response.status / 100 == 1) return;
    std::size_t lengths = 0;
    std::size_t encodings = 0;
    for (const auto& field : message) {
      std::string key(field.name_string());
      std::transform(key.begin(), key.end(), key.begin(), lower);
      lengths += key == "content-length" ? 1 : 0;
      encodings += key == "transfer-encoding" ? 1 : 0;
      response.headers.emplace_back(std::move(key), std::string(field.value()));
    }
    const std::string_view coding = header(response.headers, "transfer-encoding");
    if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0) ||
        (encodings > 0 && (message.version() != 11 || !equal_ignoring_case(coding, "chunked")))) {
      throw Error(ErrorCode::kCorrupt, peer + ": the reply says in two ways where it ends");
    }
    const std::string_view encoding = header(response.headers, "content-encoding");
    if (!encoding.empty() && !equal_ignoring_case(encoding, "identity")) {
      throw Error(ErrorCode::kUnsupported,
                  peer + ": the reply is compressed although that was not asked for");
    }
  }

  void check(const BeastError& error) const {
    if (!error || error == http::error::need_more) return;
    if (error == http::error::header_limit) {
      throw Error(ErrorCode::kExhausted, peer + ": the reply's headers are larger than " +
                                             std::to_string(max_header_bytes) + " bytes");
    }
    throw Error(ErrorCode::kCorrupt, peer + ": the reply is not HTTP: " + error.message());
  }

  bool complete() const { return enough || (head_checked && parser->is_done()); }

  // An interim reply (103 and its like) comes before the one that counts.
  bool skip_interim() {
    if (!parser->is_done() || response.status / 100 != 1) return false;
    if (response.status == 101 || ++interim > kMaxInterimReplies) {
      throw Error(ErrorCode::kCorrupt, peer + ": the reply never comes to its point (status " +
                                           std::to_string(response.status) + ")");
    }
    start();
    return true;
  }
};

HttpReplyReader::HttpReplyReader(std::string peer, const HttpPolicy& policy,
                                 const std::function<bool(std::string_view)>& on_body)
    : state_(new State{.peer = std::move(peer),
                       .max_header_bytes = policy.max_header_bytes,
                       .max_body_bytes = policy.max_body_bytes,
                       .truncate_body = policy.truncate_body,
                       .on_body = on_body}) {
  state_->start();
}

HttpReplyReader::~HttpReplyReader() = default;

bool HttpReplyReader::push(std::string_view bytes) {
  State& s = *state_;
  s.buffer += bytes;
  s.received += bytes.size();
  if (s.buffer.size() > s.max_header_bytes + kReadBytes || s.received > s.max_received()) {
    throw Error(ErrorCode::kExhausted, s.peer + ": the reply's framing is larger than its text");
  }
  while (!s.complete() && !s.buffer.empty()) {
    // A chunked body that has not ended has at least "0\r\n\r\n" to come. Beast counts on seeing
    // that many bytes of its last chunk at once, and ends the process when it is built with
    // assertions.
    constexpr std::size_t kLeastChunkedBytes = 5;
    const bool in_chunks = s.parser->is_header_done() && s.parser->chunked();
    if (in_chunks && s.buffer.size() < kLeastChunkedBytes) break;
    BeastError error;
    const std::size_t taken =
        s.parser->put(boost::asio::const_buffer(s.buffer.data(), s.buffer.size()), error);
    s.buffer.erase(0, taken);
    s.check_head();
    if (s.enough) return true;
    s.check(error);
    if (s.skip_interim()) continue;
    if (taken == 0) break;
  }
  return s.complete();
}

void HttpReplyReader::end() {
  State& s = *state_;
  if (s.complete()) return;
  if (!s.parser->got_some()) {
    throw Error(ErrorCode::kUnavailable, s.peer + ": the connection was closed without a reply");
  }
  BeastError error;
  s.parser->put_eof(error);
  if (error == http::error::partial_message || error == http::error::end_of_stream) {
    throw Error(ErrorCode::kUnavailable, s.peer + ": the reply was cut off");
  }
  s.check(error);
  s.check_head();
  if (s.response.status / 100 == 1) {
    throw Error(ErrorCode::kUnavailable, s.peer + ": the reply was cut off");
  }
}

HttpResponse HttpReplyReader::take() { return std::move(state_->response); }

HttpResponse exchange(HttpTransport& transport, const HttpRequest& request, const HttpUrl& url,
                      const HttpPolicy& policy) {
  const bool sent = transport.write(request_bytes(request, url));
  HttpReplyReader reader(url.authority(), policy, request.on_body);
  std::array<char, kReadBytes> bytes{};
  try {
    for (;;) {
      const std::size_t size = transport.read(bytes.data(), bytes.size());
      if (size == 0) {
        reader.end();
        break;
      }
      if (reader.push({bytes.data(), size})) break;
    }
  } catch (const Error& error) {
    if (sent || error.code() != ErrorCode::kUnavailable) throw;
    throw Error(ErrorCode::kUnavailable,
                url.authority() + ": the connection was closed while the request was sent");
  }
  HttpResponse response = reader.take();
  response.url = url.text();
  return response;
}

}  // namespace orkestra
