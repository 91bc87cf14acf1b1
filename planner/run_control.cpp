#include <orkestra/core/error.h>
#include <orkestra/planner/report.h>
#include <orkestra/planner/run_control.h>
#include <orkestra/planner/run_state.h>

#include <utility>

namespace orkestra::planner {
namespace {

RunState unfinished(Journal& journal, const std::string& run) {
  RunState state = fold(journal.read(run));
  if (state.branches.empty()) {
    throw Error(ErrorCode::kConflict, "run " + run + " has not started");
  }
  if (state.finished()) {
    throw Error(ErrorCode::kConflict, "run " + run + " has finished: " + state.status);
  }
  return state;
}

void append(Journal& journal, Clock& clock, const RunState& state, std::int64_t epoch,
            std::string kind, Json body) {
  std::vector<NewEvent> events;
  events.push_back({.branch = state.branch().name,
                    .kind = std::move(kind),
                    .at_ms = clock.unix_ms(),
                    .body = std::move(body)});
  journal.append(state.id, epoch, std::move(events));
}

RunState asking(Journal& journal, const std::string& run) {
  RunState state = unfinished(journal, run);
  if (!state.waiting()) {
    throw Error(ErrorCode::kConflict, "run " + run + " does not wait for an approval");
  }
  return state;
}

}  // namespace

// Looked at before the run is taken over, so that a refusal fences nobody, and again after, when
// nobody else can change it.
void answer_question(Journal& journal, Clock& clock, const std::string& run,
                     const Approval& approval) {
  asking(journal, run);
  const std::int64_t epoch = journal.take_over(run);
  const RunState state = asking(journal, run);
  append(journal, clock, state, epoch, "approval_given",
         {{"step", state.question->step},
          {"approved", approval.approved},
          {"by", approval.by},
          {"note", approval.note}});
}

void cancel_run(Journal& journal, Clock& clock, const std::string& run, const std::string& reason) {
  unfinished(journal, run);
  const std::int64_t epoch = journal.take_over(run);
  append(journal, clock, unfinished(journal, run), epoch, "run_finished",
         {{"status", "cancelled"}, {"reason", reason}, {"draft", nullptr}});
}

}  // namespace orkestra::planner
