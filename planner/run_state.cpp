#include <orkestra/core/error.h>
#include <orkestra/planner/prompt_catalogue.h>
#include <orkestra/planner/run_state.h>

#include <algorithm>
#include <utility>

namespace orkestra::planner {
namespace {

constexpr std::size_t kMaxCallsPerBranch = 12;

[[noreturn]] void refuse(const Event& event, const std::string& why) {
  throw Error(ErrorCode::kCorrupt, "run " + event.run + ", event " + std::to_string(event.seq) +
                                       " (" + event.kind + "): " + why);
}

Branch& branch_of(RunState& state, const Event& event) {
  if (state.branches.empty() || state.branches.back().name != event.branch) {
    refuse(event, "not the branch being worked on");
  }
  return state.branches.back();
}

// The turn is the branch's newest: a call to run, or a draft to check.
void take_generated(RunState& state, Branch& branch, Turn turn) {
  if (!turn.tool_calls.empty()) {
    const ToolCall& call = turn.tool_calls.front();
    std::size_t calls = 0;
    for (const Turn& earlier : branch.turns) {
      for (const ToolCall& made : earlier.tool_calls) {
        ++calls;
        if (made.name == call.name && made.arguments == call.arguments) branch.dead = true;
      }
    }
    if (calls >= kMaxCallsPerBranch) branch.dead = true;
    branch.pending_call = call;
  } else {
    Draft draft;
    draft.branch = branch.name;
    draft.answer = turn.text;
    draft.abstains = turn.text == prompt("abstain").text;
    branch.draft = state.drafts.size();
    state.drafts.push_back(std::move(draft));
  }
  branch.turns.push_back(std::move(turn));
}

void apply_started(RunState& state, const Event& event) {
  if (!state.branches.empty()) refuse(event, "the run has started before");
  state.id = event.run;
  state.spec = run_spec_from_json(event.body);
  Branch main{.name = "main", .reason = "the task"};
  main.turns.push_back(Turn{.role = Role::kUser, .text = state.spec.task});
  state.branches.push_back(std::move(main));
}

void add_usage(RunState& state, const Json& usage) {
  state.usage.add({usage.at("prompt").get<std::int64_t>(), usage.at("reused").get<std::int64_t>(),
                   usage.at("generated").get<std::int64_t>()});
}

void apply_generated(RunState& state, const Event& event) {
  Branch& branch = branch_of(state, event);
  const std::size_t turns = branch.turns.size();
  const Json& candidates = event.body.at("candidates");
  if (candidates.empty()) refuse(event, "no candidate");
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    state.alternatives.push_back({branch.name, turns, turn_from_json(candidates[i].at("turn"))});
  }
  take_generated(state, branch, turn_from_json(candidates[0].at("turn")));
  ++state.proposals;
  add_usage(state, event.body.at("usage"));
}

void apply_tool_intended(RunState& state, const Event& event) {
  Branch& branch = branch_of(state, event);
  branch.pending_call.reset();
  state.question.reset();
  const auto id = event.body.at("step").get<std::string>();
  const Step* open = state.open_step();
  if (open != nullptr && open->id != id) refuse(event, "another step is open");
  if (open == nullptr) {
    state.steps.push_back(
        {.id = id, .branch = branch.name, .call = tool_call_from_json(event.body.at("call"))});
    ++state.usage.tool_calls;
  }
}

void apply_tool_finished(RunState& state, const Event& event) {
  Branch& branch = branch_of(state, event);
  if (state.steps.empty() || state.steps.back().id != event.body.at("step") ||
      state.steps.back().result) {
    refuse(event, "its step was not intended");
  }
  Step& step = state.steps.back();
  step.result = tool_result_from_json(event.body.at("result"));
  state.question.reset();
  for (const Json& evidence : event.body.at("evidence")) {
    state.evidence.push_back(evidence_from_json(evidence));
    step.evidence.push_back(state.evidence.back().id);
    branch.evidence.push_back(state.evidence.back().id);
  }
  branch.turns.push_back(turn_from_json(event.body.at("turn")));
}

// A call that was not made: a step with its failure, and no tool call spent.
void apply_tool_refused(RunState& state, const Event& event) {
  Branch& branch = branch_of(state, event);
  branch.pending_call.reset();
  state.question.reset();
  state.steps.push_back({.id = event.body.at("step").get<std::string>(),
                         .branch = branch.name,
                         .call = tool_call_from_json(event.body.at("call")),
                         .result = tool_result_from_json(event.body.at("result"))});
  branch.turns.push_back(turn_from_json(event.body.at("turn")));
}

void apply_approval_requested(RunState& state, const Event& event) {
  state.question = Question{.step = event.body.at("step").get<std::string>(),
                            .call = tool_call_from_json(event.body.at("call")),
                            .reason = event.body.at("reason").get<std::string>()};
}

void apply_approval_given(RunState& state, const Event& event) {
  if (!state.waiting()) refuse(event, "nothing was asked");
  if (event.body.at("step") != state.question->step) refuse(event, "something else was asked");
  state.question->approved = event.body.at("approved").get<bool>();
  state.question->note = event.body.at("note").get<std::string>();
}

void apply_draft_checked(RunState& state, const Event& event) {
  const Branch& branch = branch_of(state, event);
  if (!branch.draft) refuse(event, "there is no draft");
  Draft& draft = state.drafts[*branch.draft];
  const Json& body = event.body;
  draft.checked = true;
  draft.verified = body.at("verified").get<bool>();
  draft.on_the_question = body.at("on_the_question").get<bool>();
  draft.score = body.at("score").get<double>();
  draft.claims = body.at("claims");
  draft.requirements = body.at("requirements");
  draft.missing = body.at("missing").get<std::vector<std::string>>();
  draft.reason = body.at("reason").get<std::string>();
  if (body.contains("usage")) add_usage(state, body.at("usage"));
}

void apply_branch_opened(RunState& state, const Event& event) {
  const Json& body = event.body;
  const auto from = std::find_if(
      state.branches.begin(), state.branches.end(),
      [&](const Branch& branch) { return branch.name == body.at("from").get<std::string>(); });
  const auto turns = body.at("turns").get<std::size_t>();
  if (from == state.branches.end() || turns > from->turns.size()) {
    refuse(event, "its parent is not there");
  }
  Branch branch{.name = event.branch, .reason = body.at("reason").get<std::string>()};
  branch.turns.assign(from->turns.begin(),
                      from->turns.begin() + static_cast<std::ptrdiff_t>(turns));
  branch.excluded_tools = body.at("excluded_tools").get<std::vector<std::string>>();
  branch.excluded_answers = body.at("excluded_answers").get<std::vector<std::string>>();
  branch.kept = body.value("kept", "");
  // Evidence is gathered in order of tool turns: the kept turns say how much of it is kept.
  for (const Turn& turn : branch.turns) {
    for (const Step& step : state.steps) {
      if (turn.role != Role::kTool || turn.tool_call_id != step.id) continue;
      branch.evidence.insert(branch.evidence.end(), step.evidence.begin(), step.evidence.end());
    }
  }
  const auto feedback = body.at("feedback").get<std::string>();
  if (!feedback.empty()) {
    branch.turns.push_back(
        Turn{.role = Role::kUser, .text = fill_prompt("repair", {{"reasons", feedback}})});
  }
  state.branches.push_back(std::move(branch));
  if (!body.at("alternative").is_null()) {
    const auto index = body.at("alternative").get<std::size_t>();
    if (index >= state.alternatives.size()) refuse(event, "no such candidate");
    Turn turn = std::move(state.alternatives[index].turn);
    state.alternatives.erase(state.alternatives.begin() + static_cast<std::ptrdiff_t>(index));
    take_generated(state, state.branches.back(), std::move(turn));
  }
}

void apply_finished(RunState& state, const Event& event) {
  state.status = event.body.at("status").get<std::string>();
  state.status_reason = event.body.at("reason").get<std::string>();
  if (!event.body.at("draft").is_null()) {
    const auto draft = event.body.at("draft").get<std::size_t>();
    if (draft >= state.drafts.size()) refuse(event, "no such draft");
    state.accepted = draft;
  }
}

// Time spent is counted from the first to the last event of each epoch: while nobody held the
// run, nothing was spent.
void count_time(RunState& state, const Event& event) {
  const bool opens_epoch =
      event.kind == "run_started" || event.kind == "run_resumed" || event.kind == "approval_given";
  if (opens_epoch) {
    state.first_ms = event.at_ms;
  } else {
    state.usage.milliseconds += std::max<std::int64_t>(0, event.at_ms - state.last_ms);
  }
  state.last_ms = event.at_ms;
}

}  // namespace

