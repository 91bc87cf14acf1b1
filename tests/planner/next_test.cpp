// What a run does when a draft was refused or given up: candidates that wait, and what it says.
#include <orkestra/planner/next.h>
#include <orkestra/planner/prompt_catalogue.h>
#include <orkestra/tests/catch.h>

#include <string>
#include <variant>

namespace orkestra::planner {
namespace {

Turn call_of(const std::string& name) {
  return {.role = Role::kAssistant, .tool_calls = {{.name = name, .arguments = Json::object()}}};
}
Turn said(const std::string& text) { return {.role = Role::kAssistant, .text = text}; }

// A run whose only call gave two values; the first was drafted and refused.
RunState refused_once(AnswerStyle style) {
  RunState state;
  state.spec.task = "What is the revenue of Westmark?";
  state.spec.style = style;
  state.spec.budget = Budget::of_level("high");
  state.spec.tools = {{.name = "revenue", .description = "Get the revenue."}};
  state.steps = {{.id = "s1",
                  .call = {.name = "revenue", .arguments = Json::object()},
                  .result = ToolResult::success({{"a", "3"}, {"b", "4"}}, {}),
                  .evidence = {"1"}}};
  state.evidence = {{.id = "1", .quote = "{}", .value = {{"a", "3"}, {"b", "4"}}}};
  state.drafts = {{.branch = "main", .answer = "3 [1]", .checked = true, .on_the_question = true}};
  state.branches = {
      {.name = "main",
       .turns = {Turn{.role = Role::kUser, .text = state.spec.task}, call_of("revenue"),
                 Turn{.role = Role::kTool, .text = "[1] {}", .tool_call_id = "s1"}, said("3 [1]")},
       .evidence = {"1"},
       .draft = 0}};
  state.alternatives = {{"main", 1, call_of("revenue")},
                        {"main", 3, said("3 [1]")},
                        {"main", 3, said(prompt("abstain").text)},
                        {"main", 3, said("5 [1]")}};
  return state;
}

OpenBranch opened(const RunState& state) {
  const Action action = next(state);
  REQUIRE(std::holds_alternative<OpenBranch>(action));
  return std::get<OpenBranch>(action);
}

TEST_CASE("a small model's sampled candidates are tried when nothing else is left") {
  RunState state = refused_once(AnswerStyle::kSpans);
  const OpenBranch first = opened(state);
  CHECK_FALSE(first.alternative);
  CHECK(first.excluded_answers == std::vector<std::string>{"3 [1]"});

  // The other value was refused as well: neither the same call, nor a refused draft, nor giving up
  // is worth a branch.
  state.branches.front().excluded_answers = {"3 [1]", "4 [1]"};
  state.branches.front().excluded_tools = {"revenue"};
  const OpenBranch last = opened(state);
  REQUIRE(last.alternative);
  CHECK(*last.alternative == 3);
  CHECK(last.turns == 3);

  state.alternatives.pop_back();
  CHECK(std::holds_alternative<Finish>(next(state)));
}

TEST_CASE("a small model that gives up has its other candidates tried first") {
  RunState state = refused_once(AnswerStyle::kSpans);
  state.drafts.front().abstains = true;
  const OpenBranch last = opened(state);
  REQUIRE(last.alternative);
  CHECK(*last.alternative == 3);
  state.spec.budget.repairs = 0;
  CHECK(std::holds_alternative<Finish>(next(state)));
}

TEST_CASE("who abstains after a failed call says what failed") {
  RunState state = refused_once(AnswerStyle::kProse);
  state.drafts.front() = {.branch = "main", .answer = "no", .abstains = true};
  state.steps.front().result = ToolResult::failure(ErrorCode::kUnavailable, "no network");
  const Action action = next(state);
  REQUIRE(std::holds_alternative<Finish>(action));
  CHECK(std::get<Finish>(action).reason ==
        "the sources do not answer it: revenue failed: no network");
}

// "The phone of the owner of Zor": the phone was asked of Zor in vain, then Zor's owner was found.
TEST_CASE("a call that failed may be made again with what was found since") {
  const auto tool = [](const std::string& what, const std::string& of) {
    return ToolSpec{
        .name = "get_" + what,
        .description = "Get the " + what + " of a " + of + ".",
        .parameters = {{"type", "object"},
                       {"properties", {{of, {{"type", "string"}}}}},
                       {"required", Json::array({of})}},
        .answer_form = "The " + what + " of the " + of + " {" + of + "} is {" + what + "}."};
  };
  const ToolCall phone{.name = "get_phone", .arguments = {{"owner", "Zor"}}};
  const ToolCall owner{.name = "get_owner", .arguments = {{"ship", "Zor"}}};
  const std::string answer = "The owner of the ship Zor is Anna [1].";
  RunState state;
  state.spec.task = "What is the phone of the owner of the ship Zor?";
  state.spec.style = AnswerStyle::kSpans;
  state.spec.budget = Budget::of_level("medium");
  state.spec.tools = {tool("phone", "owner"), tool("owner", "ship")};
  state.steps = {{.id = "s1",
                  .call = phone,
                  .result = ToolResult::failure(ErrorCode::kNotFound, "nothing of that name")},
                 {.id = "s2",
                  .call = owner,
                  .result = ToolResult::success({{"owner", "Anna"}}, {}),
                  .evidence = {"1"}}};
  state.evidence = {{.id = "1", .quote = "{}", .value = {{"owner", "Anna"}}}};
  state.drafts = {{.branch = "main/2",
                   .answer = answer,
                   .checked = true,
                   .claims = Json::array({{{"verdict", "supported"}}}),
                   .missing = {"phone"}}};
  state.branches = {
      {.name = "main/2",
       .turns = {Turn{.role = Role::kUser, .text = state.spec.task},
                 Turn{.role = Role::kAssistant, .tool_calls = {phone}},
                 Turn{.role = Role::kTool, .text = "[1]", .tool_call_id = "s1"},
                 Turn{.role = Role::kAssistant, .tool_calls = {owner}},
                 Turn{.role = Role::kTool, .text = "[1]", .tool_call_id = "s2"}, said(answer)},
       .excluded_tools = {"get_phone", "get_owner"},
       .excluded_answers = {answer},
       .evidence = {"1"},
       .draft = 0}};
  const OpenBranch open = opened(state);
  CHECK(open.kept == answer);
  CHECK(open.excluded_tools == std::vector<std::string>{"get_owner"});
}

TEST_CASE("a larger model's candidates are taken in order") {
  const OpenBranch open = opened(refused_once(AnswerStyle::kProse));
  REQUIRE(open.alternative);
  CHECK(*open.alternative == 0);
}

}  // namespace
}  // namespace orkestra::planner
