// EmbeddedModel: the LanguageModel over a LoadedModel and a BatchWorker. Prompts are encoded and
// constraints compiled on the caller's thread; everything after that is the worker's.
#pragma once

#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/generation_task.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/state_file.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::model {

class EmbeddedModel final : public LanguageModel {
 public:
  EmbeddedModel(std::shared_ptr<const LoadedModel> model, const EngineOptions& options);

  const ModelCapabilities& capabilities() const override { return capabilities_; }
  std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) override;
  ScoreResult score(const ScoreRequest& request) override;

  // Computes the state at the end of `conversation`'s last turn, where it isn't known yet, and
  // keeps it from eviction until as many unpin(). Every conversation of this tenant that goes on
  // from there starts there. `generated` is 0. Throws Error{kExhausted} when the budget has no
  // room.
  TokenUsage pin(const Conversation& conversation, const std::string& tenant = {},
                 const Limits& limits = {});
  void unpin(const Conversation& conversation, const std::string& tenant = {});

  // States on disk (state_file.h): what was known then is known after a restart. The first of the
  // two calls reads all weights once, to name them.
  SavedStates save(const std::filesystem::path& path, const SaveOptions& options = {});
  SavedStates load(const std::filesystem::path& path,
                   const std::optional<std::string>& tenant = std::nullopt);

  BatchWorker::Counts counts() const { return worker_.counts(); }

 private:
  // The tokens up to the end of the last turn: without what asks for the next one.
  std::vector<TokenId> prefix(const Conversation& conversation) const;
  const std::string& weights();

  // Throws Error{kExhausted} when prompt and `room` more tokens exceed the context.
  EncodedPrompt encode(const Conversation& conversation) const;
  std::vector<WritingPhase> writing_phases(const GenerateRequest& request,
                                           std::vector<DisabledTool>& disabled) const;
  void check_room(const EncodedPrompt& prompt, std::size_t room) const;

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const TokenSet> writable_;
  ModelCapabilities capabilities_;
  std::once_flag weights_named_;
  std::string weights_;
  BatchWorker worker_;
};

}  // namespace orkestra::model
