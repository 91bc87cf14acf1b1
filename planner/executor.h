// Executor: performs one Action and journals its outcome; intent first where there is an effect.
// Owned by the thread that runs the run; not thread-safe.
#pragma once

#include <orkestra/core/clock.h>
#include <orkestra/core/limits.h>
#include <orkestra/model/language_model.h>
#include <orkestra/planner/action.h>
#include <orkestra/planner/model_outlines.h>
#include <orkestra/planner/run_state.h>

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

namespace orkestra::planner {

// What a run works with. Everything is borrowed and must outlive the executor.
struct RunServices {
  model::LanguageModel& model;
  Clock& clock;
  std::function<ToolResult(const ToolCall&, const Limits&)> call_tool;
  Recheck recheck;  // how the verifier looks at sources again
  // Makes the event durable and returns it numbered.
  std::function<Event(NewEvent)> append;
  std::function<void(const Event&)> on_event = [](const Event&) {};
  std::stop_token stop{};
};

class Executor {
 public:
  explicit Executor(RunServices services);

  // Journals and applies the run's first event.
  void start(const RunSpec& spec, RunState& state);
  // Marks that another process has taken the run over.
  void resume(RunState& state);
  // Throws Error when the world fails (model unavailable, disk full, cancelled): nothing was
  // recorded that did not happen, and the run can be resumed.
  void perform(const Action& action, RunState& state);

 private:
  void generate(RunState& state);
  void call_tool(const CallTool& action, RunState& state);
  void refuse_call(const RefuseCall& action, RunState& state);
  void ask_approval(const AskApproval& action, RunState& state);
  void check_draft(RunState& state);
  void open_branch(const OpenBranch& action, RunState& state);
  void finish(const Finish& action, RunState& state);

  void record(RunState& state, NewEvent event);
  Limits limits(const RunState& state) const;

  RunServices services_;
  std::optional<ModelOutlines> outlines_;  // where the model reads them
};

}  // namespace orkestra::planner
