#include <orkestra/planner/draft_constraint.h>
#include <orkestra/planner/next.h>
#include <orkestra/planner/prompt_catalogue.h>
#include <orkestra/planner/tool_offer.h>

#include <algorithm>
#include <limits>

namespace orkestra::planner {
namespace {

// Turns of `branch` before the assistant turn that made its last tool call.
std::size_t turns_before_last_call(const Branch& branch) {
  for (std::size_t i = branch.turns.size(); i-- > 0;) {
    if (!branch.turns[i].tool_calls.empty()) return i;
  }
  return 1;
}

std::string last_called_tool(const Branch& branch) {
  const std::size_t at = turns_before_last_call(branch);
  if (at >= branch.turns.size() || branch.turns[at].tool_calls.empty()) return {};
  return branch.turns[at].tool_calls.front().name;
}

std::string failure_reason(const RunState& state, const Branch& branch) {
  if (branch.draft && state.drafts[*branch.draft].abstains) return "the call failed";
  if (branch.draft) return state.drafts[*branch.draft].reason;
  return "the same call again, or too many steps";
}

// The part of an answer that says what it rests on: " [2]" or " [2].".
std::string citation_of(const std::string& answer) {
  const std::size_t at = answer.rfind(" [");
  return at == std::string::npos ? std::string() : answer.substr(at);
}

// Whether the answer is a statement out of a text: others of that text may say something else.
bool from_text(const RunState& state, const std::string& answer) {
  const std::string citation = citation_of(answer);
  if (citation.empty()) return false;
  const Evidence* evidence = state.find_evidence(citation.substr(2, citation.find(']') - 2));
  return evidence != nullptr && evidence->is_text();
}

// The same turns, but another value; out of other results when these don't speak of the question.
std::optional<OpenBranch> other_answer(const RunState& state, const Branch& branch) {
  if (!branch.draft) return std::nullopt;
  const Draft& refused = state.drafts[*branch.draft];
  OpenBranch open{.from = branch.name,
                  .turns = branch.turns.size() - 1,
                  .excluded_tools = branch.excluded_tools,
                  .excluded_answers = branch.excluded_answers};
  for (const std::string& answer : possible_answers(state, branch)) {
    const bool same_results = !refused.on_the_question && !from_text(state, refused.answer) &&
                              citation_of(answer) == citation_of(refused.answer);
    if (answer == refused.answer || same_results) open.excluded_answers.push_back(answer);
  }
  Branch probe = branch;
  probe.excluded_answers = open.excluded_answers;
  if (possible_answers(state, probe).empty()) return std::nullopt;
  open.reason = failure_reason(state, branch);
  return open;
}

// Before the last call, without the tool that led here.
std::optional<OpenBranch> other_tool(const RunState& state, const Branch& branch) {
  const std::string tool = last_called_tool(branch);
  if (tool.empty()) return std::nullopt;
  OpenBranch open{.from = branch.name,
                  .turns = turns_before_last_call(branch),
                  .excluded_tools = branch.excluded_tools};
  open.excluded_tools.push_back(tool);
  Branch probe = branch;
  probe.excluded_tools = open.excluded_tools;
  if (offered_tools(state, probe).empty()) return std::nullopt;
  open.reason = failure_reason(state, branch);
  return open;
}

// A line that calls in circles although results are at hand: without its last call, and without
// any further one.
std::optional<OpenBranch> answer_now(const RunState& state, const Branch& branch) {
  if (branch.draft || possible_answers(state, branch).empty()) return std::nullopt;
  OpenBranch open{.from = branch.name,
                  .turns = turns_before_last_call(branch),
                  .excluded_answers = branch.excluded_answers};
  for (const ToolSpec& tool : state.spec.tools) open.excluded_tools.push_back(tool.name);
  open.reason = failure_reason(state, branch);
  return open;
}

// The candidate at `index` of those that wait, if there are so many.
std::optional<OpenBranch> other_candidate(const RunState& state, const Branch& branch,
                                          std::size_t index) {
  if (index >= state.alternatives.size()) return std::nullopt;
  const RunState::Alternative& waiting = state.alternatives[index];
  const auto from = std::find_if(state.branches.begin(), state.branches.end(),
                                 [&](const Branch& b) { return b.name == waiting.branch; });
  return OpenBranch{.from = waiting.branch,
                    .turns = waiting.turns,
                    .excluded_tools = from->excluded_tools,
                    .excluded_answers = from->excluded_answers,
                    .alternative = index,
                    .reason = failure_reason(state, branch)};
}

// Everything written stays; a user turn says what was wrong.
std::optional<OpenBranch> with_feedback(const RunState& state, const Branch& branch) {
  if (!branch.draft) return std::nullopt;
  return OpenBranch{.from = branch.name,
                    .turns = branch.turns.size(),
                    .excluded_tools = branch.excluded_tools,
                    .excluded_answers = branch.excluded_answers,
                    .feedback = state.drafts[*branch.draft].reason,
                    .reason = failure_reason(state, branch)};
}

std::optional<OpenBranch> repair(const RunState& state) {
  if (static_cast<int>(state.branches.size()) > state.spec.budget.repairs) return std::nullopt;
  const Branch& branch = state.branch();
  if (state.spec.style == AnswerStyle::kProse) {
    if (auto open = other_candidate(state, branch, 0)) return open;
    if (auto open = with_feedback(state, branch)) return open;
    return other_tool(state, branch);
  }
  if (auto open = answer_now(state, branch)) return open;
  if (auto open = other_answer(state, branch)) return open;
  return other_tool(state, branch);
}

// A small model that gives up because its call failed may still try another tool.
std::optional<OpenBranch> after_failed_call(const RunState& state, const Branch& branch) {
  const bool failed = state.spec.style == AnswerStyle::kSpans && branch.evidence.empty() &&
                      !last_called_tool(branch).empty();
  if (!failed || static_cast<int>(state.branches.size()) > state.spec.budget.repairs) return {};
  return other_tool(state, branch);
}

bool all_supported(const Draft& draft) {
  return !draft.claims.empty() &&
         std::all_of(draft.claims.begin(), draft.claims.end(),
                     [](const Json& claim) { return claim.at("verdict") == "supported"; });
}

// A call that failed may be right with what was found since.
bool gave_something(const RunState& state, const ToolCall& call) {
  return std::any_of(state.steps.begin(), state.steps.end(), [&](const Step& step) {
    return step.call.name == call.name && step.call.arguments == call.arguments &&
           !step.evidence.empty();
  });
}

// When nothing else is left: a true draft that says part of what was asked stays, and a further
// call looks for the rest, from what it found.
std::optional<OpenBranch> further_call(const RunState& state) {
  if (state.spec.style != AnswerStyle::kSpans) return std::nullopt;
  if (static_cast<int>(state.branches.size()) > state.spec.budget.repairs) return std::nullopt;
  const auto partly = [&](const Draft& draft) {
    return draft.checked && !draft.abstains && !draft.missing.empty() &&
           draft.answer.ends_with('.') && !from_text(state, draft.answer) && all_supported(draft);
  };
  std::size_t fewest = std::numeric_limits<std::size_t>::max();  // words left open
  for (const Draft& draft : state.drafts) {
    if (partly(draft)) fewest = std::min(fewest, draft.missing.size());
  }
  for (const Draft& draft : state.drafts) {
    const bool tried = std::any_of(state.branches.begin(), state.branches.end(),
                                   [&](const Branch& b) { return b.kept == draft.answer; });
    if (tried || !partly(draft) || draft.missing.size() > fewest) continue;
    const auto from = std::find_if(state.branches.begin(), state.branches.end(),
                                   [&](const Branch& b) { return b.name == draft.branch; });
    OpenBranch open{.from = from->name,
                    .turns = from->turns.size() - 1,
                    .excluded_tools = {},
                    .excluded_answers = from->excluded_answers,
                    .reason = draft.reason,
                    .kept = draft.answer};
    for (const Turn& turn : from->turns) {
      for (const ToolCall& call : turn.tool_calls) {
        if (gave_something(state, call)) open.excluded_tools.push_back(call.name);
      }
    }
    Branch probe = *from;
    probe.excluded_tools = open.excluded_tools;
    probe.kept = open.kept;
    if (!nearest_tools(state, probe).empty()) return open;
  }
  return std::nullopt;
}

// Whether a turn is one that the run has not yet made: another call, another answer.
bool is_new(const RunState& state, const Turn& turn) {
  if (turn.tool_calls.empty()) {
    return turn.text != prompt("abstain").text &&
           std::none_of(state.drafts.begin(), state.drafts.end(),
                        [&](const Draft& draft) { return draft.answer == turn.text; });
  }
  const ToolCall& call = turn.tool_calls.front();
  return std::none_of(state.steps.begin(), state.steps.end(), [&](const Step& step) {
    return step.call.name == call.name && step.call.arguments == call.arguments;
  });
}

// What a small model sampled beside its likeliest turns comes after all else: so a larger budget
// finds whatever a smaller one finds, the same way.
std::optional<OpenBranch> last_resort(const RunState& state) {
  if (state.spec.style != AnswerStyle::kSpans) return std::nullopt;
  if (static_cast<int>(state.branches.size()) > state.spec.budget.repairs) return std::nullopt;
  const auto fresh =
      std::find_if(state.alternatives.begin(), state.alternatives.end(),
                   [&](const RunState::Alternative& a) { return is_new(state, a.turn); });
  const auto index = static_cast<std::size_t>(fresh - state.alternatives.begin());
  return other_candidate(state, state.branch(), index);
}

// The best draft there is, and what can honestly be said of it.
Finish give_up(const RunState& state, const std::string& status_when_exhausted,
               const std::string& reason) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < state.drafts.size(); ++i) {
    const Draft& draft = state.drafts[i];
    if (!draft.checked || draft.abstains || !draft.on_the_question) continue;
    if (!best || draft.score > state.drafts[*best].score) best = i;
  }
  if (!status_when_exhausted.empty()) return {status_when_exhausted, reason, best};
  if (best) return {"unverified", state.drafts[*best].reason, best};
  std::string why = "the sources do not answer it";
  for (const Draft& draft : state.drafts) {
    if (draft.checked && !draft.abstains && !draft.reason.empty()) {
      return {"abstained", why + ": " + draft.reason, std::nullopt};
    }
  }
  for (const Step& step : state.steps) {
    if (!step.result || step.result->ok) continue;
    return {"abstained", why + ": " + step.call.name + " failed: " + step.result->message,
            std::nullopt};
  }
  return {"abstained", why, std::nullopt};
}

