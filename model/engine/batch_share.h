// How the tokens of one step are shared among prompts in progress.
#pragma once

#include <cstddef>
#include <vector>

namespace orkestra::model {

struct PromptShare {
  std::size_t active = 0;  // whose
  std::size_t wanted = 0;  // tokens it could use, at least 1
  double weight = 1.0;     // above 0
  std::size_t given = 0;   // the answer
};

// Gives out `left` tokens in proportion to the weights; what one can't use goes to the others, so
// short prompts are done soon however long the others are. Every one gets at least 1 while there
// are any. The order of `shares` changes.
void share_tokens(std::vector<PromptShare>& shares, std::size_t left);

}  // namespace orkestra::model
