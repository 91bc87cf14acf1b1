#include <orkestra/core/error.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/embedded_model.h>
#include <orkestra/model/engine/score_task.h>
#include <orkestra/model/engine/weights_fingerprint.h>
#include <orkestra/model/text/chat/tool_schemas.h>

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace orkestra::model {
namespace {

class GenerationTicket final : public Ticket {
 public:
  explicit GenerationTicket(std::shared_ptr<GenerationTask> task) : task_(std::move(task)) {}
  ~GenerationTicket() override { task_->cancel(); }
  GenerationTicket(const GenerationTicket&) = delete;
  GenerationTicket& operator=(const GenerationTicket&) = delete;

  Generation wait() override {
    task_->wait();
    return task_->generation();
  }
  void cancel() override { task_->cancel(); }

 private:
  std::shared_ptr<GenerationTask> task_;
};

// A request that failed before it reached the worker: this request only, not its siblings.
class FailedTicket final : public Ticket {
 public:
  explicit FailedTicket(Error error) : error_(std::move(error)) {}
  Generation wait() override { throw error_; }
  void cancel() override {}

 private:
  Error error_;
};

// Reads a prefix that is then pinned; writes nothing.
class PinTask final : public Task {
 public:
  explicit PinTask(std::vector<TokenId> prefix) {
    tokens = std::move(prefix);
    first_wanted = tokens.size() - 1;
    marks = {{.length = tokens.size(), .pinned = true}};
    usage.prompt = static_cast<std::int64_t>(tokens.size());
  }
  bool take(std::size_t, std::span<const float>) override { return false; }
  bool keeps_state() const override { return false; }
  void finish() override {}
};

// A quarter of the machine's memory, at least 256 MiB.
std::size_t default_state_budget() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  const auto least = std::size_t{256} << 20U;
  if (pages <= 0 || page <= 0) return least;
  return std::max(least, static_cast<std::size_t>(pages) / 4 * static_cast<std::size_t>(page));
}

BatchOptions batch_options(const LoadedModel& model, const EngineOptions& options) {
  if (options.max_batch_tokens < 1) {
    throw Error(ErrorCode::kInvalid, "engine: max_batch_tokens must be 1 or more");
  }
  return {.n_vocab = model.vocabulary_size(),
          .max_batch_tokens = options.max_batch_tokens,
          .state_budget_bytes =
              options.state_budget_bytes > 0 ? options.state_budget_bytes : default_state_budget(),
          .speculate = options.speculate};
}

std::int64_t parameter_count(const GgufFile& file) {
  std::int64_t count = 0;
  for (const TensorView& tensor : file.tensors()) count += tensor.row_length() * tensor.rows();
  return count;
}

// Our own key: an array of strings.
std::vector<std::string> trained_prompts(const GgufFile& file) {
  std::vector<std::string> hashes;
  const auto found = file.metadata().find("orkestra.prompts");
  if (found == file.metadata().end()) return hashes;
  const auto* array = std::get_if<GgufArray>(&found->second);
  const auto* texts = array ? std::get_if<std::vector<std::string_view>>(array) : nullptr;
  if (texts != nullptr) hashes.assign(texts->begin(), texts->end());
  return hashes;
}

}  // namespace

EmbeddedModel::EmbeddedModel(std::shared_ptr<const LoadedModel> model, const EngineOptions& options)
    : model_(std::move(model)),
      writable_(std::make_shared<const TokenSet>(text_tokens(model_->tokenizer()))),
      capabilities_{.id = model_->id(),
                    .kind = "embedded",
                    .context = model_->context_length(),
                    .parameters = parameter_count(model_->file()),
                    .constraints = true,
                    .scores_logits = true,
                    .prompts = trained_prompts(model_->file())},
      worker_(std::make_unique<CpuBackend>(model_->network(), kernels_named(options.kernels),
                                           options.threads, kv_type_named(options.kv)),
              batch_options(*model_, options)) {}

EncodedPrompt EmbeddedModel::encode(const Conversation& conversation) const {
  EncodedPrompt prompt = model_->chat_format().encode(conversation, model_->id());
  if (prompt.tokens.empty()) {
    throw Error(ErrorCode::kInvalid, "the conversation encodes to no token at all");
  }
  return prompt;
}

void EmbeddedModel::check_room(const EncodedPrompt& prompt, std::size_t room) const {
  const std::size_t needed = prompt.tokens.size() + room;
  if (needed > static_cast<std::size_t>(model_->context_length())) {
    throw Error(ErrorCode::kExhausted,
                "the prompt has " + std::to_string(prompt.tokens.size()) + " tokens and needs " +
                    std::to_string(room) + " more; the context of " + model_->id() + " holds " +
                    std::to_string(model_->context_length()) + ": shorten the conversation");
  }
}

std::vector<WritingPhase> EmbeddedModel::writing_phases(const GenerateRequest& request,
                                                        std::vector<DisabledTool>& disabled) const {
  std::vector<WritingPhase> phases;
  const Thinking& thinking = request.thinking;
  if (!thinking.end.empty()) {
    phases.push_back(
        {.matcher = ConstraintMatcher(ConstraintAutomaton::compile(Constraint::sequence(
             {Constraint::literal(thinking.begin), Constraint::text_without(thinking.end),
              Constraint::literal(thinking.end)}))),
         .max_tokens = static_cast<std::size_t>(std::max<std::int64_t>(0, thinking.max_tokens))});
  }
  const Constraint answer = without_bad_tools(request.constraint, disabled);
  phases.push_back({.matcher = ConstraintMatcher(
                        ConstraintAutomaton::compile(model_->chat_format().expand(answer)))});
  return phases;
}

