#include <orkestra/core/error.h>
#include <orkestra/planner/executor.h>
#include <orkestra/planner/next.h>
#include <orkestra/planner/replay.h>

#include <map>
#include <utility>
#include <variant>

namespace orkestra::planner {
namespace {

// The kind of event that performing `action` appends first.
std::string outcome_kind(const Action& action) {
  struct Kind {
    std::string operator()(const Generate&) const { return "generated"; }
    std::string operator()(const CallTool& call) const {
      return call.intended ? "tool_finished" : "tool_intended";
    }
    std::string operator()(const RefuseCall& call) const {
      return call.intended ? "tool_finished" : "tool_refused";
    }
    std::string operator()(const AskApproval&) const { return "approval_requested"; }
    std::string operator()(const Await&) const { return "approval_given"; }
    std::string operator()(const CheckDraft&) const { return "draft_checked"; }
    std::string operator()(const OpenBranch&) const { return "branch_opened"; }
    std::string operator()(const Finish&) const { return "run_finished"; }
    std::string operator()(const Stop&) const { return "nothing"; }
  };
  return std::visit(Kind{}, action);
}

// Reads the recorded times back, in order; the last one again once they run out.
class RecordedClock final : public Clock {
 public:
  explicit RecordedClock(const std::vector<Event>& events) : events_(events) {}
  std::int64_t unix_ms() override {
    if (next_ < events_.size()) last_ = events_[next_++].at_ms;
    return last_;
  }

 private:
  const std::vector<Event>& events_;
  std::size_t next_ = 0;
  std::int64_t last_ = 0;
};

// What must be equal: how much of a prompt was found computed, and what a check found read, depends
// on the process.
Json comparable(const Event& event) {
  Json body = event.body;
  if (event.kind == "generated") body.at("usage").erase("reused");
  if (event.kind == "draft_checked") body.erase("usage");
  return body;
}

// A run that a person ended: no decision of the planner's.
bool called_off(const Event& event) {
  return event.kind == "run_finished" && event.body.value("status", "") == "cancelled";
}

}  // namespace

std::vector<Divergence> replay_decisions(const std::vector<Event>& events) {
  std::vector<Divergence> divergences;
  RunState state;
  std::string previous;
  for (const Event& event : events) {
    // Intent and outcome are one action, unless the process died between them.
    const bool outcome = event.kind == "tool_finished" && previous == "tool_intended";
    previous = event.kind;
    const bool decided = event.kind != "run_started" && event.kind != "run_resumed" && !outcome;
    if (decided && !called_off(event)) {
      const std::string expected = outcome_kind(next(state));
      if (expected != event.kind) {
        divergences.push_back({event.seq, "the journal has " + event.kind +
                                              ", the planner's next would be " + expected});
      }
    }
    apply(state, event);
  }
  return divergences;
}

std::vector<Divergence> replay_recompute(const std::vector<Event>& events,
                                         model::LanguageModel& model, const Recheck& recheck) {
  std::vector<Event> recorded;
  std::map<std::string, ToolResult> results;
  for (const Event& event : events) {
    if (event.kind == "run_resumed" || called_off(event)) continue;
    recorded.push_back(event);
    if (event.kind == "tool_finished") {
      results[event.body.at("step").get<std::string>()] =
          tool_result_from_json(event.body.at("result"));
    }
  }
  if (recorded.empty()) return {};

  std::vector<Divergence> divergences;
  RecordedClock clock(recorded);
  std::size_t count = 0;
  RunServices services{
      .model = model,
      .clock = clock,
      .call_tool =
          [&](const ToolCall& call, const Limits&) {
            const auto found = results.find(call.id);
            if (found != results.end()) return found->second;
            return ToolResult::failure(ErrorCode::kNotFound,
                                       "the journal has no result of " + call.id);
          },
      .recheck = recheck,
      .append =
          [&](NewEvent fresh) {
            Event event;
            event.run = recorded.front().run;
            event.seq = static_cast<std::int64_t>(count) + 1;
            event.branch = std::move(fresh.branch);
            event.kind = std::move(fresh.kind);
            event.at_ms = fresh.at_ms;
            event.body = std::move(fresh.body);
            const bool same = count < recorded.size() && recorded[count].kind == event.kind &&
                              recorded[count].branch == event.branch &&
                              comparable(recorded[count]) == comparable(event);
            if (!same) {
              divergences.push_back({event.seq, event.kind + " differs from the journal"});
            }
            ++count;
            return event;
          }};
  Executor executor(std::move(services));
  RunState state;
  executor.start(run_spec_from_json(recorded.front().body), state);
  while (!state.finished() && divergences.empty() && count < recorded.size()) {
    const Action action = next(state);
    if (!std::holds_alternative<Await>(action)) {
      executor.perform(action, state);
      continue;
    }
    // What a person answered is taken as it was.
    clock.unix_ms();
    apply(state, recorded[count++]);
  }
  if (divergences.empty() && count < recorded.size()) {
    divergences.push_back({recorded[count].seq, "the replay ended early"});
  }
  return divergences;
}

}  // namespace orkestra::planner
