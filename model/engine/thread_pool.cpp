#include <orkestra/model/engine/thread_pool.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr int kMaxThreads = 256;
// About 20 microseconds: longer than the gap between two layers, shorter than a time slice.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
  if (n_threads <= 0) n_threads = static_cast<int>(std::thread::hardware_concurrency());
  n_threads = std::clamp(n_threads, 1, kMaxThreads);
  for (int part = 1; part < n_threads; ++part) {
    workers_.emplace_back([this, part] { work(part); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

ThreadPool::Range ThreadPool::share(std::int64_t n, std::int64_t unit, int part) const {
  const std::int64_t units = (n + unit - 1) / unit;
  const std::int64_t parts = size();
  return {std::min(n, units * part / parts * unit), std::min(n, units * (part + 1) / parts * unit)};
}

void ThreadPool::run_erased(Call call, void* context) {
  call_ = call;
  context_ = context;
  unfinished_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  if (!workers_.empty()) round_.notify_all();
  run_part(0);
  for (int spins = 0;; ++spins) {
    const int left = unfinished_.load(std::memory_order_acquire);
    if (left == 0) break;
    if (spins < kSpins) {
      pause();
    } else {
      unfinished_.wait(left, std::memory_order_acquire);
    }
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work(int part) {
  std::uint32_t seen = 0;
  while (true) {
    for (int spins = 0; round_.load(std::memory_order_acquire) == seen; ++spins) {
      if (spins < kSpins) {
        pause();
      } else {
        round_.wait(seen, std::memory_order_acquire);
      }
    }
    ++seen;
    if (stopping_.load()) return;
    run_part(part);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
  }
}

void ThreadPool::run_part(int part) noexcept {
  try {
    call_(context_, part);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace orkestra::model
