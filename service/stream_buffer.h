// StreamBuffer: a Stream whose bytes are pushed by whoever makes them. Shared by the producer (any
// thread) and the connection; bounded by what the producer makes, which is bounded by its request.
#pragma once

#include <orkestra/service/http_message.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace orkestra::service {

class StreamBuffer : public std::enable_shared_from_this<StreamBuffer> {
 public:
  // Never blocks.
  void push(std::string_view bytes);
  void finish();

  // The connection's end. One per buffer.
  std::unique_ptr<Stream> stream();

 private:
  class End;

  std::mutex mutex_;  // guards all of it
  std::string waiting_;
  bool finished_ = false;
  std::function<void()> wake_;
};

// One event of a text/event-stream; `data` without line breaks (JSON has none).
std::string server_event(std::string_view data, std::string_view id = "",
                         std::string_view name = "");
inline constexpr std::string_view kHeartbeat = ": still here\n\n";
inline constexpr const char* kEventStreamType = "text/event-stream";

}  // namespace orkestra::service
