// Script: the lines of a scripted model's file, read and checked once. Plain data.
#pragma once

#include <orkestra/core/tool_types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct ScriptedReply {
  int line = 0;
  std::string text;              // free text
  std::optional<ToolCall> call;  // or one call
  std::string expect;            // what the last user or tool turn must hold
};

struct ScriptedScore {
  int line = 0;
  std::vector<double> score;
  std::string expect;
};

struct Script {
  std::vector<ScriptedReply> replies;
  std::vector<ScriptedScore> scores;
};

// Empty lines and lines that begin with # are skipped. Throws Error{kInvalid} naming the line.
Script parse_script(std::string_view text, std::string_view name);

}  // namespace orkestra::model
