// The loop of a run, from its first event or from wherever its journal stops, to its end.
#pragma once

#include <orkestra/planner/executor.h>
#include <orkestra/planner/run_state.h>

namespace orkestra::planner {

// next -> perform -> next, until the run has finished or waits for an answer (state.waiting()).
void run_to_end(Executor& executor, RunState& state);

}  // namespace orkestra::planner
