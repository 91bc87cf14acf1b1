// Clock: where time comes from. Passed in, so that a run's clock can be journaled and replayed.
#pragma once

#include <chrono>
#include <cstdint>

namespace orkestra {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t unix_ms() = 0;  // milliseconds since 1970-01-01 UTC
};

class SystemClock final : public Clock {
 public:
  std::int64_t unix_ms() override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
};

// Returns `start`, `start + step`, ...: deterministic time for tests and replays.
class SteppingClock final : public Clock {
 public:
  explicit SteppingClock(std::int64_t start, std::int64_t step = 1) : next_(start), step_(step) {}
  std::int64_t unix_ms() override {
    const std::int64_t now = next_;
    next_ += step_;
    return now;
  }

 private:
  std::int64_t next_;
  std::int64_t step_;
};

}  // namespace orkestra
