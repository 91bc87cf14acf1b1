#include <orkestra/model/remote/chat_request.h>
#include <orkestra/model/remote/remote_score.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxCandidates = 256;

char letter(std::size_t choice) { return static_cast<char>('A' + choice); }

// The choice that exactly this token names.
std::optional<std::size_t> choice_of(std::string token, std::size_t choices) {
  // Vocabularies write a leading space as itself or as U+2581 or U+0120.
  for (const std::string_view space : {"\xE2\x96\x81", "\xC4\xA0", " "}) {
    while (token.starts_with(space)) token.erase(0, space.size());
  }
  if (token.size() != 1 || token[0] < 'A') return std::nullopt;
  const auto index = static_cast<std::size_t>(token[0] - 'A');
  return index < choices ? std::optional(index) : std::nullopt;
}

}  // namespace

Json score_messages(const ScoreRequest& request) {
  Json messages = chat_messages(request.conversation);
  std::string question = "Which of these is the best next reply?\n";
  for (std::size_t i = 0; i < request.choices.size(); ++i) {
    question += std::string(1, letter(i)) + ") " + request.choices[i] + "\n";
  }
  add_instruction(messages, question + "Reply with its letter alone.");
  return messages;
}

std::optional<std::vector<double>> read_log_probabilities(const Json& candidates,
                                                          std::size_t choices) {
  if (!candidates.is_array() || candidates.size() > kMaxCandidates) return std::nullopt;
  std::vector<double> probability(choices, 0.0);
  double least = std::numeric_limits<double>::infinity();
  bool any = false;
  for (const Json& candidate : candidates) {
    if (!candidate.is_object() || !candidate.contains("token") || !candidate.contains("logprob") ||
        !candidate.at("token").is_string() || !candidate.at("logprob").is_number()) {
      return std::nullopt;
    }
    const double log_p = candidate.at("logprob").get<double>();
    if (!(log_p <= 0.01)) return std::nullopt;  // no logarithm of a probability
    least = std::min(least, log_p);
    const auto choice = choice_of(candidate.at("token").get<std::string>(), choices);
    if (!choice) continue;
    probability[*choice] += std::exp(log_p);
    any = true;
  }
  if (!any) return std::nullopt;
  const double floor = std::max(std::exp(least), std::numeric_limits<double>::min());
  double sum = 0.0;
  for (double& p : probability) {
    p = std::max(p, floor);
    sum += p;
  }
  for (double& p : probability) p = std::log(p / sum);
  return probability;
}

std::optional<std::size_t> read_vote(const std::string& text, std::size_t choices) {
  const auto is_letter = [&](std::size_t at) {
    const char c = static_cast<char>(text[at] | 0x20);
    return c >= 'a' && c <= 'z';
  };
  struct Run {
    std::size_t begin, end;
  };
  std::vector<Run> runs;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_letter(i)) continue;
    const std::size_t begin = i;
    while (i < text.size() && is_letter(i)) ++i;
    runs.push_back({begin, i});
  }
  const auto vote_of = [&](const Run& run) -> std::optional<std::size_t> {
    if (run.end - run.begin != 1) return std::nullopt;
    return choice_of(std::string(1, static_cast<char>(text[run.begin] & ~0x20)), choices);
  };
  if (runs.empty()) return std::nullopt;
  // "A) yes" begins with its vote; "A good one" begins with an article.
  const bool article = runs.size() > 1 && text[runs.front().end] == ' ';
  if (const auto first = vote_of(runs.front()); first && !article) return first;
  return runs.size() > 1 ? vote_of(runs.back()) : std::nullopt;
}

std::vector<double> log_shares(const std::vector<int>& votes) {
  constexpr double kPrior = 0.5;
  double sum = 0.0;
  for (const int count : votes) sum += count + kPrior;
  std::vector<double> out;
  for (const int count : votes) out.push_back(std::log((count + kPrior) / sum));
  return out;
}

}  // namespace orkestra::model