std::vector<std::unique_ptr<Ticket>> EmbeddedModel::submit(std::vector<GenerateRequest> requests) {
  std::vector<std::unique_ptr<Ticket>> tickets;
  std::vector<std::shared_ptr<Task>> tasks;
  for (GenerateRequest& request : requests) {
    if (request.limits.max_tokens < 1) {
      throw Error(ErrorCode::kInvalid, "limits: max_tokens must be 1 or more");
    }
    try {
      EncodedPrompt prompt = encode(request.conversation);
      check_room(prompt, 1);
      std::vector<DisabledTool> disabled;
      std::vector<WritingPhase> phases = writing_phases(request, disabled);
      auto task =
          std::make_shared<GenerationTask>(model_, writable_, std::move(request), std::move(prompt),
                                           std::move(phases), std::move(disabled));
      tasks.push_back(task);
      tickets.push_back(std::make_unique<GenerationTicket>(std::move(task)));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kExhausted) throw;
      tickets.push_back(std::make_unique<FailedTicket>(error));
    }
  }
  worker_.submit(std::move(tasks));
  return tickets;
}

ScoreResult EmbeddedModel::score(const ScoreRequest& request) {
  const EncodedPrompt prompt = encode(request.conversation);
  ScoreResult result{.log_probability = std::vector<double>(request.choices.size(), 0.0),
                     .usage = {.prompt = static_cast<std::int64_t>(prompt.tokens.size())},
                     .method = "logits"};
  std::vector<std::shared_ptr<ScoreTask>> scored(request.choices.size());
  std::vector<std::shared_ptr<Task>> tasks;
  for (std::size_t i = 0; i < request.choices.size(); ++i) {
    std::vector<TokenId> choice = model_->tokenizer().encode(request.choices[i]);
    if (choice.empty()) continue;  // nothing to be said is certain
    check_room(prompt, choice.size());
    scored[i] = std::make_shared<ScoreTask>(writable_, prompt, std::move(choice));
    scored[i]->tenant = request.tenant;
    scored[i]->limits = request.limits;
    tasks.push_back(scored[i]);
  }
  worker_.submit(tasks);
  try {
    for (std::size_t i = 0; i < scored.size(); ++i) {
      if (!scored[i]) continue;
      scored[i]->wait();
      result.log_probability[i] = scored[i]->log_probability();
      // The first one computes what was not known; the others fork from it.
      if (scored[i] == tasks.front()) result.usage.reused = scored[i]->usage.reused;
    }
  } catch (...) {
    for (const auto& task : tasks) task->cancel();
    throw;
  }
  return result;
}

std::vector<TokenId> EmbeddedModel::prefix(const Conversation& conversation) const {
  EncodedPrompt prompt = encode(conversation);
  // The last mark is the whole prompt, the one before it the end of the last turn.
  if (prompt.marks.size() > 1) prompt.tokens.resize(prompt.marks[prompt.marks.size() - 2]);
  return std::move(prompt.tokens);
}

TokenUsage EmbeddedModel::pin(const Conversation& conversation, const std::string& tenant,
                              const Limits& limits) {
  std::vector<TokenId> tokens = prefix(conversation);
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  bool known = false;
  worker_.with_tree([&](StateTree& tree, Backend&) { known = tree.pin(tenant, tokens); });
  if (known) return {.prompt = n_tokens, .reused = n_tokens};
  check_room({.tokens = tokens, .marks = {}}, 0);
  const auto task = std::make_shared<PinTask>(std::move(tokens));
  task->tenant = tenant;
  task->limits = limits;
  worker_.submit({task});
  task->wait();
  return task->usage;
}

void EmbeddedModel::unpin(const Conversation& conversation, const std::string& tenant) {
  const std::vector<TokenId> tokens = prefix(conversation);
  worker_.with_tree([&](StateTree& tree, Backend&) { tree.unpin(tenant, tokens); });
}

const std::string& EmbeddedModel::weights() {
  std::call_once(weights_named_, [this] { weights_ = weights_fingerprint(model_->file()); });
  return weights_;
}

SavedStates EmbeddedModel::save(const std::filesystem::path& path, const SaveOptions& options) {
  return save_states(worker_, weights(), path, options);
}

SavedStates EmbeddedModel::load(const std::filesystem::path& path,
                                const std::optional<std::string>& tenant) {
  return load_states(worker_, weights(), path,
                     {.tenant = tenant,
                      .n_vocab = model_->vocabulary_size(),
                      .context_length = model_->context_length()});
}

std::unique_ptr<LanguageModel> make_embedded_model(std::shared_ptr<const Model> model,
                                                   const EngineOptions& options) {
  auto loaded = std::dynamic_pointer_cast<const LoadedModel>(std::move(model));
  if (!loaded) throw Error(ErrorCode::kInvalid, "engine: this model was not opened from a file");
  return std::make_unique<EmbeddedModel>(std::move(loaded), options);
}

}  // namespace orkestra::model
