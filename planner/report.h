// Report: what leaves a run: the answer with citations, every claim with its verdict and evidence,
// every requirement, the steps and what was spent. A fold over the journal; `run --json` prints it.
#pragma once

#include <orkestra/planner/run_state.h>

#include <string>

namespace orkestra::planner {

// Members: id, status, reason, answer, citations[], requirements_result {score, finish_reason,
// requirements[]}, claims[] {text, verdict, score, evidence[]}, coverage {missing[]},
// data_sources[], steps[], approval (the call that waits for an answer, or null), usage, budget,
// model, seed. status: verified, unverified, abstained, exhausted, cancelled; waiting, unfinished.
Json make_report(const RunState& state);

// The command line's exit status for a run's status: 0 verified, 3 unverified, 4 waiting,
// 5 exhausted, 6 abstained, 130 cancelled, 1 otherwise.
int exit_status(const std::string& status);

}  // namespace orkestra::planner
