// JournalWriter: group commit. One thread owns the writing connection; changes that wait while it
// commits are committed together next, by one fsync. Any thread may call write(). Destroy it only
// when nobody is in write().
#pragma once

#include <orkestra/core/database.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace orkestra::planner {

class JournalWriter {
 public:
  // What one caller wants written. Both functions run on the writer's thread, with no lock held.
  struct Change {
    // Inside a transaction, perhaps again after a roll-back. Either returns a refusal before it
    // has written anything, or writes and returns nothing; throws when the database fails.
    std::function<std::optional<Error>(Database&)> apply;
    // Outside of any transaction, once what it wrote is durable. What it throws reaches write().
    std::function<void(Database&)> committed = [](Database&) {};
  };

  explicit JournalWriter(Database database);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Returns when the change is durable. Throws its refusal, or the Error for which nothing of it
  // was written.
  void write(Change change);

  std::size_t waiting() const;   // changes not yet taken into a transaction
  std::int64_t commits() const;  // transactions so far

 private:
  struct Waiting {
    Change change;
    std::promise<void> done;
  };
  void work();
  void commit(std::span<Waiting> batch);
  void commit_together(std::span<Waiting> batch);

  Database database_;  // the thread's
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiting> queue_;  // guarded by mutex_, as are commits_ and stopping_
  std::int64_t commits_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace orkestra::planner
