// Ctrl-C and SIGTERM as a stop request. One per process, made before any other thread.
#pragma once

#include <memory>
#include <stop_token>

namespace orkestra::apps {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  std::stop_token token() const;

 private:
  struct Waiter;
  std::unique_ptr<Waiter> waiter_;
};

}  // namespace orkestra::apps
