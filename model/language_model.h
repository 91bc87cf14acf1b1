// LanguageModel: the one seam the planner sees. Embedded (engine), scripted (tests) and later
// remote models implement it. Thread-safe: any thread may submit.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/core/limits.h>
#include <orkestra/model/constraint.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct Sampling {
  double temperature = 0.0;  // 0 = greedy
  int top_k = 0;             // 0 = off
  double top_p = 1.0;
  double min_p = 0.0;
  std::uint64_t seed = 0;
};

// What is written before the answer: `begin`, any text without `end`, then `end`; all of it within
// `max_tokens` (or the few that `begin` and `end` take). The constraint is the answer's.
struct Thinking {
  std::string begin{};  // "" where the prompt ends with it already
  std::string end{};    // "" = there is no thinking
  std::int64_t max_tokens = 0;
};

struct GenerateRequest {
  Conversation conversation;
  Constraint constraint{};
  Thinking thinking{};
  Sampling sampling{};
  Limits limits{};
  std::string tenant{};  // state is never shared between tenants
  int priority = 0;      // higher first
  // Called with UTF-8-complete pieces as they are written. The embedded engine calls both from
  // Ticket::wait(), on the waiting thread: a slow reader delays itself only.
  std::function<void(std::string_view)> on_text{};
  // How much of the prompt is known so far, while a long one is read.
  std::function<void(std::int64_t n_done, std::int64_t n_prompt)> on_progress{};
  // The answer ends before the first of these strings that the model writes (not in reasoning or a
  // tool call); none of it is in the text or handed out. At most 16, of 1 to 256 bytes each.
  std::vector<std::string> stop{};
  // Reasoning as it is written. on_text gets the answer alone, without tool calls.
  std::function<void(std::string_view)> on_reasoning{};
};

struct TokenUsage {
  std::int64_t prompt = 0;     // tokens of the whole prompt
  std::int64_t reused = 0;     // of these, found in the state tree and not computed again
  std::int64_t generated = 0;  // tokens written
  std::int64_t forced =
      0;  // of these, the only ones possible: appended without a step of their own
};

enum class FinishReason { kStop, kLength, kConstraint };  // kConstraint: nothing more was allowed

struct Generation {
  Turn turn;  // role assistant; text, parsed tool calls, token ids where the model has them
  FinishReason finish = FinishReason::kStop;
  TokenUsage usage{};
  double log_probability = 0.0;  // of the written tokens under the constraint's mask; 0 if unknown
  // For each tool call that can't be read (it stays in the text): what is wrong with it, in words
  // for the model.
  std::vector<std::string> damaged_calls{};
  std::vector<DisabledTool> disabled_tools{};  // left out of the constraint's calls
};

// One submitted request. Dropping a ticket cancels it.
class Ticket {
 public:
  virtual ~Ticket() = default;
  // Blocks until done. Throws Error: kDeadline or kCancelled (Limits), kExhausted (context), ...
  virtual Generation wait() = 0;
  virtual void cancel() = 0;
};

struct ScoreRequest {
  Conversation conversation;         // the choices are judged as its next assistant turn
  std::vector<std::string> choices;  // complete texts
  Limits limits{};
  std::string tenant{};
};

struct ScoreResult {
  std::vector<double> log_probability;  // [choices] sum over each choice's tokens
  TokenUsage usage{};
  std::string method;  // "logits", "logprobs", "votes", "certain" (one choice), "script"
};

struct ModelCapabilities {
  std::string id;               // what reports and the journal call it
  std::string kind;             // "embedded", "remote", "scripted"
  std::int64_t context = 0;     // tokens
  std::int64_t parameters = 0;  // 0 = not known
  bool constraints = false;     // enforced while decoding (not by retrying)
  bool scores_logits = false;
  std::vector<std::string> prompts{};  // hashes of the prompts it was trained on, where it says so
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  virtual const ModelCapabilities& capabilities() const = 0;
  // One ticket per request, in order. Requests of one call run as one batch and share their
  // common prefix. Throws Error{kInvalid, kUnsupported} for a request that can never run.
  virtual std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) = 0;
  virtual ScoreResult score(const ScoreRequest& request) = 0;
};

// submit + wait of one request.
Generation generate(LanguageModel& model, GenerateRequest request);

}  // namespace orkestra::model
