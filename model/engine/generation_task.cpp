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

// Bytes of the UTF-8 character that begins with `lead`; 1 for a byte that begins none.
std::size_t character_length(unsigned char lead) {
  if (lead >= 0xF0 && lead < 0xF8) return 4;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  return 1;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  // Only the last three bytes can belong to an unfinished character.
  std::size_t cut = pending_.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, pending_.size()); ++back) {
    const auto byte = static_cast<unsigned char>(pending_[pending_.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    if (character_length(byte) > back) cut = pending_.size() - back;
    break;
  }
  std::string complete = pending_.substr(0, cut);
  pending_.erase(0, cut);
  return complete;
}

std::string Utf8Stream::finish() {
  return std::exchange(pending_, {}).empty() ? "" : "\xEF\xBF\xBD";
}

GenerationTask::GenerationTask(std::shared_ptr<const LoadedModel> model,
                               std::shared_ptr<const TokenSet> writable, GenerateRequest request,
                               EncodedPrompt prompt, ConstraintMatcher matcher)
    : model_(std::move(model)),
      writable_(std::move(writable)),
      on_text_(std::move(request.on_text)),
      on_progress_(std::move(request.on_progress)),
      writer_(model_->tokenizer(), model_->token_trie(), *writable_, std::move(matcher)),
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

void GenerationTask::hand_out(std::string_view text) {
  if (text.empty()) return;
  {
    const std::lock_guard lock(outbox_mutex_);
    text_out_ += text;
  }
  wake();
}

void GenerationTask::deliver() {
  delivered_.clear();
  std::int64_t progress = -1;
  {
    const std::lock_guard lock(outbox_mutex_);
    delivered_.swap(text_out_);
    std::swap(progress, progress_out_);
  }
  if (progress >= 0) on_progress_(progress, usage.prompt);
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
  const std::string_view bytes = model_->tokenizer().bytes(next.id);
  tokens.push_back(next.id);
  ids_.push_back(next.id);
  written_ += bytes;
  ++usage.generated;
  generation_.log_probability += next.log_probability;
  if (on_text_) hand_out(stream_.push(bytes));
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

void GenerationTask::finish() {
  if (on_text_) hand_out(stream_.finish());
  generation_.turn = model_->chat_format().parse(written_);
  generation_.turn.role = Role::kAssistant;
  generation_.turn.generated =
      std::make_shared<const GeneratedTokens>(GeneratedTokens{model_->id(), std::move(ids_)});
  generation_.usage = usage;
}

}  // namespace orkestra::model
