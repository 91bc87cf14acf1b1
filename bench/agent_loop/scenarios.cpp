#include <orkestra/bench/agent_loop/scenarios.h>
#include <orkestra/model/engine/sampler.h>

#include <algorithm>

namespace orkestra::bench {
namespace {

class Writer {
 public:
  explicit Writer(const ScenarioOptions& options) : options_(options) {}

  std::size_t length(std::size_t n) const {
    return std::max<std::size_t>(2, n * options_.scale_percent / 100);
  }
  // n ids nobody else has, behind a first one that every segment of its kind shares, as a chat
  // template's opening token.
  std::vector<TokenId> segment(TokenId kind, std::size_t n) {
    std::vector<TokenId> ids = random_ids(options_, length(n), ++seed_);
    ids.front() = options_.first_id + kind;
    return ids;
  }

 private:
  ScenarioOptions options_;
  std::uint64_t seed_ = 0;
};

enum Kind : TokenId { kSystem, kUser, kResult };

std::vector<TokenId> joined(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Turn 1 is system + user; every later one is what the model said and a tool's result.
void add_turns(Scenario& to, Writer& write, const std::vector<TokenId>& system, int n) {
  to.requests.push_back(
      {.id = "turn 1", .fresh = {system, write.segment(kUser, 50)}, .n_output = write.length(60)});
  for (int turn = 2; turn <= n; ++turn) {
    to.requests.push_back({.id = "turn " + std::to_string(turn),
                           .after = to.requests.size() - 1,
                           .fresh = {write.segment(kResult, 300)},
                           .n_output = write.length(60)});
  }
}

Scenario loop(Writer& write) {
  Scenario s{.name = "loop",
             .description =
                 "six turns, three branches from turn 3 one after the other, a new "
                 "conversation with the same system prompt, back to the main line",
             .requests = {}};
  const std::vector<TokenId> system = write.segment(kSystem, 1500);
  add_turns(s, write, system, 6);
  for (const char* name : {"a", "b", "c"}) {
    std::size_t after = 2;
    for (const char* step : {"1", "2"}) {
      s.requests.push_back({.id = std::string("branch ") + name + step,
                            .after = after,
                            .fresh = {write.segment(kResult, 300)},
                            .n_output = write.length(60)});
      after = s.requests.size() - 1;
    }
  }
  s.requests.push_back({.id = "new conversation",
                        .fresh = {system, write.segment(kUser, 50)},
                        .n_output = write.length(60)});
  s.requests.push_back({.id = "back to turn 7",
                        .after = 5,
                        .fresh = {write.segment(kResult, 300)},
                        .n_output = write.length(60)});
  return s;
}

Scenario concurrent(Writer& write) {
  Scenario s{.name = "concurrent",
             .description = "three turns, then three branches at the same time",
             .requests = {}};
  add_turns(s, write, write.segment(kSystem, 1500), 3);
  for (const char* name : {"a", "b", "c"}) {
    s.requests.push_back({.id = std::string("branch ") + name,
                          .after = 2,
                          .fresh = {write.segment(kResult, 300)},
                          .n_output = write.length(60),
                          .group = "branches"});
  }
  return s;
}

Scenario burst(Writer& write) {
  Scenario s{.name = "burst",
             .description = "20 conversations with one system prompt at the same time",
             .requests = {}};
  const std::vector<TokenId> system = write.segment(kSystem, 1500);
  for (int i = 1; i <= 20; ++i) {
    s.requests.push_back({.id = "user " + std::to_string(i),
                          .fresh = {system, write.segment(kUser, 50)},
                          .n_output = write.length(16),
                          .group = "burst"});
  }
  return s;
}

Scenario document(Writer& write) {
  Scenario s{.name = "document",
             .description = "one document of 4,000 tokens asked ten questions",
             .requests = {}};
  const std::vector<TokenId> system = write.segment(kSystem, 300);
  const std::vector<TokenId> text = write.segment(kResult, 4000);
  for (int i = 1; i <= 10; ++i) {
    s.requests.push_back({.id = "question " + std::to_string(i),
                          .fresh = {system, text, write.segment(kUser, 40)},
                          .n_output = write.length(30)});
  }
  return s;
}

Scenario edits(Writer& write) {
  Scenario s{.name = "edits",
             .description =
                 "a message in the middle of six turns is changed; then the middle of a "
                 "document of 4,000 tokens",
             .requests = {}};
  const std::vector<TokenId> system = write.segment(kSystem, 1500);
  add_turns(s, write, system, 6);
  const std::size_t stem =
      system.size() + write.length(50) + 2 * (write.length(60) + write.length(300));
  s.requests.push_back({.id = "turn 4 changed",
                        .after = 5,
                        .keep = stem + write.length(60),
                        .fresh = {write.segment(kResult, 300), write.segment(kUser, 360)},
                        .n_output = write.length(30)});
  s.requests.push_back({.id = "the document",
                        .fresh = {write.segment(kSystem, 300), write.segment(kResult, 4000)},
                        .n_output = write.length(30)});
  s.requests.push_back({.id = "line 3,000 changed",
                        .after = 7,
                        .keep = write.length(300) + write.length(3000),
                        .fresh = {write.segment(kResult, 1000)},
                        .n_output = write.length(30)});
  return s;
}

std::size_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const auto n = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + n, b.begin()).first -
                                  a.begin());
}

}  // namespace

std::vector<TokenId> random_ids(const ScenarioOptions& options, std::size_t n, std::uint64_t seed) {
  model::Random random(seed);
  // The first ten ids are kept for the opening tokens of segments.
  const auto range = static_cast<std::uint64_t>(options.n_vocab - options.first_id - 10);
  std::vector<TokenId> ids(n);
  for (TokenId& id : ids) {
    id = options.first_id + 10 + static_cast<TokenId>(random.next() % range);
  }
  return ids;
}

std::vector<Scenario> make_scenarios(const ScenarioOptions& options) {
  Writer write(options);
  return {loop(write), concurrent(write), burst(write), document(write), edits(write)};
}

SpelledRequest spell(const Scenario& scenario, std::size_t index,
                     const std::vector<SpelledRequest>& before) {
  const Request& request = scenario.requests[index];
  SpelledRequest spelled;
  if (request.after) {
    const SpelledRequest& earlier = before.at(*request.after);
    spelled.prompt = joined(earlier.prompt, earlier.output);
    spelled.marks = earlier.marks;
    spelled.marks.push_back(spelled.prompt.size());
    if (request.keep < spelled.prompt.size()) spelled.prompt.resize(request.keep);
    std::erase_if(spelled.marks, [&](std::size_t mark) { return mark > spelled.prompt.size(); });
  }
  for (const std::vector<TokenId>& segment : request.fresh) {
    spelled.prompt.insert(spelled.prompt.end(), segment.begin(), segment.end());
    spelled.marks.push_back(spelled.prompt.size());
  }
  std::size_t shared = 0;
  for (const SpelledRequest& other : before) {
    shared = std::max(shared, common_prefix(spelled.prompt, joined(other.prompt, other.output)));
  }
  spelled.truly_new = spelled.prompt.size() - shared;
  return spelled;
}

}  // namespace orkestra::bench
