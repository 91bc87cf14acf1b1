// next: the planner's mind, a pure function. Given a run as it stands it says what to do; it reads
// no clock, no file and no model, so a journal replays to the same decisions.
//
//   write a turn -> call the tool it asks for -> write on -> a draft -> check it
//   verified: finish. Refused: go back to where another choice can be made (another value,
//   another tool, a waiting candidate, or the same with feedback), while the budget allows.
#pragma once

#include <orkestra/planner/action.h>
#include <orkestra/planner/run_state.h>

namespace orkestra::planner {

Action next(const RunState& state);

}  // namespace orkestra::planner
