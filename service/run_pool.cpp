#include <orkestra/planner/report.h>
#include <orkestra/service/run_pool.h>

#include <limits>
#include <utility>

namespace orkestra::service {
namespace {

constexpr std::size_t kMaxFailures = 1000;

Error stopping_error() {
  return {ErrorCode::kUnavailable,
          "the service is stopping; its runs are kept and go on when it starts again"};
}

}  // namespace

RunPool::RunPool(agent::Agent& agent, RunEvents& events, std::size_t workers,
                 std::size_t max_queued)
    : agent_(agent),
      events_(events),
      max_queued_(max_queued),
      workers_(workers, std::numeric_limits<std::size_t>::max()) {}

RunPool::~RunPool() { join(); }

std::string RunPool::begin(const std::string& task, const agent::TaskOptions& options, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) throw stopping_error();
    if (queued_ >= max_queued_) {
      throw Error(ErrorCode::kExhausted, "too many runs are queued (" + std::to_string(queued_) +
                                             "); try again when some have finished");
    }
    ++queued_;  // the place is kept while the first event is written
  }
  std::string run;
  try {
    run = agent_.begin(task, options);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --queued_;
    throw;
  }
  enqueue(run, std::move(done), true);
  return run;
}

void RunPool::resume(const std::string& run) {
  const std::lock_guard act(acts_);
  if (work_on(run) != Work::kNone) {
    throw Error(ErrorCode::kConflict, "run " + run + " is being worked on");
  }
  const planner::RunState state = planner::fold(agent_.journal().read(run));
  if (state.finished()) {
    throw Error(ErrorCode::kConflict, "run " + run + " has finished: " + state.status);
  }
  if (state.waiting()) {
    throw Error(ErrorCode::kConflict, "run " + run + " waits for an approval: answer it");
  }
  enqueue(run, {}, false);
}

void RunPool::answer(const std::string& run, const planner::Approval& approval) {
  const std::lock_guard act(acts_);
  agent_.answer(run, approval);
  events_.refresh(run);
  enqueue(run, {}, false);
}

void RunPool::cancel(const std::string& run, const std::string& reason, Done done) {
  const std::lock_guard act(acts_);
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto job = jobs_.find(run);
    if (job != jobs_.end() && job->second.running) {
      // Its worker ends it: nobody else writes to a run that is worked on.
      if (job->second.cancellation) {
        throw Error(ErrorCode::kConflict, "run " + run + " is being cancelled already");
      }
      job->second.cancellation = {reason, std::move(done)};
      job->second.stop.request_stop();
      return;
    }
    if (job != jobs_.end()) {
      waiting = std::move(job->second.done);
      jobs_.erase(job);
      --queued_;
    }
  }
  agent_.cancel(run, reason);
  events_.refresh(run);
  const Outcome outcome{report_of(run), {}};
  for (const Done& each : waiting) each(outcome);
  done(outcome);
}

std::size_t RunPool::take_up_unfinished() {
  std::size_t taken = 0;
  const std::string model = agent_.model().capabilities().id;
  for (const planner::RunSummary& summary : agent_.journal().list()) {
    if (summary.status != "unfinished" || summary.events == 0) continue;
    try {
      const planner::RunState state = planner::fold(agent_.journal().read(summary.run));
      if (state.spec.model != model || state.finished() || state.waiting()) continue;
      enqueue(summary.run, {}, false);
      ++taken;
    } catch (const Error& error) {
      // One damaged run must not keep the others from going on.
      const std::lock_guard lock(mutex_);
      remember_failure(summary.run, error);
    }
  }
  return taken;
}

RunPool::Work RunPool::work_on(const std::string& run) {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(run);
  if (job == jobs_.end()) return Work::kNone;
  return job->second.running ? Work::kRunning : Work::kQueued;
}

std::optional<Error> RunPool::failure(const std::string& run) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(run);
  if (found == failures_.end()) return std::nullopt;
  return found->second;
}

void RunPool::stop() {
  std::vector<Done> dropped;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (auto& [run, job] : jobs_) {
      job.stop.request_stop();
      if (job.running) continue;
      for (Done& done : job.done) dropped.push_back(std::move(done));
      job.done.clear();
    }
  }
  workers_.stop();
  for (const Done& done : dropped) done({Json(), stopping_error()});
}

