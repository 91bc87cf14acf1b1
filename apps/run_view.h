// How a run is shown to people: steps as they happen, then the answer and its verification.
#pragma once

#include <orkestra/planner/run_state.h>

#include <iosfwd>

namespace orkestra::apps {

// One or two lines for an event; nothing for events that say nothing to a reader.
void print_event(std::ostream& out, const planner::Event& event, const planner::RunState& state);

// The answer with its citations, every claim with its verdict, requirements, what was spent.
void print_report(std::ostream& out, const Json& report);

// The event as one JSON object, for --events and `runs show --json`.
Json event_json(const planner::Event& event);

}  // namespace orkestra::apps
