// Client: a plain socket on loopback that says exactly the bytes it is told and reads replies;
// for tests of the service. Waits at most ten seconds for anything. One thread.
#pragma once

#include <orkestra/core/event_stream.h>
#include <orkestra/core/json.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::service {

struct Reply {
  int status = 0;                              // 0: the connection ended without one
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  Json json() const { return Json::parse(body); }
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : port_(port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0) {
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw std::runtime_error("nobody listens on port " + std::to_string(port));
    }
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False when the other side takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Whether the other side has given this connection up, told without reading from it.
  bool reset_by_peer() const {
    pollfd waiting{.fd = socket_, .events = POLLRDHUP, .revents = 0};
    return ::poll(&waiting, 1, 10) == 1 && (waiting.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0;
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }

  std::string request(const std::string& method, const std::string& target,
                      const std::string& body = "", const std::string& more = "") const {
    std::string text = method + " " + target +
                       " HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) + "\r\n" + more;
    if (!body.empty()) {
      text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n";
    }
    return text + "\r\n" + body;
  }
  Reply ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::string& more = "") {
    send(request(method, target, body, more));
    return read_reply();
  }

  // The head of the next reply; its body is read by whoever wants it.
  Reply read_head() {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return {};
    }
    Reply reply;
    reply.status = std::atoi(buffer_.c_str() + 9);
    std::size_t at = buffer_.find("\r\n") + 2;
    while (at < end + 2) {
      const std::size_t stop = buffer_.find("\r\n", at);
      const std::string line = buffer_.substr(at, stop - at);
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      reply.headers[name] = line.substr(colon + 2);
      at = stop + 2;
    }
    buffer_.erase(0, end + 4);
    return reply;
  }
  Reply read_reply() {
    Reply reply = read_head();
    while (reply.status == 100) reply = read_head();
    if (reply.header("transfer-encoding") == "chunked") {
      for (std::string part = read_chunk(); !part.empty(); part = read_chunk()) reply.body += part;
    } else if (reply.status != 204 && reply.status != 0) {
      const auto size =
          static_cast<std::size_t>(std::atoll(reply.header("content-length").c_str()));
      while (buffer_.size() < size && fill()) {
      }
      reply.body = buffer_.substr(0, size);
      buffer_.erase(0, size);
    }
    return reply;
  }
  // The next chunk of a stream; "" at its end.
  std::string read_chunk() {
    std::size_t line = std::string::npos;
    while ((line = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill()) return "";
    }
    const auto size = static_cast<std::size_t>(std::strtoull(buffer_.c_str(), nullptr, 16));
    while (buffer_.size() < line + 2 + size + 2) {
      if (!fill()) return "";
    }
    std::string bytes = buffer_.substr(line + 2, size);
    buffer_.erase(0, line + 2 + size + 2);
    return bytes;
  }
  // Events of the stream whose head was read, until `take` returns false or the stream ends.
  // True when it was `take` that ended it.
  bool read_events(const std::function<bool(const ServerEvent&)>& take) {
    EventStreamReader reader;
    for (std::string part = read_chunk(); !part.empty(); part = read_chunk()) {
      if (!reader.push(part, take)) return true;
    }
    return false;
  }
  // Everything until the other side closes.
  std::string read_to_end() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
  }

 private:
  bool fill() {
    std::array<char, 16384> bytes{};
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }

  std::uint16_t port_;
  int socket_ = -1;
  std::string buffer_;
};

}  // namespace orkestra::service
