// BatchWorker: one thread that computes all tasks together. Each pass makes one backend step of
// the next token of every writing task and as much prompt as fits; chunks end at marks, where the
// state is kept in the tree. A task whose prompt another one is just computing waits for it and
// forks its state.
//
// Any thread may submit. Whatever a task or a step throws ends in that task's ticket.
#pragma once

#include <orkestra/model/engine/backend.h>
#include <orkestra/model/engine/state_tree.h>
#include <orkestra/model/engine/task.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace orkestra::model {

struct BatchOptions {
  std::int64_t n_vocab = 0;
  std::int64_t max_batch_tokens = 512;
  std::size_t max_active = 64;  // tasks computed at once; each holds a state
  std::size_t state_budget_bytes = 0;
};

class BatchWorker {
 public:
  struct Counts {
    std::int64_t steps = 0;
    std::int64_t tokens_computed = 0;
    StateTree::Counts tree;
  };

  BatchWorker(std::unique_ptr<Backend> backend, const BatchOptions& options);
  // Fails what is unfinished with kCancelled.
  ~BatchWorker();

  // All of them are seen by the same pass, so they share what they have in common.
  void submit(std::vector<std::shared_ptr<Task>> tasks);
  Counts counts() const;

 private:
  struct Active {
    std::shared_ptr<Task> task;
    std::optional<StateHandle> state;  // none: not started, or waiting for another's prefix
    std::size_t fed = 0;               // tokens in the state
  };
  struct Ended {
    std::shared_ptr<Task> task;
    std::exception_ptr error;  // null: it succeeded
  };
  struct Planned {
    std::size_t active;  // index into active_
    std::size_t n_tokens;
    std::size_t n_logits;
  };

  void run();
  bool collect();  // false: stop
  void pass();
  void publish();
  void reap();
  void start(Active& active);
  bool wait_for_sibling(const Active& active);
  void plan();
  void compute();
  void take_logits(Active& active, const Planned& planned, const float* logits);
  void end(Active& active, std::exception_ptr error, bool state_is_sound);
  std::span<const TokenId> prefix(const Active& active, std::size_t length) const;

  const BatchOptions options_;
  std::unique_ptr<Backend> backend_;
  StateTree tree_;
  std::vector<Active> active_;  // by priority, then age; ended ones have no task
  std::vector<Ended> ended_;    // in this pass
  std::vector<Planned> planned_;
  std::vector<StepChunk> chunks_;
  std::vector<float> logits_;
  std::int64_t steps_ = 0;
  std::int64_t tokens_computed_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable submitted_;
  std::vector<std::shared_ptr<Task>> queue_;
  bool stopping_ = false;
  Counts counts_;

  std::thread thread_;
};

}  // namespace orkestra::model
