// One request and its reply over a transport: what is sent, and the reading of what comes back
// within bounds. Beast parses; its headers stay in the .cpp. Used by one thread.
#pragma once

#include <orkestra/core/http_client.h>
#include <orkestra/core/http_transport.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra {

// The bytes of `request` for `url`. Throws Error{kInvalid} for a method, a header name or a value
// that could be read as something else.
std::string request_bytes(const HttpRequest& request, const HttpUrl& url);

// Reads one reply from bytes as they come. Fed by exchange(), and by whoever mutates bytes.
class HttpReplyReader {
 public:
  HttpReplyReader(std::string peer, const HttpPolicy& policy,
                  const std::function<bool(std::string_view)>& on_body);
  ~HttpReplyReader();
  HttpReplyReader(const HttpReplyReader&) = delete;
  HttpReplyReader& operator=(const HttpReplyReader&) = delete;

  // Throws Error{kCorrupt, kExhausted, kUnsupported}. True when nothing more is needed.
  bool push(std::string_view bytes);
  // The connection ended. Throws Error{kUnavailable} when the reply is not complete.
  void end();
  HttpResponse take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

HttpResponse exchange(HttpTransport& transport, const HttpRequest& request, const HttpUrl& url,
                      const HttpPolicy& policy);

}  // namespace orkestra
