// BatchWorker: one thread that computes all tasks together. Each pass makes one backend step of
// what every writing task has to add (its last token, tokens a constraint forces, guesses), and
// one of a share of the prompts in progress; chunks end at marks and at intervals of long prompts,
// where the state is kept in the tree. A task whose prompt another one is just computing waits for
// it and forks its state.
//
// A step of prompts may take a second. It pauses after every layer: who came meanwhile is let in,
// who was cancelled is let go, and those who write get a step of their own when it is due. When
// nobody waits for it any more, it is abandoned.
//
// All states together keep to one byte budget. A task that finds no room waits for another to end;
// when those in progress outgrow the budget, the last of them starts again later.
//
// Any thread may submit. Whatever a task or a step throws ends in that task's ticket.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/model/engine/backend.h>
#include <orkestra/model/engine/batch_share.h>
#include <orkestra/model/engine/speculation.h>
#include <orkestra/model/engine/state_tree.h>
#include <orkestra/model/engine/step_cost.h>
#include <orkestra/model/engine/task.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace orkestra::model {

struct BatchOptions {
  std::int64_t n_vocab = 0;
  std::int64_t max_batch_tokens = 512;
  std::size_t max_active = 64;          // tasks computed at once; each holds a state
  std::size_t state_budget_bytes = 0;   // of all states; a task that alone needs more fails
  double step_seconds = 0.1;            // those who write wait so long for those who read
  std::size_t snapshot_interval = 256;  // tokens between snapshots of a long prompt, at least
  bool speculate = true;                // compute guesses of tasks that make them
  std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
};

class BatchWorker {
 public:
  struct Counts {
    std::int64_t steps = 0;
    std::int64_t tokens_computed = 0;
    std::int64_t tokens_guessed = 0;  // of these, guesses
    std::int64_t guesses_true = 0;
    std::int64_t preemptions = 0;
    std::int64_t abandoned = 0;  // steps that nobody waited for any more
    StateTree::Counts tree;
  };

  BatchWorker(std::unique_ptr<Backend> backend, const BatchOptions& options);
  // Fails what is unfinished with kCancelled.
  ~BatchWorker();

  // All of them are seen by the same pass, so they share what they have in common.
  void submit(std::vector<std::shared_ptr<Task>> tasks);
  // Runs `use` on the worker's thread between two steps; returns when it is done. Rethrows.
  void with_tree(const std::function<void(StateTree&, Backend&)>& use);
  Counts counts() const;

 private:
  struct Active {
    std::shared_ptr<Task> task;
    std::optional<StateHandle> state{};  // none: not started, or waiting
    std::size_t fed = 0;                 // tokens in the state
    bool started = false;                // `usage.reused` is known
    std::int64_t no_room_since = -1;     // ended_count_ when it found no room
    std::size_t interval = 0;            // between snapshots of its prompt
    std::size_t pinned = 0;              // length of the prefix pinned for it
    std::optional<StateHandle> kept{};   // the state before what is now computed
    std::size_t kept_fed = 0;            // tokens in it
    std::vector<TokenId> guessing{};     // what is fed in a step with guesses
    DraftControl drafts{};
    TokenId likely = -1;           // what would have been guessed
    std::size_t reading = 0;       // tokens of it in the step that is paused or running
    std::exception_ptr leaving{};  // ended with that while it was in such a step
  };
  struct Ended {
    std::shared_ptr<Task> task;
    std::exception_ptr error;  // null: it succeeded
  };
  struct Planned {
    std::size_t active;  // index into active_
    std::size_t n_tokens;
    std::size_t n_logits;
    std::size_t n_guessed;  // the last of n_tokens
  };
  // What goes into one call of the backend.
  struct Step {
    std::vector<Planned> planned;
    std::vector<StepChunk> chunks;
    std::vector<float> logits;
  };
  struct Command {
    const std::function<void(StateTree&, Backend&)>* use;
    bool done = false;
    std::exception_ptr error{};
  };

  void run();
  // Moves queued tasks into free places. When told to wait, sleeps while there is nothing to do.
  bool collect(bool may_wait);  // false: stop
  void obey();
  void pass();
  void publish();
  void reap();
  bool others_run(const Active& active) const;
  bool wait_for_sibling(const Active& active);
  void start(Active& active);
  void no_room(Active& active);
  void start_all();
  // A step of all that writing tasks have to add, and one of prompts in progress.
  void write();
  void read();
  bool interlude();
  static bool writes(const Active& active);
  void plan_writing();
  void plan_reading();
  std::size_t reading_limit() const;
  std::size_t cut(const Active& active, std::size_t n) const;
  void plan_chunk(Step& step, std::size_t index, std::size_t n, std::size_t n_guessed);
  void guess(Active& active, std::size_t n_writing, std::size_t most);
  void keep_before(Step& step);
  static std::size_t growth_of(const Step& step, const Backend& backend);
  bool fit_budget(Step& step);
  void preempt(Active& active);
  void compute(Step& step, bool pausing);
  void take_logits(Active& active, const Planned& planned, const float* logits);
  void keep_at_mark(Active& active, const float* last);
  void go_back(Active& active, bool to_kept);
  void abandon(const Step& step);
  void end(Active& active, std::exception_ptr error, bool state_is_sound);
  std::span<const TokenId> prefix(const Active& active, std::size_t length) const;

  const BatchOptions options_;
  std::unique_ptr<Backend> backend_;
  StateTree tree_;
  std::vector<Active> active_;  // by priority, then age; ended ones have no task
  bool in_order_ = true;        // active_ is
  std::vector<Ended> ended_;    // in this pass
  std::vector<PromptShare> shares_;
  Step writing_;
  Step reading_;
  SteadyTime wrote_at_{};           // when the last step of those who write ended
  double writing_seconds_ = 0.0;    // what it took
  double interlude_seconds_ = 0.0;  // of the step of prompts in progress, spent on others
  StepTimes writing_times_;         // of steps of those who write
  StepCost reading_cost_;           // of steps of prompts
  double copy_seconds_ = 0.0;       // of a state, the last time
  Counts work_;
  std::int64_t ended_count_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable submitted_;
  std::condition_variable obeyed_;
  std::vector<std::shared_ptr<Task>> queue_;
  std::vector<Command*> commands_;
  bool stopping_ = false;
  Counts counts_;

  std::thread thread_;
};

}  // namespace orkestra::model
