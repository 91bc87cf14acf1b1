#include <orkestra/planner/report.h>

#include <algorithm>

namespace orkestra::planner {
namespace {

Json steps_json(const RunState& state) {
  Json steps = Json::array();
  for (const Step& step : state.steps) {
    Json entry = {{"id", step.id},
                  {"branch", step.branch},
                  {"tool", step.call.name},
                  {"arguments", step.call.arguments}};
    if (!step.result) {
      entry["outcome"] = "unknown";
    } else if (step.result->ok) {
      entry["outcome"] = "ok";
      entry["result"] = step.result->value;
      entry["evidence"] = step.evidence;
    } else {
      entry["outcome"] = info(step.result->code).name;
      entry["message"] = step.result->message;
    }
    steps.push_back(std::move(entry));
  }
  return steps;
}

Json requirements_result(const RunState& state, const Draft* draft) {
  Json results = draft != nullptr ? draft->requirements : Json::array();
  std::size_t met = 0;
  for (const Json& result : results) met += result.value("status", "") == "met" ? 1 : 0;
  const double score = results.empty()
                           ? (state.spec.requirements.empty() ? 1.0 : 0.0)
                           : static_cast<double>(met) / static_cast<double>(results.size());
  return {{"score", score}, {"finish_reason", state.status}, {"requirements", results}};
}

// Evidence the answer cites, in order of its claims.
Json citations_json(const RunState& state, const Draft* draft) {
  Json citations = Json::array();
  std::vector<std::string> seen;
  if (draft == nullptr) return citations;
  for (const Json& claim : draft->claims) {
    for (const Json& id : claim.value("cited", Json::array())) {
      const Evidence* evidence = state.find_evidence(id.get<std::string>());
      if (evidence == nullptr) continue;
      if (std::find(seen.begin(), seen.end(), evidence->id) != seen.end()) continue;
      seen.push_back(evidence->id);
      citations.push_back(to_json(*evidence));
    }
  }
  return citations;
}

std::string status_of(const RunState& state) {
  if (state.waiting()) return "waiting";
  return state.finished() ? state.status : "unfinished";
}

// The call that waits for a person's answer, or null.
Json question_json(const RunState& state) {
  if (!state.waiting()) return nullptr;
  const Question& question = *state.question;
  return {{"step", question.step},
          {"tool", question.call.name},
          {"arguments", question.call.arguments},
          {"reason", question.reason}};
}

}  // namespace

Json make_report(const RunState& state) {
  const Draft* draft = state.accepted ? &state.drafts[*state.accepted] : nullptr;
  return {
      {"id", state.id},
      {"status", status_of(state)},
      {"reason", state.waiting() ? state.question->reason : state.status_reason},
      {"task", state.spec.task},
      {"answer", draft != nullptr ? draft->answer : ""},
      {"citations", citations_json(state, draft)},
      {"requirements_result", requirements_result(state, draft)},
      {"claims", draft != nullptr ? draft->claims : Json::array()},
      {"coverage", {{"missing", draft != nullptr ? draft->missing : std::vector<std::string>()}}},
      {"data_sources", state.spec.sources},
      {"steps", steps_json(state)},
      {"approval", question_json(state)},
      {"branches", state.branches.size()},
      {"usage", to_json(state.usage)},
      {"budget", to_json(state.spec.budget)},
      {"model", {{"id", state.spec.model}, {"kind", state.spec.model_kind}}},
      {"seed", state.spec.seed}};
}

int exit_status(const std::string& status) {
  if (status == "verified") return 0;
  if (status == "unverified") return 3;
  if (status == "waiting") return 4;
  if (status == "exhausted") return 5;
  if (status == "abstained") return 6;
  if (status == "cancelled") return 130;
  return 1;
}

}  // namespace orkestra::planner
