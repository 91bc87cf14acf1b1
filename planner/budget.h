// Budget: what a whole run may spend. Usage: what it has spent, exactly, from journaled outcomes.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace orkestra::planner {

struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  // of the prompt tokens, not computed again
  std::int64_t generated_tokens = 0;
  std::int64_t milliseconds = 0;  // while the run was held by a process
  std::int64_t tool_calls = 0;

  std::int64_t computed_tokens() const { return prompt_tokens - reused_tokens + generated_tokens; }
  void add(const model::TokenUsage& tokens);
};

struct Budget {
  std::string level = "medium";
  std::int64_t tokens = 0;  // computed: prompt tokens that were reused cost nothing
  std::int64_t milliseconds = 0;
  std::int64_t tool_calls = 0;
  int candidates = 1;  // proposals per model call, one submit
  int repairs = 0;     // branches opened after a draft or call that failed its checks

  // "low", "medium" or "high"; throws Error{kInvalid} naming them.
  static Budget of_level(std::string_view level);
  // What is used up, in words ("300 of 300 seconds"), if anything is.
  std::optional<std::string> exhausted(const Usage& usage) const;
  std::optional<std::string> tool_calls_exhausted(const Usage& usage) const;
};

Json to_json(const Budget& budget);
Json to_json(const Usage& usage);
Budget budget_from_json(const Json& json);

}  // namespace orkestra::planner
