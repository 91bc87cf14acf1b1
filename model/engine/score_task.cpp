#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/score_task.h>

#include <utility>

namespace orkestra::model {

ScoreTask::ScoreTask(std::shared_ptr<const TokenSet> writable, const EncodedPrompt& prompt,
                     std::vector<TokenId> choice)
    : writable_(std::move(writable)), choice_(std::move(choice)) {
  tokens = prompt.tokens;
  first_wanted = tokens.size() - 1;
  for (const std::size_t length : prompt.marks) {
    if (length > 0 && length <= tokens.size()) marks.push_back({.length = length});
  }
  usage.prompt = static_cast<std::int64_t>(tokens.size());
  tokens.insert(tokens.end(), choice_.begin(), choice_.end() - 1);
}

bool ScoreTask::take(std::size_t, std::span<const float> logits) {
  log_probability_ += model::log_probability(logits, *writable_, choice_[next_]);
  return ++next_ < choice_.size();
}

}  // namespace orkestra::model
