// EventStreamReader: server-sent events (WHATWG HTML, "Server-sent events") out of bytes that come
// in pieces of any size. A value owned by one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace orkestra {

struct ServerEvent {
  std::string name;  // "" = "message"
  std::string data;  // its data lines, joined by line feeds
  std::string id;    // of this event; "" when it has none
};

class EventStreamReader {
 public:
  explicit EventStreamReader(std::size_t max_event_bytes = std::size_t{1} << 20U)
      : max_event_bytes_(max_event_bytes) {}

  // Calls `on_event` for each event that is complete, until it returns false; false then, and
  // nothing more is read. Throws Error{kExhausted} for an event larger than the bound.
  bool push(std::string_view bytes, const std::function<bool(const ServerEvent&)>& on_event);

 private:
  bool take_line(const std::function<bool(const ServerEvent&)>& on_event);

  std::size_t max_event_bytes_;
  std::string line_;
  ServerEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;  // a line feed that follows belongs to the line before
  bool at_start_ = true;   // a byte order mark may come
};

}  // namespace orkestra
