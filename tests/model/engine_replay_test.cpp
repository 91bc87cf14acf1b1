// Recorded requests: what a trace may say, and what replaying it computes.

#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/replay_task.h>
#include <orkestra/model/engine/replay_trace.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>

#include <string>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

std::vector<ReplayRequest> parse(const std::string& text) {
  return parse_replay_trace(text, "t.jsonl", {.n_vocab = 512, .context_length = 64});
}

void refused(const std::string& text, ErrorCode code, const std::string& words) {
  INFO(text);
  try {
    parse(text);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == code);
    CHECK(error.message().find(words) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("a trace is one request a line") {
  const auto requests =
      parse(R"({"id":"a","tokens":[1,2,3],"marks":[3,1,3],"forced_output":[4,5],"group":"g"})"
            "\n\n"
            R"({"tokens":[511],"group":"g","more":"is ignored"})"
            "\r\n"
            R"({"tokens":[7]})");
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].id == "a");
  CHECK(requests[0].tokens == std::vector<TokenId>{1, 2, 3});
  CHECK(requests[0].marks == std::vector<std::size_t>{1, 3});
  CHECK(requests[0].forced_output == std::vector<TokenId>{4, 5});
  CHECK(requests[1].group == "g");
  CHECK(requests[1].id == "3");
  CHECK(requests[2].group.empty());
}

TEST_CASE("a trace that makes no sense is refused with its line") {
  refused("", ErrorCode::kInvalid, "no request");
  refused("\n[1]", ErrorCode::kInvalid, "line 2");
  refused("{", ErrorCode::kInvalid, "line 1");
  refused(R"({"tokens":[]})", ErrorCode::kInvalid, "no tokens");
  refused(R"({"tokens":[512]})", ErrorCode::kInvalid, "512");
  refused(R"({"tokens":[-1]})", ErrorCode::kInvalid, "-1");
  refused(R"({"tokens":[1.5]})", ErrorCode::kInvalid, "integer");
  refused(R"({"tokens":[18446744073709551615]})", ErrorCode::kInvalid, "integer");
  refused(R"({"tokens":"1 2"})", ErrorCode::kInvalid, "list");
  refused(R"({"tokens":[1],"marks":[2]})", ErrorCode::kInvalid, "marks");
  refused(R"({"tokens":[1],"marks":[0]})", ErrorCode::kInvalid, "marks");
  refused(R"({"tokens":[1],"id":7})", ErrorCode::kInvalid, "id");
  refused(R"({"tokens":[1],"id":")" + std::string(300, 'x') + "\"}", ErrorCode::kInvalid, "id");
  refused(R"({"tokens":[1],"group":"a"})"
          "\n"
          R"({"tokens":[1]})"
          "\n"
          R"({"tokens":[1],"group":"a"})",
          ErrorCode::kInvalid, "side by side");
  std::string long_list = "1";
  for (int i = 0; i < 63; ++i) long_list += ",1";
  CHECK(parse("{\"tokens\":[" + long_list + "]}").front().tokens.size() == 64);
  refused("{\"tokens\":[" + long_list + ",1]}", ErrorCode::kExhausted, "65");
  refused("{\"tokens\":[" + long_list + "],\"forced_output\":[1]}", ErrorCode::kExhausted, "65");
  CHECK_THROWS_AS(parse_replay_trace("{\"tokens\":[1]}\n{\"tokens\":[1]}", "t",
                                     {.n_vocab = 2, .context_length = 2, .max_requests = 1}),
                  Error);
}

TEST_CASE("a damaged trace is read or refused, never worse") {
  const std::string good =
      R"({"id":"a","tokens":[1,2,3],"marks":[1,3],"forced_output":[4,5],"group":"g"})"
      "\n"
      R"({"id":"b","tokens":[1,2,4],"group":"g"})"
      "\n";
  Random random(11);
  int refusals = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bad = good;
    for (std::uint64_t n = 1 + random.next() % 3; n > 0; --n) {
      const std::size_t at = random.next() % bad.size();
      switch (random.next() % 3) {
        case 0:
          bad[at] = static_cast<char>(random.next());
          break;
        case 1:
          bad.erase(at, 1 + random.next() % 8);
          break;
        default:
          bad.insert(at, good.substr(random.next() % good.size(), 9));
      }
    }
    try {
      for (const ReplayRequest& request : parse(bad)) REQUIRE_FALSE(request.tokens.empty());
    } catch (const Error&) {
      ++refusals;
    }
  }
  CHECK(refusals > 2000);
  CHECK(refusals < 4000);
}

TEST_CASE("a replayed request says what it is made to say, and all of it is kept") {
  const Network network = golden_network("dense-h64-f32");
  BatchWorker worker(std::make_unique<CpuBackend>(network, best_kernels(), 2),
                     {.n_vocab = 512, .state_budget_bytes = std::size_t{64} << 20U});
  const auto ids = golden_tokens();
  const auto first = std::make_shared<ReplayTask>(
      ReplayRequest{.id = "1", .tokens = {ids.begin(), ids.begin() + 20}, .forced_output = {9, 8}});
  worker.submit({first});
  first->wait();
  CHECK(first->usage.generated == 2);
  CHECK(first->usage.reused == 0);
  CHECK(first->ended() >= first->first_token());
  CHECK(worker.counts().tokens_computed == 22);
  auto longer = first->tokens;
  CHECK(longer.size() == 22);
  longer.push_back(5);
  const auto second = std::make_shared<ReplayTask>(ReplayRequest{.id = "2", .tokens = longer});
  worker.submit({second});
  second->wait();
  CHECK(second->usage.reused == 22);
  CHECK(worker.counts().tokens_computed == 23);
}
