// Scoring choices with a server that only writes: the choices are put to the model as a list with
// letters, and the probability of each letter stands for its choice. Pure functions.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>

#include <optional>
#include <string>
#include <vector>

namespace orkestra::model {

// At most this many choices have a letter.
constexpr std::size_t kMaxScoredChoices = 26;

// The conversation's messages and the question: which of the choices comes next?
Json score_messages(const ScoreRequest& request);

// log p of each choice, normalised over the choices, from the first token's candidates
// ([{"token", "logprob"}]). A letter that is not among them gets what the least of them has: its
// true value is lower. nullopt when no letter is among them or the list can't be read.
std::optional<std::vector<double>> read_log_probabilities(const Json& candidates,
                                                          std::size_t choices);

// The choice a reply names ("B", "b)", "**B**."); nullopt for none.
std::optional<std::size_t> read_vote(const std::string& text, std::size_t choices);

// log of the share of votes, with half a vote more for each choice.
std::vector<double> log_shares(const std::vector<int>& votes);

}  // namespace orkestra::model
