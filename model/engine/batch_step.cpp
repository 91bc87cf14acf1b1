// The worker's steps: what goes into them, and what comes of them.

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
// Steps of prompts. Shorter ones read the weights in vain: 3 % slower at 128 tokens than at 512 was
// the worst measured. Longer ones keep newcomers waiting.
constexpr std::size_t kLeastReading = 128;
constexpr double kReadingSeconds = 1.0;

}  // namespace

std::size_t BatchWorker::reading_limit() const {
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, options_.max_batch_tokens));
  const std::size_t n =
      reading_cost_.known() ? reading_cost_.tokens_within(kReadingSeconds) : kLeastReading;
  return std::min(most, std::max(n, kLeastReading));
}

bool BatchWorker::writes(const Active& active) {
  const Task& task = *active.task;
  return task.first_wanted + 1 == task.tokens.size() &&
         task.tokens.size() - active.fed <= kShortTail;
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

void BatchWorker::plan_writing() {
  Step& step = writing_;
  step.planned.clear();
  step.chunks.clear();
  const auto ready = [](const Active& active) {
    return active.task && active.state && active.reading == 0 && writes(active);
  };
  const auto n_writing =
      static_cast<std::size_t>(std::count_if(active_.begin(), active_.end(), ready));
  auto left = static_cast<std::size_t>(std::max<std::int64_t>(1, options_.max_batch_tokens));
  for (std::size_t i = 0; i < active_.size() && left > 0; ++i) {
    Active& active = active_[i];
    if (!ready(active)) continue;
    const std::size_t tail = active.task->tokens.size() - active.fed;
    const std::size_t n = std::min(cut(active, tail), left);
    active.guessing.clear();
    active.likely = -1;
    const bool marked = !active.task->marks.empty() &&
                        active.task->marks.back().length == active.task->tokens.size();
    if (n == tail && !marked && options_.speculate) {
      guess(active, n_writing, left - n);
    }
    plan_chunk(step, i, n, active.guessing.empty() ? 0 : active.guessing.size() - tail);
    left -= n + step.planned.back().n_guessed;
  }
  while (!step.planned.empty() && !fit_budget(step)) {
  }
}

// A share of every prompt in progress.
void BatchWorker::plan_reading() {
  Step& step = reading_;
  step.planned.clear();
  step.chunks.clear();
  shares_.clear();
  int highest = INT32_MIN;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const Active& active = active_[i];
    if (!active.task || !active.state || writes(active)) continue;
    highest = std::max(highest, active.task->priority);
    shares_.push_back(
        {.active = i, .wanted = cut(active, active.task->tokens.size() - active.fed)});
  }
  // A step of priority more doubles the share.
  for (PromptShare& share : shares_) {
    const int below = std::clamp(highest - active_[share.active].task->priority, 0, 6);
    share.weight = std::ldexp(1.0, -below);
  }
  share_tokens(shares_, reading_limit());
  for (const PromptShare& share : shares_) {
    if (share.given > 0) plan_chunk(step, share.active, share.given, 0);
  }
  while (!step.planned.empty() && !fit_budget(step)) {
  }
}

