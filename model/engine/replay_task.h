// ReplayTask: a recorded request: its output is given, so only what the engine does with it is
// measured.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/model/engine/replay_trace.h>
#include <orkestra/model/engine/task.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace orkestra::model {

class ReplayTask final : public Task {
 public:
  explicit ReplayTask(ReplayRequest request);

  bool take(std::size_t position, std::span<const float> logits) override;
  bool keeps_state() const override { return true; }
  void finish() override { ended_ = std::chrono::steady_clock::now(); }
  void progressed(std::size_t n_tokens) override;

  // After wait() returned.
  const std::string& id() const { return id_; }
  SteadyTime first_token() const { return *first_token_; }  // when its logits were there
  SteadyTime ended() const { return ended_; }

  // Called by wait() with the number of prompt tokens that are read. Set before submission.
  std::function<void(std::size_t n_tokens)> on_progress;

 protected:
  void deliver() override;

 private:
  std::string id_;
  std::vector<TokenId> forced_;
  std::size_t said_ = 0;
  std::optional<SteadyTime> first_token_;
  SteadyTime ended_{};
  std::atomic<std::size_t> progress_{0};
};

}  // namespace orkestra::model
