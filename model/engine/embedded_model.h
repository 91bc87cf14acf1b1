// EmbeddedModel: the LanguageModel over a LoadedModel and a BatchWorker. Prompts are encoded and
// constraints compiled on the caller's thread; everything after that is the worker's.
#pragma once

#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/generation_task.h>
#include <orkestra/model/engine/loaded_model.h>

#include <memory>
#include <vector>

namespace orkestra::model {

class EmbeddedModel final : public LanguageModel {
 public:
  EmbeddedModel(std::shared_ptr<const LoadedModel> model, const EngineOptions& options);

  const ModelCapabilities& capabilities() const override { return capabilities_; }
  std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) override;
  ScoreResult score(const ScoreRequest& request) override;

  BatchWorker::Counts counts() const { return worker_.counts(); }

 private:
  // Throws Error{kExhausted} when prompt and `room` more tokens exceed the context.
  EncodedPrompt encode(const Conversation& conversation) const;
  void check_room(const EncodedPrompt& prompt, std::size_t room) const;

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const TokenSet> writable_;
  ModelCapabilities capabilities_;
  BatchWorker worker_;
};

}  // namespace orkestra::model