void RunPool::join() {
  stop();
  workers_.join();
}

// Puts the run before the workers, or tells the worker that holds it to go on.
void RunPool::enqueue(const std::string& run, Done done, bool reserved) {
  bool refused = false;
  events_.go_on(run);
  {
    const std::lock_guard lock(mutex_);
    failures_.erase(run);
    const auto [job, is_new] = jobs_.try_emplace(run);
    refused = stopping_;
    if (refused) {
      if (is_new) jobs_.erase(job);
    } else {
      if (done) job->second.done.push_back(done);
      if (is_new && !reserved) ++queued_;
      if (!is_new && reserved) --queued_;
      if (!is_new) {
        job->second.again = true;
        return;
      }
    }
  }
  if (refused || !workers_.submit([this, run] { work(run); })) {
    if (done) done({Json(), stopping_error()});
  }
}

void RunPool::work(const std::string& run) {
  std::stop_token stop;
  {
    const std::lock_guard lock(mutex_);
    const auto job = jobs_.find(run);
    if (job == jobs_.end() || job->second.running) return;  // called off meanwhile
    if (stopping_) return;
    job->second.running = true;
    job->second.again = false;
    --queued_;
    stop = job->second.stop.get_token();
  }
  let_go(run, work_on_job(run, stop));
}

// Whatever was asked of the run while it was worked on is done now, before anybody else may have
// it.
void RunPool::let_go(const std::string& run, Outcome outcome) {
  std::vector<Done> done;
  std::vector<std::pair<Done, Outcome>> cancelled;  // told once the run is nobody's any more
  bool again = false;
  while (true) {
    std::optional<Cancellation> cancellation;
    {
      const std::lock_guard lock(mutex_);
      Job& job = jobs_.at(run);
      cancellation = std::exchange(job.cancellation, std::nullopt);
      if (!cancellation) {
        again = job.again && !stopping_;
        if (again) {
          job.running = false;
          job.again = false;
          job.stop = {};
          ++queued_;
        } else {
          done = std::move(job.done);
          jobs_.erase(run);
          if (outcome.error) remember_failure(run, *outcome.error);
        }
        break;
      }
    }
    Outcome ended = end_cancelled(run, cancellation->reason);
    if (!ended.error) outcome = ended;
    cancelled.emplace_back(std::move(cancellation->done), std::move(ended));
  }
  if (again) {
    workers_.submit([this, run] { work(run); });
  } else if (outcome.error) {
    events_.interrupt(run, *outcome.error);
  }
  for (const auto& [tell, ended] : cancelled) tell(ended);
  for (const Done& each : done) each(outcome);
}

RunPool::Outcome RunPool::work_on_job(const std::string& run, std::stop_token stop) {
  try {
    const auto publish = [this](const planner::Event& event, const planner::RunState&) {
      events_.publish(event);
    };
    return {agent_.resume(run, publish, stop), {}};
  } catch (const Error& error) {
    return after_error(run, error);
  } catch (const std::exception& error) {
    return {Json(),
            Error(ErrorCode::kInternal, "run " + run + ": an internal error: " + error.what())};
  }
}

RunPool::Outcome RunPool::after_error(const std::string& run, const Error& error) {
  if (error.code() == ErrorCode::kCancelled) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return {Json(), stopping_error()};
  }
  if (error.code() != ErrorCode::kConflict) return {Json(), error};
  try {
    // Another process may have taken it to its end.
    Json report = report_of(run);
    if (report.at("status") != "unfinished") return {std::move(report), {}};
  } catch (const Error&) {
    // The first error says more.
  }
  return {Json(), error};
}

RunPool::Outcome RunPool::end_cancelled(const std::string& run, const std::string& reason) {
  try {
    agent_.cancel(run, reason);
    events_.refresh(run);
    return {report_of(run), {}};
  } catch (const Error& error) {
    return {Json(), error};
  }
}

Json RunPool::report_of(const std::string& run) {
  return planner::make_report(planner::fold(agent_.journal().read(run)));
}

void RunPool::remember_failure(const std::string& run, const Error& error) {
  if (failures_.insert_or_assign(run, error).second) failed_.push_back(run);
  while (failed_.size() > kMaxFailures) {
    failures_.erase(failed_.front());
    failed_.pop_front();
  }
}

}  // namespace orkestra::service
