// HttpTransport: a TCP connection, with or without TLS, whose every wait ends at the deadline or
// when a stop is requested. Owned and used by one thread. Asio and OpenSSL stay in its .cpp.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/core/net_address.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

class HttpTransport {
 public:
  // `peer` names the other side in messages.
  HttpTransport(std::string peer, const Limits& limits);
  ~HttpTransport();
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // To the first of these that answers. Throws Error{kUnavailable, kDeadline, kCancelled}, as do
  // the others.
  void connect(const std::vector<IpAddress>& addresses, std::uint16_t port,
               std::chrono::milliseconds timeout_per_address);
  // TLS 1.2 or newer, the certificate checked against the roots (`ca_file`, or the system's) and
  // for `host`. Throws Error{kDenied} when it does not hold.
  void secure(const std::string& host, const std::filesystem::path& ca_file);
  // False when the other side closed while it was being written to: it may have replied already.
  bool write(std::string_view bytes);
  // Up to `size` bytes; 0 at the end.
  std::size_t read(char* into, std::size_t size);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace orkestra
