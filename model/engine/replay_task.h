// ReplayTask: a recorded request: its output is given, so only what the engine does with it is
// measured.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/model/engine/replay_trace.h>
#include <orkestra/model/engine/task.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace orkestra::model {

class ReplayTask final : public Task {
 public:
  explicit ReplayTask(ReplayRequest request);

  bool take(std::size_t position, std::span<const float> logits) override;
  bool keeps_state() const override { return true; }
  void finish() override { ended_ = std::chrono::steady_clock::now(); }

  // After wait() returned.
  const std::string& id() const { return id_; }
  SteadyTime first_token() const { return *first_token_; }  // when its logits were there
  SteadyTime ended() const { return ended_; }

 private:
  std::string id_;
  std::vector<TokenId> forced_;
  std::size_t said_ = 0;
  std::optional<SteadyTime> first_token_;
  SteadyTime ended_{};
};

}  // namespace orkestra::model
