// The worker's thread: who is in, who starts from what, who ends how. What a step holds and what
// comes of it is in batch_step.cpp.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace orkestra::model {
namespace {

// A gain shorter than this is computed again rather than waited for, unless it is all there is.
constexpr std::size_t kWorthWaiting = 4;
// Snapshots along one prompt may take this part of the budget.
constexpr std::size_t kIntervalShare = 8;
constexpr std::size_t kMostAtOnce = 64;  // tokens of a chunk with guesses, far more than any has
constexpr std::size_t kPageTokens = 64;  // snapshots at multiples of it share whole pages

}  // namespace

BatchWorker::BatchWorker(std::unique_ptr<Backend> backend, const BatchOptions& options)
    : options_(options),
      backend_(std::move(backend)),
      tree_(*backend_, options.state_budget_bytes),
      thread_([this] { run(); }) {}

BatchWorker::~BatchWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  submitted_.notify_all();
  thread_.join();
}

void BatchWorker::submit(std::vector<std::shared_ptr<Task>> tasks) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& task : tasks) queue_.push_back(std::move(task));
    std::stable_sort(queue_.begin(), queue_.end(),
                     [](const auto& a, const auto& b) { return a->priority > b->priority; });
  }
  submitted_.notify_all();
}

void BatchWorker::with_tree(const std::function<void(StateTree&, Backend&)>& use) {
  Command command{.use = &use};
  std::unique_lock lock(mutex_);
  commands_.push_back(&command);
  submitted_.notify_all();
  obeyed_.wait(lock, [&] { return command.done; });
  if (command.error) std::rethrow_exception(command.error);
}

BatchWorker::Counts BatchWorker::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void BatchWorker::run() {
  while (collect(true)) {
    obey();
    try {
      pass();
    } catch (...) {
      // Not one task's fault (a step that threw ends only the tasks in it): nothing is known
      // about any state any more.
      for (Active& active : active_) end(active, std::current_exception(), false);
      active_.clear();
    }
    publish();
  }
  const auto closed = std::make_exception_ptr(
      Error(ErrorCode::kCancelled, "the model was closed before the call was done"));
  for (Active& active : active_) end(active, closed, false);
  publish();
  const std::lock_guard lock(mutex_);
  for (const auto& task : queue_) task->fail(closed);
}

void BatchWorker::obey() {
  std::vector<Command*> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (Command* command : commands) {
    try {
      (*command->use)(tree_, *backend_);
    } catch (...) {
      command->error = std::current_exception();
    }
    // As with tasks: whoever sees it done sees what it left.
    work_.tree = tree_.counts();
    const std::lock_guard lock(mutex_);
    counts_ = work_;
    command->done = true;
    obeyed_.notify_all();
  }
}

// Counts first: whoever sees a task end sees what it took.
void BatchWorker::publish() {
  work_.tree = tree_.counts();
  {
    const std::lock_guard lock(mutex_);
    counts_ = work_;
  }
  for (Ended& ended : ended_) {
    if (ended.error) {
      ended.task->fail(std::move(ended.error));
    } else {
      ended.task->succeed();
    }
  }
  ended_.clear();
}

bool BatchWorker::collect(bool may_wait) {
  std::unique_lock lock(mutex_);
  if (may_wait) {
    submitted_.wait(lock, [&] {
      return stopping_ || !queue_.empty() || !active_.empty() || !commands_.empty();
    });
  }
  if (stopping_) return false;
  std::erase_if(queue_, [](const std::shared_ptr<Task>& task) {
    try {
      task->check();
      return false;
    } catch (...) {
      task->fail(std::current_exception());
      return true;
    }
  });
  if (queue_.empty() && (in_order_ || !may_wait)) return true;
  const std::size_t most = std::max<std::size_t>(
      1, std::min(options_.max_active, static_cast<std::size_t>(options_.max_batch_tokens)));
  const std::size_t n = std::min(queue_.size(), most - std::min(most, active_.size()));
  for (std::size_t i = 0; i < n; ++i) active_.push_back({.task = std::move(queue_[i])});
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
  in_order_ = may_wait;
  if (!in_order_) return true;  // a step in progress knows them by their places
  std::stable_sort(active_.begin(), active_.end(), [](const Active& a, const Active& b) {
    return a.task->priority > b.task->priority;
  });
  return true;
}

void BatchWorker::pass() {
  reap();
  start_all();
  write();
  read();
  std::erase_if(active_, [](const Active& active) { return !active.task; });
}

void BatchWorker::reap() {
  for (Active& active : active_) {
    if (!active.task || active.leaving) continue;
    try {
      active.task->check();
    } catch (...) {
      end(active, std::current_exception(), true);
    }
  }
}

void BatchWorker::start_all() {
  for (Active& active : active_) {
    if (active.task && !active.state && !wait_for_sibling(active)) start(active);
  }
}

std::span<const TokenId> BatchWorker::prefix(const Active& active, std::size_t length) const {
  return std::span(active.task->tokens).first(length);
}

bool BatchWorker::others_run(const Active& active) const {
  return std::any_of(active_.begin(), active_.end(), [&](const Active& other) {
    return &other != &active && other.task && other.state;
  });
}

