// Action: what a run does next. A closed set; the executor performs each and journals its outcome.
#pragma once

#include <orkestra/core/tool_types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace orkestra::planner {

// Let the model write the branch's next turn: a tool call or a draft.
struct Generate {};

// Run a tool. `intended` = the journal already holds the intent (a resumed run).
struct CallTool {
  std::string step;
  ToolCall call;
  bool intended = false;
};

// Do not run a tool: its result is a failure that says why. `intended` as in CallTool.
struct RefuseCall {
  std::string step;
  ToolCall call;
  ErrorCode code = ErrorCode::kDenied;
  std::string reason;
  bool intended = false;
};

// Put a call to a person. The run then waits and holds nothing.
struct AskApproval {
  std::string step;
  ToolCall call;
  std::string reason;
};

// A question is open: nothing to do until it is answered.
struct Await {};

// Hold the branch's draft against sources, requirements and the question.
struct CheckDraft {};

// Go back to the first `turns` turns of a branch and continue differently.
struct OpenBranch {
  std::string from;
  std::size_t turns = 0;
  std::vector<std::string> excluded_tools{};
  std::vector<std::string> excluded_answers{};
  std::string feedback{};                    // a user turn that says what was wrong; "" = none
  std::optional<std::size_t> alternative{};  // a waiting candidate to continue with
  std::string reason{};
  std::string kept{};  // see Branch
};

struct Finish {
  std::string status;  // "verified", "unverified", "abstained", "exhausted"
  std::string reason;
  std::optional<std::size_t> draft{};
};

// The run is over; nothing is left to do.
struct Stop {};

using Action = std::variant<Generate, CallTool, RefuseCall, AskApproval, Await, CheckDraft,
                            OpenBranch, Finish, Stop>;

}  // namespace orkestra::planner
