// Task: one submitted request as the batch worker sees it: a token sequence to be computed, and
// something that takes the logits. Shared by the worker and whoever waits for the result.
//
// The worker's thread calls everything here except cancel() and the waiting side of the subclasses.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/model/language_model.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace orkestra::model {

// A prefix length at which the state is to be kept.
struct Mark {
  std::size_t length = 0;
  bool with_logits = false;
  bool pinned = false;  // until it is unpinned; the task fails when there is no room for that
};

class Task {
 public:
  virtual ~Task() = default;

  // Takes the logits after tokens[position], where position is what first_wanted was; the worker
  // has moved that on by one. May append to `tokens`, and move first_wanted further. Returns false
  // when it needs no more. Exceptions fail this task only.
  virtual bool take(std::size_t position, std::span<const float> logits) = 0;
  // Appends to `out` up to `most` tokens that may well follow `tokens`.
  virtual void draft(std::size_t most, std::vector<TokenId>& out) const;
  // Some of the prompt has been computed or found: its first `n_tokens` are in the state.
  virtual void progressed(std::size_t n_tokens);
  // Whether its state is worth keeping after the end.
  virtual bool keeps_state() const = 0;
  // Makes the result; called once, after take() returned false.
  virtual void finish() = 0;

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  // Throws Error{kCancelled, kDeadline} when the task must stop now.
  void check() const;

  // Publish the end of the task; the first call wins.
  void succeed() { publish(nullptr); }
  void fail(std::exception_ptr error) { publish(std::move(error)); }
  // Blocks until published; throws what the task failed with.
  void wait();

 protected:
  // Called by wait() on the waiting thread, whenever woken.
  virtual void deliver() {}
  // Wakes wait(). Any thread.
  void wake();

 public:
  // Set before submission.
  std::string tenant;
  int priority = 0;
  Limits limits;
  std::vector<TokenId> tokens;   // the prompt; take() appends
  std::vector<Mark> marks;       // ascending, none beyond first_wanted + 1
  std::size_t first_wanted = 0;  // index of the next token whose logits are wanted
  TokenUsage usage;              // prompt before submission; the worker adds what was reused

 private:
  void publish(std::exception_ptr error);

  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable published_;
  bool done_ = false;
  bool woken_ = false;
  std::exception_ptr error_;
};

}  // namespace orkestra::model
