#include <orkestra/core/error.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/http_message.h>

#include <atomic>

namespace orkestra::service {

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const auto& [each, value] : headers) {
    if (each == name) return &value;
  }
  return nullptr;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return std::string(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
  }
  return std::nullopt;
}

class Responder::Once {
 public:
  explicit Once(std::function<void(Response)> send) : send_(std::move(send)) {}
  ~Once() {
    try {
      answer(error_response(Error(ErrorCode::kUnavailable, "the service is stopping")));
    } catch (...) {
      // Out of memory: the connection's own deadline ends it.
    }
  }
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  void answer(Response response) {
    if (!answered_.exchange(true)) send_(std::move(response));
  }

 private:
  std::function<void(Response)> send_;
  std::atomic<bool> answered_{false};
};

Responder::Responder(std::function<void(Response)> send)
    : once_(std::make_shared<Once>(std::move(send))) {}

void Responder::operator()(Response response) const { once_->answer(std::move(response)); }

}  // namespace orkestra::service
