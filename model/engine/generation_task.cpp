#include <orkestra/core/error.h>
#include <orkestra/model/engine/generation_task.h>
#include <orkestra/model/engine/speculation.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::int64_t kReservedTokens = 8192;
constexpr std::size_t kBytesPerToken = 8;
constexpr std::size_t kOutboxBytes = 4096;  // what a reader may be late by before it costs memory
constexpr std::size_t kMaxForced = 12;  // in one step: what the worker serves like a single token

// None where nobody listens and no stop string is looked for.
std::optional<TextStream> stream_for(const ChatTraits& traits, const GenerateRequest& request,
                                     bool in_reasoning) {
  if (!request.on_text && !request.on_reasoning && request.stop.empty()) return std::nullopt;
  const bool tools = !request.conversation.tools().empty();
  return TextStream(stream_options(traits, request.stop, in_reasoning, tools));
}

}  // namespace

GenerationTask::GenerationTask(std::shared_ptr<const LoadedModel> model,
                               std::shared_ptr<const TokenSet> writable, GenerateRequest request,
                               EncodedPrompt prompt, std::vector<WritingPhase> phases,
                               std::vector<DisabledTool> disabled_tools)
    : model_(std::move(model)),
      writable_(std::move(writable)),
      has_tools_(!request.conversation.tools().empty()),
      opening_(prompt.opening),
      stream_(stream_for(model_->chat_format().traits(), request, prompt.opening > 0)),
      on_text_(std::move(request.on_text)),
      on_reasoning_(std::move(request.on_reasoning)),
      on_progress_(std::move(request.on_progress)),
      writer_(model_->tokenizer(), model_->token_trie(), *writable_, std::move(phases)),
      sampler_(request.sampling) {
  tenant = std::move(request.tenant);
  priority = request.priority;
  limits = request.limits;
  tokens = std::move(prompt.tokens);
  first_wanted = tokens.size() - 1;
  for (const std::size_t length : prompt.marks) {
    if (length > 0 && length <= tokens.size()) marks.push_back({.length = length});
  }
  usage.prompt = static_cast<std::int64_t>(tokens.size());
  sink_ = [this](TextStream::Part part, std::string_view text) { hand_out(part, text); };
  // Nothing is allocated per token.
  const auto room =
      static_cast<std::size_t>(std::clamp<std::int64_t>(limits.max_tokens, 0, kReservedTokens));
  tokens.reserve(tokens.size() + room);
  ids_.reserve(room);
  written_.reserve(room * kBytesPerToken);
  if (on_text_) {
    text_out_.reserve(kOutboxBytes);
    delivered_.reserve(kOutboxBytes);
  }
  generation_.disabled_tools = std::move(disabled_tools);
  check_least();
}

std::size_t GenerationTask::tokens_left() const {
  const std::int64_t wanted = limits.max_tokens - usage.generated;
  const std::int64_t room = model_->context_length() - static_cast<std::int64_t>(tokens.size());
  return static_cast<std::size_t>(std::max<std::int64_t>(0, std::min(wanted, room)));
}

void GenerationTask::check_least() const {
  const auto least = static_cast<std::int64_t>(writer_.least_tokens());
  if (least > limits.max_tokens) {
    throw Error(ErrorCode::kInvalid,
                "limits: max_tokens is " + std::to_string(limits.max_tokens) +
                    ", but the shortest text that the constraint allows takes " +
                    std::to_string(least) + " tokens");
  }
  if (least > static_cast<std::int64_t>(tokens_left())) {
    throw Error(ErrorCode::kExhausted,
                "the shortest text that the constraint allows takes " + std::to_string(least) +
                    " tokens; behind the prompt the context has room for " +
                    std::to_string(tokens_left()) + ": shorten the conversation");
  }
}

void GenerationTask::draft(std::size_t most, std::vector<TokenId>& out) const {
  look_up_draft(tokens, most, out);
}

void GenerationTask::progressed(std::size_t n_tokens) {
  if (!on_progress_) return;
  {
    const std::lock_guard lock(outbox_mutex_);
    progress_out_ = static_cast<std::int64_t>(n_tokens);
  }
  wake();
}

void GenerationTask::hand_out(TextStream::Part part, std::string_view text) {
  const bool reasoning = part == TextStream::Part::kReasoning;
  if (text.empty() || !(reasoning ? on_reasoning_ : on_text_)) return;
  {
    const std::lock_guard lock(outbox_mutex_);
    (reasoning ? reasoning_out_ : text_out_) += text;
  }
  wake();
}

void GenerationTask::deliver() {
  delivered_.clear();
  delivered_reasoning_.clear();
  std::int64_t progress = -1;
  {
    const std::lock_guard lock(outbox_mutex_);
    delivered_.swap(text_out_);
    delivered_reasoning_.swap(reasoning_out_);
    std::swap(progress, progress_out_);
  }
  if (progress >= 0) on_progress_(progress, usage.prompt);
  if (!delivered_reasoning_.empty()) on_reasoning_(delivered_reasoning_);  // before the answer
  if (!delivered_.empty()) on_text_(delivered_);
}

bool GenerationTask::take(std::size_t, std::span<const float> logits) {
  const SampledToken next = writer_.pick(sampler_, logits, tokens_left());
  const std::vector<TokenId>& stops = model_->tokenizer().stops();
  if (std::find(stops.begin(), stops.end(), next.id) != stops.end()) {
    generation_.finish = FinishReason::kStop;
    return false;
  }
  if (next.id < 0) {
    generation_.finish = FinishReason::kLength;
    return false;
  }
  generation_.log_probability += next.log_probability;
  if (!write(next.id)) return false;
  // What can only be one thing needs no logits: it is computed together with the next token.
  for (const TokenId id : writer_.take_forced(tokens_left(), kMaxForced)) {
    ++usage.forced;
    ++first_wanted;
    if (!write(id)) return false;
  }
  if (writer_.at_end()) {
    generation_.finish = FinishReason::kConstraint;
    return false;
  }
  if (tokens_left() == 0) {
    generation_.finish = FinishReason::kLength;
    return false;
  }
  return true;
}

bool GenerationTask::write(TokenId id) {
  const std::string_view bytes = model_->tokenizer().bytes(id);
  tokens.push_back(id);
  ids_.push_back(id);
  written_ += bytes;
  ++usage.generated;
  if (!stream_ || stream_->push(bytes, sink_)) return true;
  generation_.finish = FinishReason::kStop;
  return false;
}

void GenerationTask::finish() {
  // Ids behind a stop string are none of the turn's; which ids end before it can't be told.
  const bool cut = stream_ && stream_->stopped();
  if (cut) written_.resize(stream_->kept());
  WrittenTurn read = model_->chat_format().read(written_, opening_ > 0, has_tools_);
  if (stream_) {
    stream_->finish(sink_);
    // What looked like a call and is none is text.
    if (read.turn.tool_calls.empty()) hand_out(TextStream::Part::kAnswer, stream_->call());
  }
  generation_.turn = std::move(read.turn);
  generation_.damaged_calls = std::move(read.damaged);
  generation_.turn.role = Role::kAssistant;
  if (!cut) {
    std::vector<TokenId> ids(tokens.end() - static_cast<std::ptrdiff_t>(ids_.size() + opening_),
                             tokens.end());
    generation_.turn.generated =
        std::make_shared<const GeneratedTokens>(GeneratedTokens{model_->id(), std::move(ids)});
  }
  generation_.usage = usage;
}

}  // namespace orkestra::model