const Step* RunState::open_step() const {
  return !steps.empty() && !steps.back().result ? &steps.back() : nullptr;
}

const ToolSpec* RunState::tool(const std::string& name) const {
  const auto found = std::find_if(spec.tools.begin(), spec.tools.end(),
                                  [&](const ToolSpec& tool) { return tool.name == name; });
  return found == spec.tools.end() ? nullptr : &*found;
}

const Evidence* RunState::find_evidence(const std::string& evidence_id) const {
  const auto found = std::find_if(evidence.begin(), evidence.end(),
                                  [&](const Evidence& e) { return e.id == evidence_id; });
  return found == evidence.end() ? nullptr : &*found;
}

std::int64_t RunState::next_citation() const {
  std::int64_t used = 0;
  for (const Step& step : steps) {
    const auto parts = static_cast<std::int64_t>(step.evidence.size());
    if (step.result) used += std::max<std::int64_t>(1, parts);
  }
  return used + 1;
}

std::vector<Evidence> RunState::evidence_of(const Branch& branch) const {
  std::vector<Evidence> list;
  for (const std::string& id_of : branch.evidence) list.push_back(*find_evidence(id_of));
  return list;
}

void apply(RunState& state, const Event& event) {
  reading_json("run " + event.run + ", event " + std::to_string(event.seq), [&] {
    count_time(state, event);
    if (event.kind == "run_started") return apply_started(state, event);
    if (event.kind == "run_resumed") return;
    if (state.branches.empty()) refuse(event, "the run has not started");
    if (event.kind == "generated") return apply_generated(state, event);
    if (event.kind == "tool_intended") return apply_tool_intended(state, event);
    if (event.kind == "tool_finished") return apply_tool_finished(state, event);
    if (event.kind == "tool_refused") return apply_tool_refused(state, event);
    if (event.kind == "approval_requested") return apply_approval_requested(state, event);
    if (event.kind == "approval_given") return apply_approval_given(state, event);
    if (event.kind == "draft_checked") return apply_draft_checked(state, event);
    if (event.kind == "branch_opened") return apply_branch_opened(state, event);
    if (event.kind == "run_finished") return apply_finished(state, event);
    refuse(event, "a kind this version does not know");
  });
}

