// Replay: whether a recorded run would go the same way again. Reads a journal's events; changes
// nothing. Any thread.
#pragma once

#include <orkestra/model/language_model.h>
#include <orkestra/planner/journal.h>
#include <orkestra/planner/verify/verifier.h>

#include <cstdint>
#include <string>
#include <vector>

namespace orkestra::planner {

// Where a recorded run and its replay part.
struct Divergence {
  std::int64_t seq = 0;
  std::string what;  // "the journal has draft_checked, the planner would call a tool"
};

// Decides again at every step of a recorded run, from the events before it. Pure: no model, no
// tool, no clock. Empty = the planner would do the same again.
std::vector<Divergence> replay_decisions(const std::vector<Event>& events);

// Does the run again, model and checks included, with the recorded tool results, answers and
// clock, and compares every event. `recheck` is used as in a live run.
std::vector<Divergence> replay_recompute(const std::vector<Event>& events,
                                         model::LanguageModel& model, const Recheck& recheck);

}  // namespace orkestra::planner
