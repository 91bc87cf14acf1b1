// One step of the worker: what goes into it, and what comes of it.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <utility>

namespace orkestra::model {
namespace {

// A task that has no more than this to add before its next logits is served like a writing one.
constexpr std::size_t kShortTail = 16;
constexpr std::size_t kSmallStep = 24;    // tokens; such steps are bound by memory, not arithmetic
constexpr std::size_t kLeastPrompt = 32;  // prompt tokens of a step, however slow the machine
constexpr std::size_t kFirstStep = 64;    // before anything is known about time
constexpr double kAloneFactor = 4.0;      // a step that nobody shares may take so much longer

}  // namespace

// Tokens of a step: as many as the time allows, never so few that the weights are read in vain.
std::size_t BatchWorker::step_limit(std::size_t n_writing) const {
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, options_.max_batch_tokens));
  const bool alone = active_.size() == 1;
  const double seconds = options_.step_seconds * (alone ? kAloneFactor : 1.0);
  const std::size_t n = large_steps_.known() ? large_steps_.tokens_within(seconds) : kFirstStep;
  return std::min(most, std::max(n, n_writing + kLeastPrompt));
}

// How many of the next n tokens the next chunk takes: up to the next mark or interval.
std::size_t BatchWorker::cut(const Active& active, std::size_t n) const {
  const Task& task = *active.task;
  const auto mark =
      std::upper_bound(task.marks.begin(), task.marks.end(), active.fed,
                       [](std::size_t length, const Mark& m) { return length < m.length; });
  if (mark != task.marks.end()) n = std::min(n, mark->length - active.fed);
  const std::size_t next = (active.fed / active.interval + 1) * active.interval;
  if (next < task.first_wanted) n = std::min(n, next - active.fed);
  return n;
}

// What writing tasks have to add first; then a share of every prompt in progress.
void BatchWorker::plan() {
  planned_.clear();
  chunks_.clear();
  shares_.clear();
  const auto writes = [](const Active& active) {
    const Task& task = *active.task;
    return task.first_wanted + 1 == task.tokens.size() &&
           task.tokens.size() - active.fed <= kShortTail;
  };
  std::size_t n_writing = 0;
  int highest = INT32_MIN;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const Active& active = active_[i];
    if (!active.task || !active.state) continue;
    if (writes(active)) {
      ++n_writing;
      continue;
    }
    highest = std::max(highest, active.task->priority);
    shares_.push_back(
        {.active = i, .wanted = cut(active, active.task->tokens.size() - active.fed)});
  }
  std::size_t left = step_limit(n_writing);
  for (std::size_t i = 0; i < active_.size() && left > 0; ++i) {
    Active& active = active_[i];
    if (!active.task || !active.state || !writes(active)) continue;
    const std::size_t tail = active.task->tokens.size() - active.fed;
    const std::size_t n = std::min(cut(active, tail), left);
    active.guessing.clear();
    const bool marked = !active.task->marks.empty() &&
                        active.task->marks.back().length == active.task->tokens.size();
    if (n == tail && !marked && options_.speculate) {
      guess(active, n_writing, left - n);
    }
    plan_chunk(i, n, active.guessing.empty() ? 0 : active.guessing.size() - tail);
    left -= n + planned_.back().n_guessed;
  }
  // A step of priority more doubles the share.
  for (PromptShare& share : shares_) {
    const int below = std::clamp(highest - active_[share.active].task->priority, 0, 6);
    share.weight = std::ldexp(1.0, -below);
  }
  share_tokens(shares_, left);
  for (const PromptShare& share : shares_) {
    if (share.given > 0) plan_chunk(share.active, share.given, 0);
  }
  while (!planned_.empty() && !fit_budget()) {
  }
}

void BatchWorker::plan_chunk(std::size_t index, std::size_t n, std::size_t n_guessed) {
  const Active& active = active_[index];
  const Task& task = *active.task;
  const std::size_t fed = active.fed + n;
  std::size_t n_logits =
      fed > task.first_wanted ? fed - std::max(task.first_wanted, active.fed) : 0;
  for (const Mark& mark : task.marks) {
    if (mark.length == fed && mark.with_logits) n_logits = std::max<std::size_t>(n_logits, 1);
  }
  n_logits += n_guessed;
  planned_.push_back(
      {.active = index, .n_tokens = n + n_guessed, .n_logits = n_logits, .n_guessed = n_guessed});
  const std::span<const TokenId> tokens =
      n_guessed > 0 ? std::span<const TokenId>(active.guessing)
                    : std::span<const TokenId>(task.tokens).subspan(active.fed, n);
  chunks_.push_back(
      {.state = *active.state, .tokens = tokens, .n_logits = static_cast<std::int64_t>(n_logits)});
}

// Fills `guessing` with the tokens still to be fed and guesses behind them; leaves it empty when
// guessing doesn't pay or there is no room for the state that is kept meanwhile.
void BatchWorker::guess(Active& active, std::size_t n_writing, std::size_t most) {
  const Task& task = *active.task;
  const auto tail = std::span(task.tokens).subspan(active.fed);
  active.guessing.assign(tail.begin(), tail.end());
  task.draft(std::min(most, DraftControl::kMost), active.guessing);
  std::size_t n = active.guessing.size() - tail.size();
  if (n > 0) n = std::min(n, active.drafts.choose(small_steps_, n_writing, copy_seconds_));
  active.guessing.resize(tail.size() + n);
  if (n > 0 && tree_.has_room(backend_->copy_bytes(*active.state))) {
    const SteadyTime begin = options_.now();
    active.kept = backend_->copy_state(*active.state);
    active.kept_fed = active.fed;
    copy_seconds_ = std::chrono::duration<double>(options_.now() - begin).count();
    return;
  }
  active.guessing.clear();
}

