// Request, Response, Stream: what a handler sees of HTTP. Plain data; sockets, framing and limits
// stay in service/connection. A Responder carries one answer back from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::service {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Of a list with names in lower case; null when it is not there.
const std::string* find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;  // a HEAD request is handled as "GET"; the connection leaves the body out
  std::string path;    // as sent, without the query: no two readings of an escaped path
  std::string query;
  Headers headers;  // names in lower case
  std::string body;
  std::vector<std::string> captures{};  // what the route's {} matched, in order
  std::stop_token gone{};               // requested when nobody waits for the answer any more

  // The value of `name` in the query, as sent.
  std::optional<std::string> query_value(std::string_view name) const;
};

// The body of an answer that comes bit by bit. The connection pulls: next() is called on its
// thread and must not block, so a slow client costs memory to nobody.
class Stream {
 public:
  struct Piece {
    std::string bytes;  // "" = nothing yet
    bool last = false;
  };
  virtual ~Stream() = default;
  virtual Piece next() = 0;
  // `wake` may be called from any thread, any number of times, until the stream is destroyed.
  virtual void when_ready(std::function<void()> wake) = 0;
  // What is sent when nothing else has been for a while; "" = nothing.
  virtual std::string heartbeat() { return ""; }
};

struct Response {
  int status = 200;
  std::string content_type{};  // "" = no body
  std::string body{};
  Headers headers{};
  std::unique_ptr<Stream> stream{};  // instead of `body`
};

// Answers one request, once, from any thread; later answers are ignored. When the last copy goes
// without having answered, the client is told that the service stops. Copies share one answer.
class Responder {
 public:
  explicit Responder(std::function<void(Response)> send);
  void operator()(Response response) const;

 private:
  class Once;
  std::shared_ptr<Once> once_;
};

using Handler = std::function<void(const Request&, Responder)>;

}  // namespace orkestra::service
