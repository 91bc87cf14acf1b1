// What the model may write next in a branch: a tool call, a draft, or that it can't answer.
// Pure: derived from the run's state alone.
#pragma once

#include <orkestra/model/constraint.h>
#include <orkestra/planner/run_state.h>

#include <string>
#include <vector>

namespace orkestra::planner {

// The drafts open to a model that answers in spans: each evidence's answer form with its holes
// filled by values of the result, or the bare value when its tool has no form; with citation, and
// without those the branch has excluded.
std::vector<std::string> possible_answers(const RunState& state, const Branch& branch);

// Tool calls copy their marked arguments from the task. Never empty: abstaining is always open.
model::Constraint next_turn_constraint(const RunState& state, const Branch& branch);

}  // namespace orkestra::planner
