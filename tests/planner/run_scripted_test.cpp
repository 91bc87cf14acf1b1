// Whole runs with the scripted model: every tool, source, check and journal entry is real.
#include <orkestra/planner/report.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/run_fixture.h>

namespace orkestra::planner {
namespace {

const std::string kTwoFacts = call_line("region_revenue", {{"region", "North"}}) +
                              call_line("region_target", {{"region", "North"}}) +
                              text_line(
                                  "The revenue of the region North is 4200 [1]. "
                                  "The target of the region North is 5000 [2].");

Json run(const agent::AgentOptions& options, const std::string& task) {
  return agent::Agent(options).run(task);
}

}  // namespace

TEST_CASE("a run of several steps ends verified, every claim with a quote found at its origin") {
  const RunFixture fixture;
  const Json report =
      run(fixture.scripted(kTwoFacts), "What are the revenue and the target of the region North?");
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "verified");
  REQUIRE(report.at("claims").size() == 2);
  for (const Json& claim : report.at("claims")) {
    REQUIRE(claim.at("verdict") == "supported");
    REQUIRE_FALSE(claim.at("evidence").empty());
  }
  REQUIRE(report.at("citations").size() == 2);
  REQUIRE(report.at("steps").size() == 2);
  REQUIRE(report.at("usage").at("tool_calls") == 2);
  REQUIRE(report.at("model").at("kind") == "scripted");
}

TEST_CASE("a figure computed from two results is checked by computing it again") {
  const RunFixture fixture;
  const std::string calls = call_line("region_revenue", {{"region", "North"}}) +
                            call_line("region_target", {{"region", "North"}});
  const std::string question = "By how much is the revenue of the region North below its target?";
  const Json right = run(
      fixture.scripted(calls + text_line("The difference between the revenue and the target of the "
                                         "region North is 800 [1][2].")),
      question);
  CAPTURE(right.dump(1));
  REQUIRE(right.at("status") == "verified");

  std::string wrong = calls;
  for (int i = 0; i < 12; ++i) {
    wrong += text_line(
        "The difference between the revenue and the target of the region North is "
        "900 [1][2].");
  }
  const Json refused = run(fixture.scripted(wrong, "other.db"), question);
  REQUIRE(refused.at("status") == "unverified");
}

TEST_CASE("a statement that cites nothing is searched for anew, and quoted where it is found") {
  const RunFixture fixture;
  std::filesystem::create_directories(fixture.file("docs"));
  fixture.write("docs/rules.md",
                "# Rules\n\nA flight needs the approval of the director. Receipts are kept.\n");
  const std::string question = "What does a flight need?";
  agent::AgentOptions options =
      fixture.scripted(text_line("A flight needs the approval of the director."));
  options.documents = {fixture.file("docs")};
  const Json found = run(options, question);
  CAPTURE(found.dump(1));
  REQUIRE(found.at("status") == "verified");
  const Json& origin = found.at("claims")[0].at("evidence")[0].at("origin");
  REQUIRE(origin.at("kind") == "document");
  REQUIRE(origin.at("locator").get<std::string>().ends_with("rules.md"));

  std::string wrong;
  for (int i = 0; i < 12; ++i) wrong += text_line("A flight needs the approval of the clerk.");
  options = fixture.scripted(wrong, "other.db");
  options.documents = {fixture.file("docs")};
  REQUIRE(run(options, question).at("status") != "verified");
}

TEST_CASE("a refused draft is fed back with the reason, and the repaired one is accepted") {
  const RunFixture fixture;
  const std::string script = call_line("region_revenue", {{"region", "North"}}) +
                             text_line("The revenue of the region North is 4300 [1].") +
                             dump_json({{"text", "The revenue of the region North is 4200 [1]."},
                                        {"expect", "can't be accepted"}}) +
                             "\n";
  const Json report = run(fixture.scripted(script), "What is the revenue of the region North?");
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "verified");
  REQUIRE(report.at("branches") == 2);
  REQUIRE(report.at("answer").get<std::string>().find("4200") != std::string::npos);
}

TEST_CASE("a lone value answers only what its source speaks of; a sentence says it itself") {
  const RunFixture fixture;
  const std::string call = call_line("region_revenue", {{"region", "North"}});
  const auto status = [&](const std::string& question, const std::string& answer) {
    std::string script = call;
    for (int i = 0; i < 12; ++i) script += text_line(answer);
    const Json report = run(fixture.scripted(script, question + answer + ".db"), question);
    UNSCOPED_INFO(report.at("reason"));
    return report.at("status").get<std::string>();
  };
  CHECK(status("What is the revenue of the region North?", "4200 [1]") == "verified");
  CHECK(status("What is the profit of the region North?", "4200 [1]") == "unverified");
  CHECK(status("Who is the manager of the region North?", "4200 euros [1].") == "unverified");
  CHECK(status("What is the profit of the region North?",
               "The revenue of the region North is 4200 [1].") == "verified");
}

