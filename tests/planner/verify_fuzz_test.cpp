// Any bytes as answer, document, evidence and row: no crash, no hang, no support for noise.
#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <chrono>
#include <random>
#include <string>

namespace orkestra::planner {
namespace {

using namespace testing;
using Clock = std::chrono::steady_clock;

std::string noise(std::mt19937& random, std::size_t most) {
  static constexpr const char* kParts[] = {
      "The fee ", "is ",  "5 ",       "not ",   "[1]",      "[1, 2", ". ",   "\n",       "# ",
      "- ",       "| ",   "4,211.50", "3 May ", "2024",     "'s ",   ":",    ";",        "(",
      ")",        "\"",   "```",      "$",      "%",        "-",     "\xff", "\xc3",     "é",
      "of ",      "and ", "total ",   "than ",  "balance ", "?",     "!",    "million ", "9:00 "};
  std::string out;
  const std::size_t parts = random() % most;
  for (std::size_t i = 0; i < parts; ++i) {
    if (random() % 8 == 0) {
      out += static_cast<char>(random() & 0xFFU);
    } else {
      out += kParts[random() % std::size(kParts)];
    }
  }
  return out;
}

TEST_CASE("noise as answer and sources harms nothing") {
  std::mt19937 random(3);
  const ScratchFolder folder;
  const auto database = folder.database(
      "a.db",
      "create table t (name text, balance); insert into t values ('The fee', 5), ('é', -1)");
  const auto rows = make_database_source(database);
  int documents = 0;
  for (int round = 0; round < 400; ++round) {
    const auto file = folder.file("a.md", noise(random, 60));
    std::vector<std::unique_ptr<Source>> sources;
    try {
      sources.push_back(make_document_source(file));
      ++documents;
    } catch (const Error& error) {  // no text to begin with
      REQUIRE(error.code() == ErrorCode::kUnsupported);
    }
    sources.push_back(make_database_source(database));
    Evidence evidence =
        tool_evidence("1", {{"fee", noise(random, 4)}},
                      {{"balance", noise(random, 6)}, {noise(random, 3), 5}}, noise(random, 8));
    sources.push_back(make_evidence_source({evidence}, nullptr));
    const std::string answer = noise(random, 30);
    for (const auto& checked : verify(answer, sources, Limits{})) {
      REQUIRE(checked.verdict.score >= 0.0);
      REQUIRE(checked.verdict.score <= 1.0);
      REQUIRE_FALSE(dump_json(to_json(checked)).empty());
    }
    question_coverage(answer, {evidence});
  }
  CHECK(documents > 200);
}

TEST_CASE("noise longer than any statement is answered in bounded time") {
  const ScratchFolder folder;
  const auto started = Clock::now();
  std::string answer;
  while (answer.size() < 60'000) answer += "the total and the fee of 5 is not 3 May 2024 and ";
  const auto file = folder.file("a.txt", answer);
  CHECK_FALSE(verify_against_text(answer, file).empty());
  std::string open;
  while (open.size() < 200'000) open += "[1, ";
  CHECK_FALSE(split_claims(open).empty());
  std::string lines;
  while (lines.size() < 200'000) lines += "1. a\n";
  CHECK(split_claims(lines).size() > 1000);
  CHECK(Clock::now() - started < std::chrono::seconds(60));
}

TEST_CASE("a deadline and a stop end verification") {
  const ScratchFolder folder;
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_document_source(folder.file("a.txt", "The fee is 5.")));
  Limits late;
  late.deadline = Clock::now();
  CHECK_THROWS_AS(verify("The fee is 5.", sources, late), Error);
  std::stop_source stop;
  stop.request_stop();
  Limits stopped;
  stopped.stop = stop.get_token();
  CHECK_THROWS_AS(verify("The fee is 5.", sources, stopped), Error);
}

TEST_CASE("verdicts are the same every time") {
  std::mt19937 random(9);
  const ScratchFolder folder;
  const auto file = folder.file("a.md", noise(random, 80) + "The fee is 5. The fine is 9.");
  const std::string answer = "The fee is 5. The fine is 8. " + noise(random, 20);
  const auto as_text = [&] {
    std::string out;
    for (const auto& checked : verify_against_text(answer, file))
      out += dump_json(to_json(checked));
    return out;
  };
  CHECK(as_text() == as_text());
}

}  // namespace
}  // namespace orkestra::planner