std::string declined(const Question& question) {
  return "it was not approved" + (question.note.empty() ? "" : ": " + question.note);
}

// The journal holds the intent of a call and no outcome: the process died in between.
Action go_on_with(const RunState& state, const Step& open) {
  const ToolSpec* spec = state.tool(open.call.name);
  if (spec == nullptr || spec->traits.safe_to_repeat) return CallTool{open.id, open.call, true};
  if (!state.question) {
    return AskApproval{open.id, open.call,
                       "whether " + open.call.name +
                           " happened is not known, and it is not safe to repeat: look, then "
                           "approve to do it (again), or decline to go on without"};
  }
  // A fresh intent: were it cut off again, it would be asked again.
  if (*state.question->approved) return CallTool{open.id, open.call, false};
  return RefuseCall{
      open.id, open.call, ErrorCode::kOutcomeUnknown,
      "its outcome is not known and it is not done again; " + declined(*state.question), true};
}

Action begin_call(const RunState& state, const Branch& branch) {
  const ToolCall& call = *branch.pending_call;
  const std::string step = "s" + std::to_string(state.steps.size() + 1);
  if (state.question) {
    if (*state.question->approved) return CallTool{step, call, false};
    return RefuseCall{step, call, ErrorCode::kDenied, declined(*state.question)};
  }
  const ToolSpec* spec = state.tool(call.name);
  if (spec == nullptr) return CallTool{step, call, false};  // the registry says what there is
  const tools::Ruling ruling =
      tools::rule(state.spec.policy, *spec, call, state.spec.task, state.evidence_of(branch));
  switch (ruling.permission) {
    case tools::Permission::kAsk:
      return AskApproval{step, call, ruling.reason};
    case tools::Permission::kDeny:
      return RefuseCall{step, call, ErrorCode::kDenied, "denied by policy: " + ruling.reason};
    case tools::Permission::kAllow:
      break;
  }
  return CallTool{step, call, false};
}

}  // namespace