RunState fold(const std::vector<Event>& events) {
  RunState state;
  for (const Event& event : events) apply(state, event);
  return state;
}

Json run_started_body(const RunSpec& spec) {
  Json body = {{"task", spec.task},
               {"style", spec.style == AnswerStyle::kSpans ? "spans" : "prose"},
               {"model", spec.model},
               {"model_kind", spec.model_kind},
               {"seed", spec.seed},
               {"budget", to_json(spec.budget)},
               {"policy", tools::to_json(spec.policy)},
               {"sources", spec.sources},
               {"options", spec.options},
               {"requirements", Json::array()},
               {"tools", Json::array()},
               {"prompts", prompt_hashes()}};
  for (const Requirement& r : spec.requirements) body["requirements"].push_back(to_json(r));
  for (const ToolSpec& tool : spec.tools) body["tools"].push_back(to_json(tool));
  return body;
}

RunSpec run_spec_from_json(const Json& body) {
  return reading_json("run", [&] {
    RunSpec spec;
    spec.task = body.at("task").get<std::string>();
    spec.style = body.at("style") == "spans" ? AnswerStyle::kSpans : AnswerStyle::kProse;
    spec.model = body.at("model").get<std::string>();
    spec.model_kind = body.at("model_kind").get<std::string>();
    spec.seed = body.at("seed").get<std::uint64_t>();
    spec.budget = budget_from_json(body.at("budget"));
    spec.policy = tools::policy_from_json(body.at("policy"));
    spec.sources = body.at("sources");
    spec.options = body.at("options");
    for (const Json& r : body.at("requirements")) {
      spec.requirements.push_back(requirement_from_json(r));
    }
    for (const Json& tool : body.at("tools")) spec.tools.push_back(tool_spec_from_json(tool));
    return spec;
  });
}

}  // namespace orkestra::planner
