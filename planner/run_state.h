// RunState: a run as the fold of its journal's events. A plain value: the planner decides by it,
// the report and the trace are drawn from it, and a resumed process rebuilds it by reading.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/core/evidence.h>
#include <orkestra/planner/budget.h>
#include <orkestra/planner/journal.h>
#include <orkestra/planner/verify/requirement.h>
#include <orkestra/tools/policy.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::planner {

// How answers are written. A small model (under kProseParameters) fills answer forms and copies
// values out of results; a larger one writes prose. Either way every claim is checked afterwards.
enum class AnswerStyle { kSpans, kProse };
inline constexpr std::int64_t kProseParameters = 300'000'000;

// What a run was asked and with what; journaled whole as its first event.
struct RunSpec {
  std::string task{};
  std::vector<Requirement> requirements{};
  std::vector<ToolSpec> tools{};
  Budget budget{};
  tools::Policy policy{};
  AnswerStyle style = AnswerStyle::kProse;
  std::string model{};       // capabilities().id
  std::string model_kind{};  // "embedded", "scripted"
  std::uint64_t seed = 0;
  Json sources = Json::array();   // [{kind, path}]: what the answer may rest on, for the report
  Json options = Json::object();  // the caller's own, kept for resuming; not read here
};

// One call of a tool. `result` is absent while its outcome is not recorded.
struct Step {
  std::string id{};  // "s1": also the idempotency key handed to the tool
  std::string branch{};
  ToolCall call{};
  std::optional<ToolResult> result{};
  std::vector<std::string> evidence{};  // ids of the Evidence the result became
};

// A call that was put to a person.
struct Question {
  std::string step{};
  ToolCall call{};
  std::string reason{};
  std::optional<bool> approved{};  // absent until answered
  std::string note{};              // what the person said
};

// A finished draft and how it fared.
struct Draft {
  std::string branch{};
  std::string answer{};
  bool abstains = false;  // the model said that the tools can't answer
  bool checked = false;
  bool verified = false;               // every claim supported, every mandatory requirement met
  bool on_the_question = false;        // its evidence speaks about what was asked
  double score = 0.0;                  // share of claims and requirements that hold, for ranking
  Json claims = Json::array();         // to_json(CheckedClaim)
  Json requirements = Json::array();   // to_json(RequirementResult)
  std::vector<std::string> missing{};  // words of the question nothing accounts for
  std::string reason{};                // why it is not verified, for people and models
};

// A line of the plan: a prefix of an earlier branch, then its own turns.
struct Branch {
  std::string name{};  // "main", "main/2"
  std::string reason{};
  std::vector<Turn> turns{};                    // the conversation so far, the task first
  std::vector<std::string> excluded_tools{};    // not to be called again from here
  std::vector<std::string> excluded_answers{};  // already refused
  std::vector<std::string> evidence{};          // ids this branch has gathered
  std::optional<ToolCall> pending_call{};       // written, not yet run
  std::optional<std::size_t> draft{};           // index into RunState::drafts
  // A true draft that says only part of what was asked: a further call goes on from its results,
  // and what that gives is said after it. "" = none.
  std::string kept{};
  bool dead = false;  // leads nowhere: a repeated call, too many steps
};

struct RunState {
  std::string id{};
  RunSpec spec{};
  std::vector<Branch> branches{};  // the last one is being worked on
  std::vector<Step> steps{};
  std::vector<Evidence> evidence{};
  std::vector<Draft> drafts{};
  // Candidates of a proposal that were not taken, and the branch prefix they belong to.
  struct Alternative {
    std::string branch{};
    std::size_t turns = 0;
    Turn turn;
  };
  std::vector<Alternative> alternatives{};
  std::optional<Question> question{};  // open, or answered and not yet acted upon
  std::int64_t proposals = 0;          // times the model was asked for a turn
  Usage usage{};
  std::string status{};  // "" until finished, else "verified", "unverified", "abstained", ...
  std::string status_reason{};
  std::optional<std::size_t> accepted{};  // the draft the report presents

  const Branch& branch() const { return branches.back(); }
  const Step* open_step() const;  // intended, outcome not recorded
  const ToolSpec* tool(const std::string& name) const;
  const Evidence* find_evidence(const std::string& id) const;
  bool finished() const { return !status.empty(); }
  bool waiting() const { return !finished() && question && !question->approved; }
  // The number of the next result: 1, 2, ...; a result of several parts takes several.
  std::int64_t next_citation() const;
  std::vector<Evidence> evidence_of(const Branch& branch) const;

  std::int64_t first_ms = 0;  // of the epoch being folded
  std::int64_t last_ms = 0;
};

// Adds one event. Throws Error{kCorrupt} when the event can't follow what came before.
void apply(RunState& state, const Event& event);
RunState fold(const std::vector<Event>& events);

// Bodies of the events, written by the executor and read by apply.
Json run_started_body(const RunSpec& spec);
RunSpec run_spec_from_json(const Json& body);

}  // namespace orkestra::planner
