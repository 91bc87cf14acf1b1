#include <orkestra/core/error.h>
#include <orkestra/plugins/frame.h>
#include <orkestra/plugins/plugin_process.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace orkestra::plugins {
namespace {

constexpr std::size_t kMaxWords = 600;
constexpr std::chrono::milliseconds kFarewell{300};  // for close() of a plugin
constexpr std::chrono::seconds kReaping{2};

std::string how(int status) {
  if (status <= 128) return "it ended with exit status " + std::to_string(status);
  const char* name = ::sigdescr_np(status - 128);
  return std::string("it was ended by a signal: ") + (name ? name : std::to_string(status - 128));
}

}  // namespace

PluginProcess::PluginProcess(const Start& start) : messages_(make_pipe()) {
  DescriptorPair sockets = make_socket_pair();
  socket_ = std::move(sockets.first);
  host_socket_ = std::move(sockets.second);
  ::fcntl(messages_.first.get(), F_SETFL, O_NONBLOCK);
  keeper_ = std::jthread([this, start](const std::stop_token& stop) { keep(start, stop); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return started_ || refused_; });
  if (refused_) throw Error(*refused_);
}

PluginProcess::~PluginProcess() {
  ::shutdown(socket_.get(), SHUT_RDWR);
  keeper_.request_stop();
}

void PluginProcess::kill() {
  impatient_ = true;
  keeper_.request_stop();
}

void PluginProcess::keep(const Start& start, const std::stop_token& stop) {
  std::optional<ChildProcess> child;
  {
    const std::lock_guard lock(mutex_);
    try {
      const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      child.emplace(
          ChildProcess::start({.argv = {start.host.string(), start.plugin.string(),
                                        std::to_string(start.max_reply_bytes)},
                               .environment = start.environment,
                               .descriptors = {nothing.get(), messages_.second.get(),
                                               messages_.second.get(), host_socket_.get()}}));
      started_ = true;
    } catch (const Error& e) {
      refused_ = e;
    }
    messages_.second.reset();
    host_socket_.reset();
    changed_.notify_all();
  }
  if (!child) return;
  const Descriptor woken(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] { ::eventfd_write(woken.get(), 1); });
  std::array<pollfd, 3> events{
      {{child->handle(), POLLIN, 0}, {woken.get(), POLLIN, 0}, {messages_.first.get(), POLLIN, 0}}};
  while (events[0].revents == 0 && !stop.stop_requested()) {
    ::poll(events.data(), events.size(), -1);
    if (events[2].revents == 0) continue;
    read_messages();
    if ((events[2].revents & POLLIN) == 0) events[2].fd = -1;  // it has closed them
  }
  const auto patience = impatient_ ? std::chrono::milliseconds(0) : kFarewell;
  std::optional<int> status = child->wait(std::chrono::steady_clock::now() + patience);
  if (!status) {
    child->kill();
    status = child->wait(SteadyTime::max());
  }
  read_messages();
  const std::lock_guard lock(mutex_);
  status_ = status.value_or(-1);
  changed_.notify_all();
}

// Takes what is there; keeps the end.
void PluginProcess::read_messages() {
  std::array<char, 4096> buffer;
  // A flood is taken in portions, so that the end of the process is seen in between.
  for (int portion = 0; portion < 64; ++portion) {
    const ssize_t got = ::read(messages_.first.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    const std::lock_guard lock(mutex_);
    words_.append(buffer.data(), static_cast<std::size_t>(got));
    if (words_.size() > kMaxWords) words_.erase(0, words_.size() - kMaxWords);
  }
}

std::string PluginProcess::last_words() const {
  const std::lock_guard lock(mutex_);
  const std::size_t end = words_.find_last_not_of(" \n\r\t");
  return end == std::string::npos ? "" : words_.substr(0, end + 1);
}

// The other end is gone: how did it end? The keeper knows in a moment.
Error PluginProcess::ended(const Error& cause) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kReaping, [&] { return status_.has_value(); });
  return status_ ? Error(cause.code(), how(*status_)) : cause;
}

void PluginProcess::send(std::string_view frame, const Limits& limits) {
  try {
    send_frame(socket_.get(), frame, limits);
  } catch (const Error& e) {
    throw e.code() == ErrorCode::kUnavailable ? ended(e) : e;
  }
}

std::string PluginProcess::receive(std::size_t max_bytes, const Limits& limits) {
  try {
    return receive_frame(socket_.get(), max_bytes, limits);
  } catch (const Error& e) {
    throw e.code() == ErrorCode::kUnavailable ? ended(e) : e;
  }
}

}  // namespace orkestra::plugins
