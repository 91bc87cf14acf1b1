#include <orkestra/core/child_process.h>
#include <orkestra/core/error.h>
#include <orkestra/plugins/frame.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace orkestra::plugins {
namespace {

constexpr std::size_t kLengthBytes = 4;

Error gone() { return {ErrorCode::kUnavailable, "the other end of the plugin's socket is gone"}; }

// Waits for a socket, a deadline and a stop request at once.
class Waiter {
 public:
  Waiter(int socket, const Limits& limits)
      : socket_(socket),
        limits_(limits),
        woken_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        on_stop_(limits.stop, Wake{woken_.get()}) {}

  void wait(short event) {
    for (;;) {
      if (limits_.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "the call was stopped");
      std::array<pollfd, 2> events{{{socket_, event, 0}, {woken_.get(), POLLIN, 0}}};
      const int ready = ::poll(events.data(), events.size(), poll_timeout_ms(limits_.deadline));
      if (ready > 0 && events[0].revents != 0) return;
      if (limits_.expired()) throw Error(ErrorCode::kDeadline, "no answer within the time limit");
    }
  }

 private:
  struct Wake {
    int event;
    void operator()() const noexcept { ::eventfd_write(event, 1); }
  };
  int socket_;
  const Limits& limits_;
  Descriptor woken_;
  std::stop_callback<Wake> on_stop_;
};

bool again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

void receive_exactly(int socket, char* into, std::size_t size, Waiter& waiter) {
  while (size > 0) {
    waiter.wait(POLLIN);
    const ssize_t got = ::recv(socket, into, size, MSG_DONTWAIT);
    if (got < 0 && again(errno)) continue;
    if (got <= 0) throw gone();
    into += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace

void send_frame(int socket, std::string_view text, const Limits& limits) {
  std::string bytes;
  bytes.reserve(kLengthBytes + text.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    bytes += static_cast<char>(static_cast<std::uint32_t>(text.size()) >> (8 * i) & 0xFFU);
  }
  bytes += text;
  Waiter waiter(socket, limits);
  for (std::string_view left = bytes; !left.empty();) {
    waiter.wait(POLLOUT);
    const ssize_t sent = ::send(socket, left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && again(errno)) continue;
    if (sent < 0) throw gone();
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive_frame(int socket, std::size_t max_bytes, const Limits& limits) {
  Waiter waiter(socket, limits);
  std::array<char, kLengthBytes> head{};
  receive_exactly(socket, head.data(), head.size(), waiter);
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    size |= std::uint32_t{static_cast<unsigned char>(head[i])} << (8 * i);
  }
  if (size > max_bytes) {
    throw Error(ErrorCode::kCorrupt, "a message of " + std::to_string(size) + " bytes; at most " +
                                         std::to_string(max_bytes) + " are taken");
  }
  std::string text(size, '\0');
  receive_exactly(socket, text.data(), text.size(), waiter);
  return text;
}

}  // namespace orkestra::plugins