void BatchWorker::plan_chunk(Step& step, std::size_t index, std::size_t n, std::size_t n_guessed) {
  const Active& active = active_[index];
  const Task& task = *active.task;
  const std::size_t fed = active.fed + n;
  std::size_t n_logits =
      fed > task.first_wanted ? fed - std::max(task.first_wanted, active.fed) : 0;
  for (const Mark& mark : task.marks) {
    if (mark.length == fed && mark.with_logits) n_logits = std::max<std::size_t>(n_logits, 1);
  }
  n_logits += n_guessed;
  step.planned.push_back(
      {.active = index, .n_tokens = n + n_guessed, .n_logits = n_logits, .n_guessed = n_guessed});
  const std::span<const TokenId> tokens =
      n_guessed > 0 ? std::span<const TokenId>(active.guessing)
                    : std::span<const TokenId>(task.tokens).subspan(active.fed, n);
  step.chunks.push_back(
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
  if (n > 0) {
    active.likely = active.guessing[tail.size()];
    n = std::min(n, active.drafts.choose(writing_times_, n_writing, copy_seconds_));
  }
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

std::size_t BatchWorker::growth_of(const Step& step, const Backend& backend) {
  std::size_t bytes = 0;
  for (const StepChunk& chunk : step.chunks) {
    bytes += backend.growth_bytes(chunk.state, chunk.tokens.size());
  }
  return bytes;
}

// False when a task had to leave the step for want of room; then it must be looked at again.
bool BatchWorker::fit_budget(Step& step) {
  if (tree_.make_room(growth_of(step, *backend_))) return true;
  for (std::size_t i = active_.size(); i-- > 0;) {
    Active& active = active_[i];
    if (!active.task || !active.state || active.reading > 0 || !others_run(active)) continue;
    preempt(active);
    for (std::size_t p = 0; p < step.planned.size(); ++p) {
      if (step.planned[p].active != i) continue;
      step.planned.erase(step.planned.begin() + static_cast<std::ptrdiff_t>(p));
      step.chunks.erase(step.chunks.begin() + static_cast<std::ptrdiff_t>(p));
      break;
    }
    return false;
  }
  Active& last = active_[step.planned.front().active];
  step.planned.clear();
  step.chunks.clear();
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

// Copies of the states before a step that may be abandoned, where there is room for them.
void BatchWorker::keep_before(Step& step) {
  for (const Planned& planned : step.planned) {
    Active& active = active_[planned.active];
    if (planned.n_tokens <= kShortTail || active.kept) continue;
    if (!tree_.has_room(backend_->copy_bytes(*active.state) + growth_of(step, *backend_))) return;
    active.kept = backend_->copy_state(*active.state);
    active.kept_fed = active.fed;
    // What the two share has to be copied before it is written to.
    if (tree_.has_room(growth_of(step, *backend_))) continue;
    backend_->release_state(*active.kept);
    active.kept.reset();
    return;
  }
}

void BatchWorker::write() {
  plan_writing();
  if (writing_.planned.empty()) return;
  compute(writing_, false);
}

void BatchWorker::read() {
  plan_reading();
  if (reading_.planned.empty()) return;
  keep_before(reading_);
  for (const Planned& planned : reading_.planned) {
    active_[planned.active].reading = planned.n_tokens;
  }
  compute(reading_, true);
}

// Between two layers of a step of prompts. False: it is of no use any more.
bool BatchWorker::interlude() {
  const SteadyTime begin = options_.now();
  if (!collect(false)) return false;
  obey();
  reap();
  start_all();
  // Those who read get at least as much time as those who write.
  const double since = std::chrono::duration<double>(begin - wrote_at_).count();
  if (since >= std::max(options_.step_seconds, writing_seconds_)) write();
  publish();
  interlude_seconds_ += std::chrono::duration<double>(options_.now() - begin).count();
  return std::any_of(reading_.planned.begin(), reading_.planned.end(),
                     [&](const Planned& planned) { return !active_[planned.active].leaving; });
}

void BatchWorker::compute(Step& step, bool pausing) {
  const SteadyTime begin = options_.now();
  bool completed = true;
  std::exception_ptr error;
  try {
    if (pausing) {
      interlude_seconds_ = 0.0;
      tree_.reserve(growth_of(step, *backend_));
      completed = backend_->long_step(step.chunks, step.logits, [this] { return interlude(); });
    } else {
      backend_->step(step.chunks, step.logits);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (pausing) {
    tree_.reserve(0);
    for (const Planned& planned : step.planned) active_[planned.active].reading = 0;
  }
  if (error) {
    for (const Planned& planned : step.planned) end(active_[planned.active], error, false);
    return;
  }
  if (!completed) return abandon(step);
  std::size_t n_tokens = 0;
  for (const Planned& planned : step.planned) n_tokens += planned.n_tokens;
  const double seconds = std::chrono::duration<double>(options_.now() - begin).count();
  ++work_.steps;
  work_.tokens_computed += static_cast<std::int64_t>(n_tokens);
  if (pausing) {
    reading_cost_.record(n_tokens, seconds - interlude_seconds_);
  } else {
    writing_times_.record(n_tokens, seconds);
  }
  const float* row = step.logits.data();
  for (const Planned& planned : step.planned) {
    Active& active = active_[planned.active];
    try {
      take_logits(active, planned, row);
    } catch (...) {
      // Guesses may be in the state; what was before them is sound.
      if (active.task) go_back(active, planned.n_guessed > 0);
      end(active, std::current_exception(), true);
    }
    row += static_cast<std::ptrdiff_t>(planned.n_logits) * options_.n_vocab;
  }
  if (pausing) return;
  wrote_at_ = options_.now();
  writing_seconds_ = seconds;
}

// Its states are unusable; where there is a copy from before, that is what remains.
void BatchWorker::abandon(const Step& step) {
  ++work_.abandoned;
  for (const Planned& planned : step.planned) {
    Active& active = active_[planned.active];
    const bool sound = active.kept.has_value();
    go_back(active, true);
    // Without anybody's leave only when the worker is being closed, which ends all of them.
    if (active.leaving) end(active, active.leaving, sound);
  }
}

void BatchWorker::take_logits(Active& active, const Planned& planned, const float* logits) {
  Task& task = *active.task;
  const auto n_vocab = static_cast<std::size_t>(options_.n_vocab);
  const std::size_t before = active.fed;
  const std::size_t end_position = before + planned.n_tokens;
  const float* last = logits + planned.n_logits * n_vocab;  // behind the last row
  active.fed = end_position - planned.n_guessed;
  if (active.leaving) {
    go_back(active, false);
    end(active, active.leaving, true);
    return;
  }
  if (planned.n_guessed == 0) keep_at_mark(active, planned.n_logits > 0 ? last - n_vocab : nullptr);
  if (active.fed <= static_cast<std::size_t>(task.usage.prompt)) task.progressed(active.fed);
  const std::size_t n_said = task.tokens.size();
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
    active.drafts.settle(writing_times_, writing_.planned.size(), copy_seconds_, planned.n_guessed,
                         n_true);
    work_.tokens_guessed += static_cast<std::int64_t>(planned.n_guessed);
    work_.guesses_true += static_cast<std::int64_t>(n_true);
    go_back(active, n_true < planned.n_guessed);
  } else {
    go_back(active, false);
    if (active.likely >= 0 && task.tokens.size() == n_said + 1) {
      active.drafts.watch(task.tokens.back() == active.likely);
    }
  }
  if (more) return;
  task.finish();
  end(active, nullptr, true);
}

// Settles for the state as it is, or for the one kept from before the step.
void BatchWorker::go_back(Active& active, bool to_kept) {
  if (!active.kept) return;
  if (to_kept) {
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
