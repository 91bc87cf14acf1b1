#include <orkestra/apps/interrupt.h>

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace orkestra::apps {
namespace {

// Who awaits the signals. Libraries may have started threads before main, which did not inherit the
// blocked signals: one that is given to such a thread is passed on from there.
std::atomic<pthread_t> waiting{};
static_assert(std::atomic<pthread_t>::is_always_lock_free);

extern "C" void pass_on(int signal) { pthread_kill(waiting.load(), signal); }

}  // namespace

// Signals are blocked everywhere and awaited by one thread, so nothing but passing on happens in a
// signal handler.
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
  waiting.store(waiter_->thread.native_handle());
  struct sigaction action {};
  action.sa_handler = pass_on;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

Interrupt::~Interrupt() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  pthread_kill(waiter_->thread.native_handle(), SIGUSR1);
}

std::stop_token Interrupt::token() const { return waiter_->source.get_token(); }

}  // namespace orkestra::apps
