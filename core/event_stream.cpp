#include <orkestra/core/error.h>
#include <orkestra/core/event_stream.h>

#include <utility>

namespace orkestra {

bool EventStreamReader::push(std::string_view bytes,
                             const std::function<bool(const ServerEvent&)>& on_event) {
  for (const char c : bytes) {
    if (c == '\n' && std::exchange(after_cr_, false)) continue;
    after_cr_ = c == '\r';
    if (c == '\n' || c == '\r') {
      if (!take_line(on_event)) return false;
      continue;
    }
    if (line_.size() + event_.data.size() >= max_event_bytes_) {
      throw Error(ErrorCode::kExhausted, "an event of the stream is larger than " +
                                             std::to_string(max_event_bytes_) + " bytes");
    }
    line_ += c;
  }
  return true;
}

bool EventStreamReader::take_line(const std::function<bool(const ServerEvent&)>& on_event) {
  std::string_view line = line_;
  if (std::exchange(at_start_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  bool go_on = true;
  if (line.empty()) {
    const ServerEvent event = std::exchange(event_, {});
    if (std::exchange(has_data_, false)) go_on = on_event(event);
  } else {
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
      if (has_data_) event_.data += '\n';
      event_.data += value;
      has_data_ = true;
    } else if (field == "event") {
      event_.name = value;
    } else if (field == "id") {
      event_.id = value;
    }
  }
  line_.clear();
  return go_on;
}

}  // namespace orkestra
