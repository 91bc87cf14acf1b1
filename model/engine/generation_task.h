// GenerationTask: writes an assistant turn token by token under a constraint.
#pragma once

#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/task.h>

#include <functional>
#include <memory>
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

// 1 for every token free text may hold: those with bytes, and the stop tokens.
using TokenSet = std::vector<std::uint8_t>;
TokenSet text_tokens(const Tokenizer& tokenizer);

class GenerationTask final : public Task {
 public:
  // `writable` is text_tokens() of the model. `prompt` is not empty.
  GenerationTask(std::shared_ptr<const LoadedModel> model, std::shared_ptr<const TokenSet> writable,
                 GenerateRequest request, EncodedPrompt prompt, ConstraintMatcher matcher);

  bool take(std::size_t position, std::span<const float> logits) override;
  bool keeps_state() const override { return true; }
  void finish() override;

  // After wait() returned.
  const Generation& generation() const { return generation_; }

 private:
  const TokenSet& allowed();

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const TokenSet> writable_;
  std::function<void(std::string_view)> on_text_;
  ConstraintMatcher matcher_;
  Sampler sampler_;
  TokenSet mask_;
  Utf8Stream stream_;
  std::string written_;
  std::vector<TokenId> ids_;
  Generation generation_;
};

}  // namespace orkestra::model
