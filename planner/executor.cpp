#include <orkestra/core/error.h>
#include <orkestra/core/hash.h>
#include <orkestra/planner/draft_check.h>
#include <orkestra/planner/draft_constraint.h>
#include <orkestra/planner/executor.h>
#include <orkestra/planner/prompt_catalogue.h>

#include <algorithm>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace orkestra::planner {
namespace {

constexpr double kCandidateTemperature = 0.8;
constexpr std::chrono::seconds kToolDeadline{30};

Conversation conversation_of(const RunState& state) {
  Conversation conversation =
      Conversation()
          .with_tools(state.spec.tools)
          .with_turn(Turn{.role = Role::kSystem, .text = prompt("system").text});
  for (const Turn& turn : state.branch().turns) conversation = conversation.with_turn(turn);
  return conversation;
}

// What a result is as Evidence, numbered from `number` on: its parts, or the whole of it.
std::vector<Evidence> evidence_of(std::int64_t number, const ToolResult& result,
                                  const ToolSpec* tool) {
  std::vector<Evidence> list;
  if (!result.ok) return list;
  for (const ResultPart& part : result.parts) {
    list.push_back({.id = std::to_string(number++),
                    .quote = part.text,
                    .value = part.text,
                    .description = part.description,
                    .origin = part.origin,
                    .hash = sha256_hex(part.text),
                    .label = part.label});
  }
  if (!list.empty()) return list;
  std::string quote = dump_json_spaced(result.value);
  std::string hash = sha256_hex(quote);
  list.push_back({.id = std::to_string(number),
                  .quote = std::move(quote),
                  .value = result.value,
                  .description = tool == nullptr ? "" : tool->description,
                  .origin = result.origin,
                  .hash = std::move(hash),
                  .label = result.label});
  return list;
}

// The turn that shows the model a result: each piece under the number it is cited by.
Turn result_turn(const std::string& step, std::int64_t number, const ToolResult& result,
                 const std::vector<Evidence>& evidence) {
  Turn turn{.role = Role::kTool, .tool_call_id = step};
  if (!result.ok) {
    turn.text = fill_prompt("tool_error", {{"id", std::to_string(number)},
                                           {"message", dump_json(Json(result.message))}});
  }
  for (const Evidence& piece : evidence) {
    const std::string title =
        result.parts.empty() || piece.description.empty() ? "" : piece.description + ": ";
    if (!turn.text.empty()) turn.text += "\n";
    turn.text += fill_prompt("tool_result", {{"id", piece.id}, {"result", title + piece.quote}});
  }
  return turn;
}

Json usage_json(const model::TokenUsage& usage) {
  return {{"prompt", usage.prompt}, {"reused", usage.reused}, {"generated", usage.generated}};
}

Json evidence_json(const std::vector<Evidence>& list) {
  Json json = Json::array();
  for (const Evidence& evidence : list) json.push_back(to_json(evidence));
  return json;
}

}  // namespace

Executor::Executor(RunServices services) : services_(std::move(services)) {
  if (ModelOutlines::reads(services_.model.capabilities())) outlines_.emplace(services_.model);
}

void Executor::record(RunState& state, NewEvent event) {
  event.at_ms = services_.clock.unix_ms();
  const Event appended = services_.append(std::move(event));
  apply(state, appended);
  services_.on_event(appended);
}

Limits Executor::limits(const RunState& state) const {
  const std::int64_t left =
      std::max<std::int64_t>(1, state.spec.budget.milliseconds - state.usage.milliseconds);
  Limits limits = Limits::within(std::chrono::milliseconds(left));
  limits.stop = services_.stop;
  return limits;
}

void Executor::start(const RunSpec& spec, RunState& state) {
  record(state, {.branch = "main", .kind = "run_started", .body = run_started_body(spec)});
}

void Executor::resume(RunState& state) {
  record(state, {.branch = state.branch().name, .kind = "run_resumed"});
}

void Executor::perform(const Action& action, RunState& state) {
  if (services_.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, "run " + state.id + " was cancelled; it can be resumed");
  }
  std::visit(
      [&](const auto& chosen) {
        using Chosen = std::decay_t<decltype(chosen)>;
        if constexpr (std::is_same_v<Chosen, Generate>) generate(state);
        if constexpr (std::is_same_v<Chosen, CallTool>) call_tool(chosen, state);
        if constexpr (std::is_same_v<Chosen, RefuseCall>) refuse_call(chosen, state);
        if constexpr (std::is_same_v<Chosen, AskApproval>) ask_approval(chosen, state);
        if constexpr (std::is_same_v<Chosen, CheckDraft>) check_draft(state);
        if constexpr (std::is_same_v<Chosen, OpenBranch>) open_branch(chosen, state);
        if constexpr (std::is_same_v<Chosen, Finish>) finish(chosen, state);
      },
      action);
}

