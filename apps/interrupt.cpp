#include <orkestra/apps/interrupt.h>

#include <pthread.h>
#include <csignal>
#include <thread>

namespace orkestra::apps {

// Signals are blocked everywhere and awaited by one thread, so no code runs in a signal handler.
struct Interrupt::Waiter {
  std::stop_source source;
  std::jthread thread;
};

Interrupt::Interrupt() : waiter_(std::make_unique<Waiter>()) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);  // ends the waiter itself
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_->thread = std::jthread([signals, source = waiter_->source]() mutable {
    int received = 0;
    int interrupts = 0;
    while (sigwait(&signals, &received) == 0 && received != SIGUSR1) {
      source.request_stop();
      if (++interrupts > 1) std::_Exit(130);  // asked twice: do not wait any longer
    }
  });
}

Interrupt::~Interrupt() { pthread_kill(waiter_->thread.native_handle(), SIGUSR1); }

std::stop_token Interrupt::token() const { return waiter_->source.get_token(); }

}  // namespace orkestra::apps
