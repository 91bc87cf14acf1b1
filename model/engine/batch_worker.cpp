#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace orkestra::model {
namespace {

// A gain shorter than this is computed again rather than waited for, unless it is all there is.
constexpr std::size_t kWorthWaiting = 4;

bool writes(std::size_t n_tokens, std::size_t fed) { return n_tokens - fed == 1; }

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

BatchWorker::Counts BatchWorker::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void BatchWorker::run() {
  while (collect()) {
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

// Counts first: whoever sees a task end sees what it took.
void BatchWorker::publish() {
  {
    const std::lock_guard lock(mutex_);
    counts_ = {.steps = steps_, .tokens_computed = tokens_computed_, .tree = tree_.counts()};
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

// Moves queued tasks into free places; sleeps while there is nothing to do.
bool BatchWorker::collect() {
  std::unique_lock lock(mutex_);
  submitted_.wait(lock, [&] { return stopping_ || !queue_.empty() || !active_.empty(); });
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
  const std::size_t most = std::max<std::size_t>(
      1, std::min(options_.max_active, static_cast<std::size_t>(options_.max_batch_tokens)));
  const std::size_t n = std::min(queue_.size(), most - std::min(most, active_.size()));
  for (std::size_t i = 0; i < n; ++i)
    active_.push_back({.task = std::move(queue_[i]), .state = {}});
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<long>(n));
  std::stable_sort(active_.begin(), active_.end(), [](const Active& a, const Active& b) {
    return a.task->priority > b.task->priority;
  });
  return true;
}

void BatchWorker::pass() {
  reap();
  for (Active& active : active_) {
    if (active.task && !active.state && !wait_for_sibling(active)) start(active);
  }
  plan();
  if (!planned_.empty()) compute();
  std::erase_if(active_, [](const Active& active) { return !active.task; });
}

void BatchWorker::reap() {
  for (Active& active : active_) {
    try {
      active.task->check();
    } catch (...) {
      end(active, std::current_exception(), true);
    }
  }
  std::erase_if(active_, [](const Active& active) { return !active.task; });
}

std::span<const TokenId> BatchWorker::prefix(const Active& active, std::size_t length) const {
  return std::span(active.task->tokens).first(length);
}

// True when a task in progress will reach a longer prefix of this one's prompt than the tree has.
// It is made to keep its state there.
bool BatchWorker::wait_for_sibling(const Active& active) {
  const Task& task = *active.task;
  const std::size_t wanted = task.first_wanted + 1;
  const std::size_t known = tree_.known(task.tenant, prefix(active, wanted));
  for (const Active& other : active_) {
    if (!other.task || !other.state || other.task->tenant != task.tenant) continue;
    Task& sibling = *other.task;
    const std::size_t most = std::min(wanted, sibling.first_wanted + 1);
    const std::span<const TokenId> mine = prefix(active, most);
    const auto shared = static_cast<std::size_t>(
        std::mismatch(mine.begin(), mine.end(), sibling.tokens.begin()).first - mine.begin());
    if (shared <= std::max(other.fed, known)) continue;
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
  try {
    const auto found = tree_.find(task.tenant, prefix(active, task.first_wanted + 1));
    if (!found) {
      active.state = backend_->create_state();
      return;
    }
    active.state = backend_->copy_state(found->state);
    active.fed = found->length;
    task.usage.reused = static_cast<std::int64_t>(found->length);
    if (found->length != task.first_wanted + 1) return;
    const SharedLogits logits = found->logits;
    if (task.take(task.first_wanted, *logits)) return;
    task.finish();
    end(active, nullptr, true);
  } catch (...) {
    end(active, std::current_exception(), true);
  }
}

// Writing tasks first, one token each; then prompts in order, up to the next mark or the batch's
// size.
void BatchWorker::plan() {
  planned_.clear();
  chunks_.clear();
  auto left = static_cast<std::size_t>(std::max<std::int64_t>(1, options_.max_batch_tokens));
  for (const bool writing : {true, false}) {
    for (std::size_t i = 0; i < active_.size() && left > 0; ++i) {
      const Active& active = active_[i];
      if (!active.task || !active.state) continue;
      const Task& task = *active.task;
      if (writes(task.tokens.size(), active.fed) != writing) continue;
      std::size_t n = std::min(task.tokens.size() - active.fed, left);
      const auto mark =
          std::upper_bound(task.marks.begin(), task.marks.end(), active.fed,
                           [](std::size_t length, const Mark& m) { return length < m.length; });
      bool logits_at_mark = false;
      if (mark != task.marks.end() && mark->length - active.fed <= n) {
        n = mark->length - active.fed;
        logits_at_mark = mark->with_logits;
      }
      const std::size_t fed = active.fed + n;
      const std::size_t wanted =
          fed > task.first_wanted ? fed - std::max(task.first_wanted, active.fed) : 0;
      const std::size_t n_logits = std::max<std::size_t>(wanted, logits_at_mark ? 1 : 0);
      planned_.push_back({.active = i, .n_tokens = n, .n_logits = n_logits});
      chunks_.push_back({.state = *active.state,
                         .tokens = std::span(task.tokens).subspan(active.fed, n),
                         .n_logits = static_cast<std::int64_t>(n_logits)});
      left -= n;
    }
  }
}

void BatchWorker::compute() {
  try {
    backend_->step(chunks_, logits_);
  } catch (...) {
    for (const Planned& planned : planned_) {
      end(active_[planned.active], std::current_exception(), false);
    }
    return;
  }
  ++steps_;
  const float* row = logits_.data();
  for (const Planned& planned : planned_) {
    Active& active = active_[planned.active];
    tokens_computed_ += static_cast<std::int64_t>(planned.n_tokens);
    active.fed += planned.n_tokens;
    try {
      take_logits(active, planned, row);
    } catch (...) {
      end(active, std::current_exception(), true);
    }
    row += static_cast<std::ptrdiff_t>(planned.n_logits) * options_.n_vocab;
  }
}

void BatchWorker::take_logits(Active& active, const Planned& planned, const float* logits) {
  Task& task = *active.task;
  const auto n_vocab = static_cast<std::size_t>(options_.n_vocab);
  const float* last = planned.n_logits > 0 ? logits + (planned.n_logits - 1) * n_vocab : nullptr;
  const bool marked = std::any_of(task.marks.begin(), task.marks.end(),
                                  [&](const Mark& mark) { return mark.length == active.fed; });
  if (marked) {
    SharedLogits kept;
    if (last != nullptr) {
      kept = std::make_shared<const std::vector<float>>(last, last + n_vocab);
    }
    tree_.store_copy(task.tenant, prefix(active, active.fed), *active.state, kept);
  }
  const std::size_t begin = std::max(task.first_wanted, active.fed - planned.n_tokens);
  const std::size_t end_position = active.fed;
  for (std::size_t position = begin; position < end_position; ++position) {
    const float* row = last - (end_position - 1 - position) * n_vocab;
    if (!task.take(position, {row, n_vocab})) {
      task.finish();
      end(active, nullptr, true);
      return;
    }
  }
}

void BatchWorker::end(Active& active, std::exception_ptr error, bool state_is_sound) {
  if (!active.task) return;
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
