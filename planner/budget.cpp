#include <orkestra/core/error.h>
#include <orkestra/planner/budget.h>

namespace orkestra::planner {
namespace {

std::string spent(std::int64_t used, std::int64_t limit, const char* what) {
  return std::to_string(used) + " of " + std::to_string(limit) + " " + what;
}

}  // namespace

void Usage::add(const model::TokenUsage& tokens) {
  prompt_tokens += tokens.prompt;
  reused_tokens += tokens.reused;
  generated_tokens += tokens.generated;
}

Budget Budget::of_level(std::string_view level) {
  if (level == "low") return {"low", 20'000, 60'000, 6, 1, 4};
  if (level == "medium") return {"medium", 100'000, 300'000, 16, 1, 8};
  if (level == "high") return {"high", 500'000, 1'200'000, 48, 3, 24};
  throw Error(ErrorCode::kInvalid,
              "budget: \"" + std::string(level) + "\" is not one of low, medium, high");
}

std::optional<std::string> Budget::exhausted(const Usage& usage) const {
  if (usage.computed_tokens() >= tokens) return spent(usage.computed_tokens(), tokens, "tokens");
  if (usage.milliseconds < milliseconds) return std::nullopt;
  return spent(usage.milliseconds / 1000, milliseconds / 1000, "seconds");
}

std::optional<std::string> Budget::tool_calls_exhausted(const Usage& usage) const {
  if (usage.tool_calls < tool_calls) return std::nullopt;
  return spent(usage.tool_calls, tool_calls, "tool calls");
}

Json to_json(const Budget& budget) {
  return {{"level", budget.level},
          {"tokens", budget.tokens},
          {"milliseconds", budget.milliseconds},
          {"tool_calls", budget.tool_calls},
          {"candidates", budget.candidates},
          {"repairs", budget.repairs}};
}

Json to_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"reused_tokens", usage.reused_tokens},
          {"generated_tokens", usage.generated_tokens},
          {"seconds", static_cast<double>(usage.milliseconds) / 1000.0},
          {"tool_calls", usage.tool_calls}};
}

Budget budget_from_json(const Json& json) {
  return reading_json("budget", [&] {
    return Budget{json.at("level").get<std::string>(),
                  json.at("tokens").get<std::int64_t>(),
                  json.at("milliseconds").get<std::int64_t>(),
                  json.at("tool_calls").get<std::int64_t>(),
                  json.at("candidates").get<int>(),
                  json.at("repairs").get<int>()};
  });
}

}  // namespace orkestra::planner
