// Which tools a branch may call next, and how their arguments are found in the task.
// Pure: derived from the run's state alone.
#pragma once

#include <orkestra/planner/run_state.h>
#include <orkestra/planner/verify/verifier.h>

#include <string>
#include <vector>

namespace orkestra::planner {

// Tools the branch may still call: not excluded, and callable with what the task names. To a model
// that answers in spans every text argument is copied out of the task; "x-span" says which parts of
// it will do.
std::vector<ToolSpec> offered_tools(const RunState& state, const Branch& branch);

// Whether the tool, by what it says of itself, touches any word that the task asks for.
bool speaks_of_task(const RunState& state, const ToolSpec& tool);

// What a proposal may choose among. A model that answers in spans chooses among those of
// offered_tools that speak of most of the task's words; with results at hand only among those that
// speak of more than their tools do. After a kept draft those that
// speak of what it leaves open.
std::vector<ToolSpec> nearest_tools(const RunState& state, const Branch& branch);

// What the results of `branch` say in words, a line each: what a further call may ask about.
std::string results_text(const RunState& state, const Branch& branch);

// What else than its own evidence could answer the task: for judging a draft of `branch`.
AtHand at_hand_of(const RunState& state, const Branch& branch);

}  // namespace orkestra::planner
