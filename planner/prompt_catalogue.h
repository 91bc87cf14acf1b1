// PromptCatalogue: every text the planner shows a model, as versioned entries. The files of
// planner/prompts/ are compiled in; a run journals the id and hash of each, so a report says which
// words were used, and the bundled model is trained on exactly these. Immutable.
#pragma once

#include <orkestra/core/json.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

struct Prompt {
  std::string id;    // the file's name without its extension: "tool_result"
  std::string text;  // {name} marks a hole
  std::string hash;  // sha256_hex(text)
};

const std::vector<Prompt>& prompt_catalogue();

// Throws Error{kNotFound}.
const Prompt& prompt(std::string_view id);

// `prompt(id).text` with its holes filled in. Throws Error{kInvalid} for a hole without a value.
std::string fill_prompt(std::string_view id, const std::map<std::string, std::string>& values);

// {"tool_result": "<hash>", ...}: what a run journals.
Json prompt_hashes();

}  // namespace orkestra::planner
