// ThreadPool: runs one piece of work, cut into numbered parts, on a few threads, the caller's among
// them. What a part is never depends on timing; who computes it does: threads take the next part
// when they are free, so a thread the system has put aside holds nothing up.
//
// Owned and called by one thread at a time. Workers spin briefly between calls (a layer follows
// within microseconds), then sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace orkestra::model {

class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);  // 0 = the processor's cores
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }
  int n_parts() const { return n_parts_; }

  // Calls work(part) once for every part in [0, n_parts()), concurrently; returns when all are
  // done. The first exception is thrown on.
  template <typename Work>
  void run(Work&& work) {
    using Plain = std::remove_reference_t<Work>;
    run_erased([](void* context, int part) { (*static_cast<Plain*>(context))(part); },
               const_cast<void*>(static_cast<const void*>(&work)));
  }

  // The share of part `part` of `n` items in units of `unit`: [begin, end).
  struct Range {
    std::int64_t begin;
    std::int64_t end;
  };
  Range share(std::int64_t n, std::int64_t unit, int part) const;

 private:
  using Call = void (*)(void* context, int part);
  void run_erased(Call call, void* context);
  void work();
  void take_parts(std::uint32_t round);

  // The round in the upper half, its next free part in the lower: a thread that comes late to a
  // round can take nothing of the next one by mistake.
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint32_t> round_{0};
  std::atomic<int> unfinished_{0};
  std::atomic<bool> stopping_{false};
  int n_parts_ = 1;
  Call call_ = nullptr;
  void* context_ = nullptr;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

}  // namespace orkestra::model
