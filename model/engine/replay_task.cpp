#include <orkestra/model/engine/replay_task.h>

#include <utility>

namespace orkestra::model {

ReplayTask::ReplayTask(ReplayRequest request)
    : id_(std::move(request.id)), forced_(std::move(request.forced_output)) {
  tokens = std::move(request.tokens);
  first_wanted = tokens.size() - 1;
  for (const std::size_t length : request.marks) marks.push_back({.length = length});
  usage.prompt = static_cast<std::int64_t>(tokens.size());
  tokens.reserve(tokens.size() + forced_.size());
}

// The last forced token is fed too: a model that ends its turn has been shown all of it.
bool ReplayTask::take(std::size_t, std::span<const float>) {
  if (!first_token_) first_token_ = std::chrono::steady_clock::now();
  if (said_ == forced_.size()) return false;
  tokens.push_back(forced_[said_++]);
  ++usage.generated;
  return true;
}

void ReplayTask::progressed(std::size_t n_tokens) {
  progress_ = n_tokens;
  if (on_progress) wake();
}

void ReplayTask::deliver() {
  if (on_progress) on_progress(progress_);
}

}  // namespace orkestra::model