// True when a task in progress will reach a longer prefix of this one's prompt than the tree has.
// It is made to keep its state there.
bool BatchWorker::wait_for_sibling(const Active& active) {
  const Task& task = *active.task;
  const std::size_t wanted = task.first_wanted + 1;
  const std::size_t known = tree_.known(task.tenant, prefix(active, wanted));
  for (const Active& other : active_) {
    if (!other.task || !other.state || other.leaving) continue;
    if (other.task->tenant != task.tenant) continue;
    Task& sibling = *other.task;
    const std::size_t most = std::min(wanted, sibling.first_wanted + 1);
    const std::span<const TokenId> mine = prefix(active, most);
    const auto shared = static_cast<std::size_t>(
        std::mismatch(mine.begin(), mine.end(), sibling.tokens.begin()).first - mine.begin());
    if (shared <= known) continue;
    if (other.reading == 0 ? shared <= other.fed : shared < other.fed + other.reading) {
      // Too late to stop there; but there may be a state from before the step.
      const bool gain = other.kept && other.kept_fed <= shared && other.kept_fed < wanted &&
                        other.kept_fed > known + kWorthWaiting;
      if (gain &&
          tree_.store_copy(task.tenant, prefix(other, other.kept_fed), *other.kept, nullptr)) {
        return wait_for_sibling(active);
      }
      continue;
    }
    if (shared < known + kWorthWaiting && shared != wanted) continue;
    auto mark =
        std::lower_bound(sibling.marks.begin(), sibling.marks.end(), shared,
                         [](const Mark& m, std::size_t length) { return m.length < length; });
    if (mark == sibling.marks.end() || mark->length != shared) {
      mark = sibling.marks.insert(mark, {.length = shared});
    }
    mark->with_logits |= shared == wanted;
    return true;
  }
  return false;
}

void BatchWorker::start(Active& active) {
  Task& task = *active.task;
  const bool others = others_run(active);
  if (others && active.no_room_since == ended_count_) return;
  try {
    const auto wanted = prefix(active, task.first_wanted + 1);
    const auto found = tree_.find(task.tenant, wanted);
    const std::size_t length = found ? found->length : 0;
    const auto pinned = std::find_if(task.marks.begin(), task.marks.end(), [&](const Mark& mark) {
      return mark.pinned && mark.length == length;
    });
    if (pinned != task.marks.end() && active.pinned == 0 &&
        tree_.pin(task.tenant, wanted.first(length))) {
      active.pinned = length;
    }
    active.state = found ? tree_.lend(task.tenant, wanted.first(length), !others) : tree_.create();
    if (!active.state) return no_room(active);
    active.fed = length;
    const std::size_t left = task.tokens.size() - length;
    const std::size_t room = std::max<std::size_t>(1, options_.state_budget_bytes / kIntervalShare);
    const std::size_t sparse = left * backend_->copy_bytes(*active.state) / room;
    active.interval = std::max({options_.snapshot_interval, sparse, std::size_t{1}});
    if (active.interval > kPageTokens) {
      active.interval = (active.interval + kPageTokens - 1) / kPageTokens * kPageTokens;
    }
    active.guessing.reserve(kMostAtOnce);
    if (!active.started) task.usage.reused = static_cast<std::int64_t>(length);
    active.started = true;
    if (length > 0) task.progressed(length);
    if (length != wanted.size()) return;
    const SharedLogits logits = found->logits;
    const std::size_t position = task.first_wanted++;
    if (task.take(position, *logits)) return;
    task.finish();
    end(active, nullptr, true);
  } catch (...) {
    end(active, std::current_exception(), true);
  }
}

// Waits for another task to end; when there is none, it will never fit.
void BatchWorker::no_room(Active& active) {
  if (others_run(active)) {
    active.no_room_since = ended_count_;
    return;
  }
  const std::string pinned =
      tree_.counts().pinned == 0 ? "" : ", part of which is held by pinned prompts";
  end(active,
      std::make_exception_ptr(
          Error(ErrorCode::kExhausted,
                "the state of " + std::to_string(active.task->tokens.size()) +
                    " tokens needs more memory than the budget for model states has (" +
                    std::to_string(options_.state_budget_bytes >> 10U) + " KiB" + pinned +
                    "): shorten the conversation or raise the budget")),
      true);
}

void BatchWorker::end(Active& active, std::exception_ptr error, bool state_is_sound) {
  if (!active.task) return;
  if (active.reading > 0) {
    active.leaving = error;
    ended_.push_back({.task = active.task, .error = std::move(error)});
    return;
  }
  ++ended_count_;
  if (active.kept) backend_->release_state(*active.kept);
  active.kept.reset();
  if (error && active.pinned > 0) tree_.unpin(active.task->tenant, prefix(active, active.pinned));
  if (active.state) {
    const bool keep = state_is_sound && active.fed > 0 && active.task->keeps_state();
    if (keep) {
      try {
        tree_.store(active.task->tenant, prefix(active, active.fed), *active.state, nullptr);
      } catch (...) {
        backend_->release_state(*active.state);
      }
    } else {
      backend_->release_state(*active.state);
    }
    active.state.reset();
  }
  ended_.push_back({.task = std::move(active.task), .error = std::move(error)});
  active.task.reset();
}

}  // namespace orkestra::model
