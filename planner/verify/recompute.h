// Recompute: a figure that stands in no source but follows from the cited rows: a sum, an
// average, a difference, a share, a count, or a complete list. Exact rational arithmetic.
#pragma once

#include <orkestra/planner/verify/judge.h>

#include <optional>
#include <vector>

namespace orkestra::planner {

// Whether `claim` follows from `records`, all of them cited by it. nullopt when the claim names no
// operation, or words remain that neither the operation nor the records account for.
std::optional<Judgement> recompute(const Claim& claim, const std::vector<Record>& records);

// Whether `claim` lists, completely, what one field of the cited rows holds.
std::optional<Judgement> judge_list(const Claim& claim, const std::vector<Record>& records);

}  // namespace orkestra::planner
