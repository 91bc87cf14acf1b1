// WorkerPool: a fixed number of threads and a bounded queue before them. Any thread may submit,
// the pool's own included.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace orkestra::service {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t max_waiting);
  // Stops, then waits for the work under way.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when as much waits as may, or after stop(). `work` must not throw.
  bool submit(std::function<void()> work);
  // Nothing more begins; what waits is dropped. Does not wait.
  void stop();
  // Stops and waits for the work under way. From the owner's thread.
  void join();

 private:
  void work();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_, as is stopping_
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace orkestra::service
