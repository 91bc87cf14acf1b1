// Prompt-lookup speculation: what followed the last few tokens the last time is guessed to follow
// again. Guesses are computed in one step with the token they follow and kept only while the
// sampled token is the guessed one, so the output is what it would have been without.
// (Saxena 2023, "Prompt lookup decoding"; Leviathan et al. 2023 for verification in one step.)
#pragma once

#include <orkestra/model/engine/step_cost.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <span>
#include <vector>

namespace orkestra::model {

// Appends to `out` up to `most` tokens that followed the latest earlier occurrence of the last
// three tokens. Nothing when there is none.
void look_up_draft(std::span<const TokenId> tokens, std::size_t most, std::vector<TokenId>& out);

// How many guesses a sequence is worth, from how many came true and what steps cost. While none are
// made, the first of those that could be is still held against what was written, which costs
// nothing. Owned by the worker, one per sequence.
class DraftControl {
 public:
  static constexpr std::size_t kMost = 8;

  // Guesses for the next step, 0 to kMost. `n_writing`: sequences in that step. `copy_seconds`: of
  // the state that is kept for the case that a guess is wrong.
  std::size_t choose(const StepTimes& times, std::size_t n_writing, double copy_seconds);
  // The token that would have been guessed first was written, or another.
  void watch(bool came_true);
  // Of the n_guessed that choose() allowed, the first n_true came true.
  void settle(const StepTimes& times, std::size_t n_writing, double copy_seconds,
              std::size_t n_guessed, std::size_t n_true);

 private:
  double true_share_ = 0.4;      // of guesses, given that those before it were true
  double balance_ = 0.0;         // steps won by guessing, and allowed to be lost
  std::size_t most_ = 2;         // guesses now; doubled where all came true
  std::size_t since_tried_ = 0;  // steps without a guess
};

}  // namespace orkestra::model
