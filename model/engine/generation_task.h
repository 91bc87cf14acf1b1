// GenerationTask: writes an assistant turn token by token under a constraint.
#pragma once

#include <orkestra/model/engine/constrained_writer.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/task.h>
#include <orkestra/model/text/chat/text_stream.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

class GenerationTask final : public Task {
 public:
  // `writable` is text_tokens() of the model. `prompt` is not empty. Throws Error{kInvalid} when
  // what the constraint allows is longer than the request's limit, {kExhausted} when it is longer
  // than the context.
  GenerationTask(std::shared_ptr<const LoadedModel> model, std::shared_ptr<const TokenSet> writable,
                 GenerateRequest request, EncodedPrompt prompt, std::vector<WritingPhase> phases,
                 std::vector<DisabledTool> disabled_tools);

  bool take(std::size_t position, std::span<const float> logits) override;
  void draft(std::size_t most, std::vector<TokenId>& out) const override;
  void progressed(std::size_t n_tokens) override;
  bool keeps_state() const override { return true; }
  void finish() override;

  // After wait() returned.
  const Generation& generation() const { return generation_; }

 protected:
  void deliver() override;

 private:
  std::size_t tokens_left() const;
  void check_least() const;
  // False when a stop string is complete.
  bool write(TokenId id);
  void hand_out(TextStream::Part part, std::string_view text);

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const TokenSet> writable_;
  const bool has_tools_;
  const std::size_t opening_;         // tokens of the turn that the prompt already holds
  std::optional<TextStream> stream_;  // where somebody listens or a stop string is looked for
  const std::function<void(std::string_view)> on_text_;
  const std::function<void(std::string_view)> on_reasoning_;
  const std::function<void(std::int64_t, std::int64_t)> on_progress_;
  ConstrainedWriter writer_;
  Sampler sampler_;
  TextStream::Sink sink_;
  std::string written_;
  std::vector<TokenId> ids_;
  Generation generation_;

  std::mutex outbox_mutex_;  // guards what follows: written by the worker, emptied by wait()
  std::string text_out_;
  std::string reasoning_out_;
  std::int64_t progress_out_ = -1;
  // The waiting thread's: what the listeners are given; they change places with the above.
  std::string delivered_;
  std::string delivered_reasoning_;
};

}  // namespace orkestra::model
