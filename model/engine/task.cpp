#include <orkestra/core/error.h>
#include <orkestra/model/engine/task.h>

#include <utility>

namespace orkestra::model {

void Task::check() const {
  if (cancelled_.load(std::memory_order_relaxed) || limits.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, "the model call was cancelled");
  }
  if (limits.expired()) {
    throw Error(ErrorCode::kDeadline, "the model call ran out of time after " +
                                          std::to_string(usage.generated) + " written tokens");
  }
}

void Task::publish(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  done_ = true;
  error_ = std::move(error);
  published_.notify_all();
}

void Task::draft(std::size_t, std::vector<TokenId>&) const {}

void Task::progressed(std::size_t) {}

void Task::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  published_.notify_all();
}

void Task::wait() {
  bool done = false;
  while (!done) {
    {
      std::unique_lock lock(mutex_);
      published_.wait(lock, [&] { return done_ || woken_; });
      woken_ = false;
      done = done_;
    }
    deliver();
  }
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
}

}  // namespace orkestra::model