TEST_CASE("a requirement the sources can't meet ends unverified and says why") {
  const RunFixture fixture;
  std::string script = call_line("region_revenue", {{"region", "North"}});
  for (int i = 0; i < 12; ++i) script += text_line("The revenue of the region North is 4200 [1].");
  agent::AgentOptions options = fixture.scripted(script);
  options.requirements = {"mention: warranty"};
  const Json report = run(options, "What is the revenue of the region North?");
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "unverified");
  REQUIRE(exit_status(report.at("status")) == 3);
  REQUIRE(report.at("reason").get<std::string>().find("warranty") != std::string::npos);
}

TEST_CASE("a model that says it can't answer is believed: the run abstains") {
  const RunFixture fixture;
  const Json report =
      run(fixture.scripted(text_line("None of the tools can do this.")), "Who won the cup?");
  REQUIRE(report.at("status") == "abstained");
  REQUIRE(exit_status(report.at("status")) == 6);
  REQUIRE(report.at("answer") == "");
}

TEST_CASE("an unknown value and a failing tool are fed back, not fatal") {
  const RunFixture fixture;
  const std::string script = call_line("calculator", {{"expression", "1/0"}}) +
                             call_line("region_revenue", {{"region", "South"}}) +
                             text_line("The revenue of the region South is 6100 [2].");
  const Json report =
      run(fixture.scripted(script), "What is the revenue of the region South? Also compute 1/0.");
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "verified");
  REQUIRE(report.at("steps").at(0).at("outcome") != "ok");
}

TEST_CASE("a run that spends its budget ends exhausted, with what it has") {
  const RunFixture fixture;
  std::string script;
  for (const char* region : {"North", "South", "Westmark"}) {
    script += call_line("region_revenue", {{"region", region}});
    script += call_line("region_target", {{"region", region}});
  }
  for (int i = 0; i < 8; ++i) {
    script += call_line("calculator", {{"expression", std::to_string(i) + "+1"}});
  }
  agent::AgentOptions options = fixture.scripted(script);
  options.budget = "low";
  const Json report =
      run(options, "Revenue and target of North, South, Westmark? 0+1 1+1 2+1 3+1 4+1 5+1 6+1 7+1");
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "exhausted");
  REQUIRE(report.at("usage").at("tool_calls") == 6);
}

TEST_CASE("a finished run replays to the same decisions and, computed again, to the same events") {
  const RunFixture fixture;
  const agent::AgentOptions options = fixture.scripted(kTwoFacts);
  std::string id;
  std::vector<Event> events;
  {
    agent::Agent agent(options);
    id = agent.run("What are the revenue and the target of the region North?").at("id");
    events = agent.journal().read(id);
  }
  REQUIRE(replay_decisions(events).empty());
  agent::Agent again(options);
  const auto divergences = again.recompute(id);
  for (const auto& d : divergences) UNSCOPED_INFO(d.seq << ": " << d.what);
  REQUIRE(divergences.empty());

  SECTION("a journal whose decision was another one is noticed") {
    std::vector<Event> edited = events;
    edited.erase(edited.end() - 2);  // the check of the draft
    REQUIRE_FALSE(replay_decisions(edited).empty());
  }
  SECTION("evidence that has changed since makes the recomputation differ") {
    Database::open(fixture.file("sales.db")).execute("update regions set revenue = 1");
    REQUIRE_FALSE(agent::Agent(options).recompute(id).empty());
  }
}

TEST_CASE("a changed set of tools refuses to resume") {
  const RunFixture fixture;
  agent::AgentOptions options =
      fixture.scripted(call_line("region_revenue", {{"region", "North"}}));
  std::string id;
  {
    agent::Agent agent(options);
    // The script ends before the run does: the run stays unfinished.
    REQUIRE_THROWS_AS(agent.run("What is the revenue of the region North?"), Error);
    id = agent.journal().list().front().run;
    REQUIRE(agent.journal().list().front().status == "unfinished");
  }
  options.deny = {"region_target"};
  agent::Agent other(options);
  REQUIRE_THROWS_WITH(other.resume(id), Catch::Contains("tools on offer have changed"));
}

}  // namespace orkestra::planner
