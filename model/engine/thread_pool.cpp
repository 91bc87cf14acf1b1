#include <orkestra/model/engine/thread_pool.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr int kMaxThreads = 256;
// About 20 microseconds: longer than the gap between two layers, shorter than a time slice.
constexpr int kSpins = 2000;
// More than one, so that an uneven split or a slow thread costs a quarter of a share at most.
constexpr int kPartsPerThread = 4;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
  if (n_threads <= 0) n_threads = static_cast<int>(std::thread::hardware_concurrency());
  n_threads = std::clamp(n_threads, 1, kMaxThreads);
  n_parts_ = n_threads == 1 ? 1 : n_threads * kPartsPerThread;
  for (int i = 1; i < n_threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

ThreadPool::Range ThreadPool::share(std::int64_t n, std::int64_t unit, int part) const {
  const std::int64_t units = (n + unit - 1) / unit;
  const std::int64_t parts = n_parts_;
  return {std::min(n, units * part / parts * unit), std::min(n, units * (part + 1) / parts * unit)};
}

void ThreadPool::run_erased(Call call, void* context) {
  call_ = call;
  context_ = context;
  unfinished_.store(n_parts_, std::memory_order_relaxed);
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  next_.store(std::uint64_t{round} << 32U, std::memory_order_release);
  round_.store(round, std::memory_order_release);
  if (!workers_.empty()) round_.notify_all();
  take_parts(round);
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

void ThreadPool::work() {
  std::uint32_t seen = 0;
  while (true) {
    for (int spins = 0; round_.load(std::memory_order_acquire) == seen; ++spins) {
      if (spins < kSpins) {
        pause();
      } else {
        round_.wait(seen, std::memory_order_acquire);
      }
    }
    seen = round_.load(std::memory_order_acquire);
    if (stopping_.load()) return;
    take_parts(seen);
  }
}

void ThreadPool::take_parts(std::uint32_t round) {
  std::uint64_t next = next_.load(std::memory_order_acquire);
  while (next >> 32U == round && (next & 0xFFFFFFFFU) < static_cast<std::uint64_t>(n_parts_)) {
    if (!next_.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
    try {
      call_(context_, static_cast<int>(next & 0xFFFFFFFFU));
    } catch (...) {
      const std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_all();
    next = next_.load(std::memory_order_acquire);
  }
}

}  // namespace orkestra::model
