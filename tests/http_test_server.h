// HttpTestServer: an HTTP server on loopback for tests. It counts connections, shows what it was
// asked, and sends whatever bytes a handler gives it, well formed or not. Plain sockets, a thread
// per connection; a connection serves one request. The handler runs on that thread.
#pragma once

#include <orkestra/tests/http_test_tls.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace orkestra::test {

struct ServedRequest {
  std::string head;  // up to the empty line
  std::string method;
  std::string target;
  std::string body;
  std::string header(std::string_view name) const;  // "" when it has none
};

// The sending side of one connection. It is closed when the handler returns.
class ServedConnection {
 public:
  ServedConnection(int socket, TlsSession* tls) : socket_(socket), tls_(tls) {}
  void send(std::string_view bytes);
  // Until the client closes, or the server is destroyed: for tests of deadlines and cancelling.
  void wait_for_close();

 private:
  int socket_;
  TlsSession* tls_;
};

// A whole reply with Content-Length.
std::string http_reply(int status, std::string_view type, std::string_view body,
                       std::string_view more_headers = "");

class HttpTestServer {
 public:
  using Handler = std::function<void(const ServedRequest&, ServedConnection&)>;
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                 // 0: any free one
    const TlsIdentity* identity = nullptr;  // none: no TLS
  };

  explicit HttpTestServer(Handler handler);
  HttpTestServer(Handler handler, const Options& options);
  // The same bytes for every request.
  explicit HttpTestServer(std::string reply);
  ~HttpTestServer();
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path = "/") const;
  int connections() const { return connections_; }
  std::vector<ServedRequest> requests() const;

 private:
  void accept_all();
  void serve(int socket);

  Handler handler_;
  Options options_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;  // guards the next two
  std::vector<ServedRequest> requests_;
  std::vector<int> open_;
  std::vector<std::thread> workers_;  // the acceptor's
  std::thread acceptor_;
};

}  // namespace orkestra::test
