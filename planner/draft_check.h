// Holds a branch's draft against its evidence, the run's requirements and the question asked.
#pragma once

#include <orkestra/core/limits.h>
#include <orkestra/planner/run_state.h>

namespace orkestra::planner {

// The body of a "draft_checked" event (see RunState's Draft for its members). The sources
// are looked at again through `recheck`; `outlines` may be null. The branch must have a draft.
Json check_draft_of(const RunState& state, const Branch& branch, const Recheck& recheck,
                    const Limits& limits, OutlineReader* outlines = nullptr);

}  // namespace orkestra::planner
