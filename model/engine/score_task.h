// ScoreTask: the log-probability of given tokens after a prompt. Tasks of one score share the
// prompt's state through the tree.
#pragma once

#include <orkestra/model/engine/generation_task.h>
#include <orkestra/model/engine/task.h>

#include <memory>
#include <vector>

namespace orkestra::model {

class ScoreTask final : public Task {
 public:
  // `choice` is not empty. Every token but its last is fed after the prompt.
  ScoreTask(std::shared_ptr<const TokenSet> writable, const EncodedPrompt& prompt,
            std::vector<TokenId> choice);

  bool take(std::size_t position, std::span<const float> logits) override;
  bool keeps_state() const override { return false; }
  void finish() override {}

  // After wait() returned: the sum over the choice's tokens, among the tokens text may hold.
  double log_probability() const { return log_probability_; }

 private:
  std::shared_ptr<const TokenSet> writable_;
  std::vector<TokenId> choice_;
  std::size_t next_ = 0;  // of the choice's tokens
  double log_probability_ = 0.0;
};

}  // namespace orkestra::model
