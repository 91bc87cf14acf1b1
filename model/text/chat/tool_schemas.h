// Which tools of a constraint can be called: one bad schema costs that tool, not the request.
#pragma once

#include <orkestra/model/constraint.h>

#include <vector>

namespace orkestra::model {

// `constraint` with only those tools in its calls whose schemas can be enforced; the others are
// added to `disabled`. Throws Error{kUnsupported} naming one when a call has no tool left.
Constraint without_bad_tools(const Constraint& constraint, std::vector<DisabledTool>& disabled);

}  // namespace orkestra::model
