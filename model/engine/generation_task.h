// GenerationTask: writes an assistant turn token by token under a constraint.
#pragma once

#include <orkestra/model/engine/constrained_writer.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/task.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// Cuts a byte stream into pieces that end at UTF-8 character edges.
class Utf8Stream {
 public:
  // The bytes that are complete now; what remains is kept for the next call.
  std::string push(std::string_view bytes);
  // What was left at the end: U+FFFD for an unfinished character, "" for none.
  std::string finish();

 private:
  std::string pending_;
};

class GenerationTask final : public Task {
 public:
  // `writable` is text_tokens() of the model. `prompt` is not empty. Throws Error{kInvalid} when
  // what the constraint allows is longer than the request's limit, {kExhausted} when it is longer
  // than the context.
  GenerationTask(std::shared_ptr<const LoadedModel> model, std::shared_ptr<const TokenSet> writable,
                 GenerateRequest request, EncodedPrompt prompt, ConstraintMatcher matcher);

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
  void hand_out(std::string_view text);

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const TokenSet> writable_;
  const std::function<void(std::string_view)> on_text_;
  const std::function<void(std::int64_t, std::int64_t)> on_progress_;
  ConstrainedWriter writer_;
  Sampler sampler_;
  Utf8Stream stream_;
  std::string written_;
  std::vector<TokenId> ids_;
  Generation generation_;

  std::mutex outbox_mutex_;  // guards what follows: written by the worker, emptied by wait()
  std::string text_out_;
  std::int64_t progress_out_ = -1;
  std::string
      delivered_;  // the waiting thread's: what on_text_ is given; changes place with text_out_
};

}  // namespace orkestra::model
