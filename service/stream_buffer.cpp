#include <orkestra/service/stream_buffer.h>

#include <utility>

namespace orkestra::service {

class StreamBuffer::End final : public Stream {
 public:
  explicit End(std::shared_ptr<StreamBuffer> buffer) : buffer_(std::move(buffer)) {}
  ~End() override {
    const std::lock_guard lock(buffer_->mutex_);
    buffer_->wake_ = {};
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  Piece next() override {
    const std::lock_guard lock(buffer_->mutex_);
    return {.bytes = std::exchange(buffer_->waiting_, {}), .last = buffer_->finished_};
  }
  void when_ready(std::function<void()> wake) override {
    const std::lock_guard lock(buffer_->mutex_);
    buffer_->wake_ = std::move(wake);
  }
  std::string heartbeat() override { return std::string(kHeartbeat); }

 private:
  std::shared_ptr<StreamBuffer> buffer_;
};

void StreamBuffer::push(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  waiting_ += bytes;
  if (wake_) wake_();
}

void StreamBuffer::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  if (wake_) wake_();
}

std::unique_ptr<Stream> StreamBuffer::stream() { return std::make_unique<End>(shared_from_this()); }

std::string server_event(std::string_view data, std::string_view id, std::string_view name) {
  std::string out;
  if (!id.empty()) out += "id: " + std::string(id) + "\n";
  if (!name.empty()) out += "event: " + std::string(name) + "\n";
  out += "data: ";
  out += data;
  return out + "\n\n";
}

}  // namespace orkestra::service
