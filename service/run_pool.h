// RunPool: the runs this service works on: a bounded number at once, the others queued. A run that
// waits for a person is in neither and holds nothing. All of it can be rebuilt from the journal,
// so a stop, however sudden, loses nothing that was accepted. Any thread.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/service/run_events.h>
#include <orkestra/service/worker_pool.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace orkestra::service {

class RunPool {
 public:
  // What working on a run came to: its report, or why nobody works on it any more.
  struct Outcome {
    Json report;
    std::optional<Error> error;
  };
  using Done = std::function<void(const Outcome&)>;
  enum class Work { kNone, kQueued, kRunning };

  // All are borrowed and must outlive the pool.
  RunPool(agent::Agent& agent, RunEvents& events, std::size_t workers, std::size_t max_queued);
  ~RunPool();

  // A new run, durable when this returns. `done` is called from a worker. Throws kExhausted when
  // too many are queued, kUnavailable when it is stopping, and what Agent::begin throws.
  std::string begin(const std::string& task, const agent::TaskOptions& options, Done done = {});
  // Goes on with a run that nobody works on. Throws kConflict when it has finished or waits,
  // kNotFound.
  void resume(const std::string& run);
  // Answers the question of a run and goes on with it. Throws kNotFound, kConflict.
  void answer(const std::string& run, const planner::Approval& approval);
  // Ends a run, at once or as soon as its worker lets go; then `done`. Throws kNotFound, kConflict.
  void cancel(const std::string& run, const std::string& reason, Done done);
  // Every run of the journal that was neither finished nor waits, begun with the same model.
  // Returns how many.
  std::size_t take_up_unfinished();

  Work work_on(const std::string& run);
  // Why this service gave the run up, if it did and nobody has gone on with it.
  std::optional<Error> failure(const std::string& run);

  // Nothing new begins, what is worked on is interrupted and can be resumed. Does not wait.
  void stop();
  // Stops and waits for the workers.
  void join();

 private:
  struct Cancellation {
    std::string reason;
    Done done;
  };
  struct Job {
    bool running = false;
    bool again = false;  // answered while its worker was just about to let go
    std::stop_source stop{};
    std::vector<Done> done{};
    std::optional<Cancellation> cancellation{};
  };

  void enqueue(const std::string& run, Done done, bool reserved);
  void work(const std::string& run);
  Outcome work_on_job(const std::string& run, std::stop_token stop);
  Outcome after_error(const std::string& run, const Error& error);
  void let_go(const std::string& run, Outcome outcome);
  Outcome end_cancelled(const std::string& run, const std::string& reason);
  Json report_of(const std::string& run);
  // With mutex_ held.
  void remember_failure(const std::string& run, const Error& error);

  agent::Agent& agent_;
  RunEvents& events_;
  const std::size_t max_queued_;
  std::mutex acts_;   // one act of a person at a time, so that none fences another
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Job> jobs_;
  std::size_t queued_ = 0;  // and those for which a place is reserved
  std::map<std::string, Error> failures_;
  std::deque<std::string> failed_;  // oldest first
  bool stopping_ = false;
  WorkerPool workers_;
};

}  // namespace orkestra::service