// False when a task had to leave the step for want of room; then it must be looked at again.
bool BatchWorker::fit_budget() {
  std::size_t bytes = 0;
  for (const StepChunk& chunk : chunks_) {
    bytes += backend_->growth_bytes(chunk.state, chunk.tokens.size());
  }
  if (tree_.make_room(bytes)) return true;
  for (std::size_t i = active_.size(); i-- > 0;) {
    Active& active = active_[i];
    if (!active.task || !active.state || !others_run(active)) continue;
    preempt(active);
    for (std::size_t p = 0; p < planned_.size(); ++p) {
      if (planned_[p].active != i) continue;
      planned_.erase(planned_.begin() + static_cast<std::ptrdiff_t>(p));
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(p));
      break;
    }
    return false;
  }
  Active& last = active_[planned_.front().active];
  planned_.clear();
  chunks_.clear();
  no_room(last);
  return false;
}

void BatchWorker::preempt(Active& active) {
  ++work_.preemptions;
  if (active.kept) backend_->release_state(*active.kept);
  active.kept.reset();
  backend_->release_state(*active.state);
  active.state.reset();
  active.fed = 0;
  active.no_room_since = ended_count_;
}

void BatchWorker::compute() {
  const SteadyTime begin = options_.now();
  try {
    backend_->step(chunks_, logits_);
  } catch (...) {
    for (const Planned& planned : planned_) {
      end(active_[planned.active], std::current_exception(), false);
    }
    return;
  }
  std::size_t n_tokens = 0;
  for (const Planned& planned : planned_) n_tokens += planned.n_tokens;
  const double seconds = std::chrono::duration<double>(options_.now() - begin).count();
  (n_tokens <= kSmallStep ? small_steps_ : large_steps_).record(n_tokens, seconds);
  ++work_.steps;
  work_.tokens_computed += static_cast<std::int64_t>(n_tokens);
  const float* row = logits_.data();
  for (const Planned& planned : planned_) {
    Active& active = active_[planned.active];
    try {
      take_logits(active, planned, row);
    } catch (...) {
      // Guesses may be in the state; what was before them is sound.
      if (active.task) settle_guesses(active, false);
      end(active, std::current_exception(), true);
    }
    row += static_cast<std::ptrdiff_t>(planned.n_logits) * options_.n_vocab;
  }
}

void BatchWorker::take_logits(Active& active, const Planned& planned, const float* logits) {
  Task& task = *active.task;
  const auto n_vocab = static_cast<std::size_t>(options_.n_vocab);
  const std::size_t before = active.fed;
  const std::size_t end_position = before + planned.n_tokens;
  const float* last = logits + planned.n_logits * n_vocab;  // behind the last row
  active.fed = end_position - planned.n_guessed;
  if (planned.n_guessed == 0) keep_at_mark(active, planned.n_logits > 0 ? last - n_vocab : nullptr);
  if (active.fed <= static_cast<std::size_t>(task.usage.prompt)) task.progressed(active.fed);
  std::size_t n_true = 0;
  bool more = true;
  while (more && task.first_wanted < active.fed) {
    const std::size_t position = task.first_wanted++;
    more = task.take(position, {last - (end_position - position) * n_vocab, n_vocab});
    // A guess that came true is in the state already.
    while (n_true < planned.n_guessed && active.fed < task.tokens.size() &&
           task.tokens[active.fed] == active.guessing[active.fed - before]) {
      ++active.fed;
      ++n_true;
    }
  }
  if (planned.n_guessed > 0) {
    active.drafts.observe(planned.n_guessed, n_true);
    work_.tokens_guessed += static_cast<std::int64_t>(planned.n_guessed);
    work_.guesses_true += static_cast<std::int64_t>(n_true);
    settle_guesses(active, n_true == planned.n_guessed);
  }
  if (more) return;
  task.finish();
  end(active, nullptr, true);
}

// Goes back to the state before the guesses unless all of them came true.
void BatchWorker::settle_guesses(Active& active, bool all_true) {
  if (!active.kept) return;
  if (!all_true) {
    std::swap(*active.kept, *active.state);
    active.fed = active.kept_fed;
  }
  backend_->release_state(*active.kept);
  active.kept.reset();
}

void BatchWorker::keep_at_mark(Active& active, const float* last) {
  Task& task = *active.task;
  const auto n_vocab = static_cast<std::size_t>(options_.n_vocab);
  const auto mark =
      std::lower_bound(task.marks.begin(), task.marks.end(), active.fed,
                       [](const Mark& m, std::size_t length) { return m.length < length; });
  if (mark == task.marks.end() || mark->length != active.fed) {
    const bool at_interval = active.fed % active.interval == 0;
    if (at_interval && active.fed < task.first_wanted) {
      tree_.offer_copy(task.tenant, prefix(active, active.fed), *active.state);
    }
    return;
  }
  SharedLogits logits;
  if (last != nullptr) logits = std::make_shared<const std::vector<float>>(last, last + n_vocab);
  const auto tokens = prefix(active, active.fed);
  const bool kept = tree_.store_copy(task.tenant, tokens, *active.state, logits);
  if (!mark->pinned || active.pinned > 0) return;
  if (kept && tree_.pin(task.tenant, tokens)) {
    active.pinned = active.fed;
  } else {
    throw Error(ErrorCode::kExhausted,
                "a prompt of " + std::to_string(active.fed) +
                    " tokens can't be pinned: the budget for model states has no room for it");
  }
}

}  // namespace orkestra::model
