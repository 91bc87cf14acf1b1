#include <orkestra/tests/http_test_server.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace orkestra::test {
namespace {

constexpr std::size_t kMaxRequestBytes = std::size_t{64} << 20U;

std::size_t read_some(int socket, TlsSession* tls, char* into, std::size_t size) {
  if (tls != nullptr) return tls->read(into, size);
  const ssize_t n = ::recv(socket, into, size, 0);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

// Empty when the client left before its request was whole.
ServedRequest read_request(int socket, TlsSession* tls) {
  std::string bytes;
  std::array<char, 8192> buffer{};
  ServedRequest request;
  std::size_t wanted = std::string::npos;
  while (bytes.size() < wanted && bytes.size() < kMaxRequestBytes) {
    const std::size_t n = read_some(socket, tls, buffer.data(), buffer.size());
    if (n == 0) return {};
    bytes.append(buffer.data(), n);
    const std::size_t end = bytes.find("\r\n\r\n");
    if (wanted != std::string::npos || end == std::string::npos) continue;
    request.head = bytes.substr(0, end + 4);
    wanted = end + 4 + std::strtoull(request.header("content-length").c_str(), nullptr, 10);
  }
  request.body = bytes.substr(request.head.size());
  const std::size_t space = request.head.find(' ');
  request.method = request.head.substr(0, space);
  request.target = request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
  return request;
}

}  // namespace

std::string ServedRequest::header(std::string_view name) const {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  const std::string wanted = "\r\n" + lower(std::string(name)) + ":";
  const std::size_t at = lower(head).find(wanted);
  if (at == std::string::npos) return "";
  const std::size_t begin = std::min(head.find_first_not_of(' ', at + wanted.size()), head.size());
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void ServedConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (tls_ != nullptr) {
      if (!tls_->write(bytes)) return;
      return;
    }
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void ServedConnection::wait_for_close() {
  std::array<char, 256> ignored{};
  while (::recv(socket_, ignored.data(), ignored.size(), 0) > 0) {
  }
}

std::string http_reply(int status, std::string_view type, std::string_view body,
                       std::string_view more_headers) {
  std::string out = "HTTP/1.1 " + std::to_string(status) +
                    " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!type.empty()) out.append("Content-Type: ").append(type).append("\r\n");
  return out.append(more_headers).append("\r\n").append(body);
}

HttpTestServer::HttpTestServer(Handler handler) : HttpTestServer(std::move(handler), Options{}) {}

HttpTestServer::HttpTestServer(std::string reply)
    : HttpTestServer([reply = std::move(reply)](const ServedRequest&, ServedConnection& out) {
        out.send(reply);
      }) {}

HttpTestServer::HttpTestServer(Handler handler, const Options& options)
    : handler_(std::move(handler)), options_(options) {
  const bool v6 = options.address.find(':') != std::string::npos;
  listener_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in v4_address{};
  sockaddr_in6 v6_address{};
  v4_address.sin_family = AF_INET;
  v4_address.sin_port = htons(options.port);
  v6_address.sin6_family = AF_INET6;
  v6_address.sin6_port = htons(options.port);
  const bool read = v6 ? ::inet_pton(AF_INET6, options.address.c_str(), &v6_address.sin6_addr) == 1
                       : ::inet_pton(AF_INET, options.address.c_str(), &v4_address.sin_addr) == 1;
  auto* address =
      v6 ? reinterpret_cast<sockaddr*>(&v6_address) : reinterpret_cast<sockaddr*>(&v4_address);
  socklen_t size = v6 ? sizeof v6_address : sizeof v4_address;
  if (!read || listener_ < 0 || ::bind(listener_, address, size) != 0 ||
      ::listen(listener_, 64) != 0 || ::getsockname(listener_, address, &size) != 0) {
    const std::string why = std::strerror(errno);
    if (listener_ >= 0) ::close(listener_);
    throw std::runtime_error("test server on " + options.address + ": " + why);
  }
  port_ = ntohs(v6 ? v6_address.sin6_port : v4_address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpTestServer::~HttpTestServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& worker : workers_) worker.join();
  ::close(listener_);
}

std::string HttpTestServer::url(std::string_view path) const {
  const bool v6 = options_.address.find(':') != std::string::npos;
  return (options_.identity != nullptr ? "https://" : "http://") +
         (v6 ? "[" + options_.address + "]" : options_.address) + ":" + std::to_string(port_) +
         std::string(path);
}

std::vector<ServedRequest> HttpTestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpTestServer::accept_all() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(socket);
    }
    workers_.emplace_back([this, socket] { serve(socket); });
  }
}

void HttpTestServer::serve(int socket) {
  {
    const std::unique_ptr<TlsSession> tls =
        options_.identity != nullptr ? options_.identity->accept(socket) : nullptr;
    if (tls || options_.identity == nullptr) {
      const ServedRequest request = read_request(socket, tls.get());
      if (!request.head.empty()) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        ServedConnection out(socket, tls.get());
        handler_(request, out);
      }
    }
  }
  const std::lock_guard lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), socket));
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
}

}  // namespace orkestra::test