// All candidates in one submit: the first greedy, the others sampled; equal ones count once.
void Executor::generate(RunState& state) {
  const Conversation conversation = conversation_of(state);
  const model::Constraint constraint = next_turn_constraint(state, state.branch());
  std::vector<model::GenerateRequest> requests;
  for (int i = 0; i < state.spec.budget.candidates; ++i) {
    model::GenerateRequest request{.conversation = conversation, .constraint = constraint};
    request.limits = limits(state);
    request.sampling.temperature = i == 0 ? 0.0 : kCandidateTemperature;
    request.sampling.seed = state.spec.seed + static_cast<std::uint64_t>(i);
    requests.push_back(std::move(request));
  }
  Json candidates = Json::array();
  model::TokenUsage usage;
  std::exception_ptr failure;
  for (const auto& ticket : services_.model.submit(std::move(requests))) {
    model::Generation written;
    try {
      written = ticket->wait();
    } catch (const Error&) {
      // A candidate lost is lost alone, unless it is the last.
      failure = std::current_exception();
      continue;
    }
    usage.prompt += written.usage.prompt;
    usage.reused += written.usage.reused;
    usage.generated += written.usage.generated;
    Json turn = to_json(written.turn);
    const bool known = std::any_of(candidates.begin(), candidates.end(), [&](const Json& other) {
      return other.at("turn").at("text") == turn.at("text") &&
             other.at("turn").value("tool_calls", Json()) == turn.value("tool_calls", Json());
    });
    if (!known) {
      candidates.push_back({{"turn", std::move(turn)},
                            {"log_probability", written.log_probability},
                            {"cut_off", written.finish == model::FinishReason::kLength}});
    }
  }
  if (candidates.empty()) std::rethrow_exception(failure);
  Label seen{Integrity::kTrusted, Confidentiality::kPrivate};
  for (const Evidence& evidence : state.evidence_of(state.branch())) {
    seen = join(seen, evidence.label);
  }
  record(state, {.branch = state.branch().name,
                 .kind = "generated",
                 .label = seen,
                 .body = {{"candidates", std::move(candidates)}, {"usage", usage_json(usage)}}});
}

void Executor::call_tool(const CallTool& action, RunState& state) {
  const std::string branch = state.branch().name;
  ToolCall call = action.call;
  call.id = action.step;
  if (!action.intended) {
    record(state, {.branch = branch,
                   .kind = "tool_intended",
                   .body = {{"step", action.step}, {"call", to_json(call)}}});
  }
  Limits bounds = limits(state);
  bounds.deadline = std::min(bounds.deadline, Limits::within(kToolDeadline).deadline);
  const ToolResult result = services_.call_tool(call, bounds);
  if (!result.ok && result.code == ErrorCode::kCancelled && services_.stop.stop_requested()) {
    throw Error(ErrorCode::kCancelled, "run " + state.id + " was cancelled; it can be resumed");
  }
  const std::int64_t number = state.next_citation();
  const std::vector<Evidence> evidence = evidence_of(number, result, state.tool(call.name));
  record(state, {.branch = branch,
                 .kind = "tool_finished",
                 .label = result.label,
                 .body = {{"step", action.step},
                          {"result", to_json(result)},
                          {"evidence", evidence_json(evidence)},
                          {"turn", to_json(result_turn(action.step, number, result, evidence))}}});
}

void Executor::refuse_call(const RefuseCall& action, RunState& state) {
  ToolCall call = action.call;
  call.id = action.step;
  const ToolResult result = ToolResult::failure(action.code, action.reason);
  const Turn turn = result_turn(action.step, state.next_citation(), result, {});
  NewEvent event{.branch = state.branch().name,
                 .kind = action.intended ? "tool_finished" : "tool_refused",
                 .body = {{"step", action.step},
                          {"call", to_json(call)},
                          {"result", to_json(result)},
                          {"evidence", Json::array()},
                          {"turn", to_json(turn)}}};
  record(state, std::move(event));
}

void Executor::ask_approval(const AskApproval& action, RunState& state) {
  ToolCall call = action.call;
  call.id = action.step;
  record(state,
         {.branch = state.branch().name,
          .kind = "approval_requested",
          .body = {{"step", action.step}, {"call", to_json(call)}, {"reason", action.reason}}});
}

void Executor::check_draft(RunState& state) {
  OutlineReader* outlines = outlines_ ? &*outlines_ : nullptr;
  Json body = check_draft_of(state, state.branch(), services_.recheck, limits(state), outlines);
  if (outlines_) body["usage"] = usage_json(outlines_->take_usage());
  record(state, {.branch = state.branch().name, .kind = "draft_checked", .body = std::move(body)});
}

void Executor::open_branch(const OpenBranch& action, RunState& state) {
  const std::string name = "main/" + std::to_string(state.branches.size() + 1);
  Json body = {{"from", action.from},
               {"turns", action.turns},
               {"excluded_tools", action.excluded_tools},
               {"excluded_answers", action.excluded_answers},
               {"feedback", action.feedback},
               {"alternative", action.alternative ? Json(*action.alternative) : Json(nullptr)},
               {"reason", action.reason}};
  if (!action.kept.empty()) body["kept"] = action.kept;
  record(state, {.branch = name, .kind = "branch_opened", .body = std::move(body)});
}

void Executor::finish(const Finish& action, RunState& state) {
  record(state, {.branch = state.branch().name,
                 .kind = "run_finished",
                 .body = {{"status", action.status},
                          {"reason", action.reason},
                          {"draft", action.draft ? Json(*action.draft) : Json(nullptr)}}});
}

}  // namespace orkestra::planner
