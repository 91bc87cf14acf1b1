// The requests an agent makes, as token ids: long shared beginnings, branches, going back, edits.
// Contents are pseudo-random ids; only what is shared with what matters.
#pragma once

#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::bench {

using model::TokenId;

// A request's prompt is the first `keep` tokens of an earlier request with its output (all of
// them: keep = kAll), followed by the fresh segments.
struct Request {
  static constexpr std::size_t kAll = SIZE_MAX;
  std::string id;
  std::optional<std::size_t> after{};  // index of the earlier request
  std::size_t keep = kAll;
  std::vector<std::vector<TokenId>> fresh;
  std::size_t n_output = 0;
  std::string group{};  // neighbours of one group are sent at once
};

struct Scenario {
  std::string name;
  std::string description;
  std::vector<Request> requests;
};

// Ids are drawn from [first_id, n_vocab); n_vocab must be 1,000 or more above first_id.
struct ScenarioOptions {
  TokenId first_id = 0;
  TokenId n_vocab = 0;
  std::size_t scale_percent = 100;  // of every length
};
std::vector<Scenario> make_scenarios(const ScenarioOptions& options);

// A scenario with every prompt spelled out. `outputs` are what each request is made to say.
struct SpelledRequest {
  std::vector<TokenId> prompt;
  std::vector<std::size_t> marks;  // where its segments end
  std::vector<TokenId> output;
  std::size_t truly_new = 0;  // prompt tokens behind the first difference from all sent before
};
// Spells one request, given those before it.
SpelledRequest spell(const Scenario& scenario, std::size_t index,
                     const std::vector<SpelledRequest>& before);

// n ids from the options' range, the same for the same seed.
std::vector<TokenId> random_ids(const ScenarioOptions& options, std::size_t n, std::uint64_t seed);

}  // namespace orkestra::bench