Action next(const RunState& state) {
  if (state.finished()) return Stop{};
  if (state.waiting()) return Await{};
  if (const Step* open = state.open_step()) return go_on_with(state, *open);

  const Branch& branch = state.branch();
  if (branch.draft) {
    const Draft& draft = state.drafts[*branch.draft];
    if (draft.abstains) {
      if (auto open = after_failed_call(state, branch)) return *open;
      if (auto open = further_call(state)) return *open;
      if (auto open = last_resort(state)) return *open;
      return give_up(state, "", "");
    }
    if (!draft.checked) return CheckDraft{};
    if (draft.verified) return Finish{"verified", "", branch.draft};
  }
  if (const auto spent = state.spec.budget.exhausted(state.usage)) {
    return give_up(state, "exhausted", "the budget is used up: " + *spent);
  }
  if (branch.draft || branch.dead) {
    if (auto open = repair(state)) return *open;
    if (auto open = further_call(state)) return *open;
    if (auto open = last_resort(state)) return *open;
    return give_up(state, "", "");
  }
  if (branch.pending_call) {
    if (const auto spent = state.spec.budget.tool_calls_exhausted(state.usage)) {
      return give_up(state, "exhausted", "the budget is used up: " + *spent);
    }
    return begin_call(state, branch);
  }
  return Generate{};
}

}  // namespace orkestra::planner
