// kill -9 at every journal append of a run: nothing recorded is lost, the resumed run's report is
// the uninterrupted one's (times aside), and a tool that is not safe to repeat never runs twice.
#include <orkestra/planner/report.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/booking_tool.h>
#include <orkestra/tests/planner/run_fixture.h>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>

namespace orkestra::planner {
namespace {

Json without_times(Json report) {
  report.erase("id");
  report.at("usage").erase("seconds");
  return report;
}

const std::string kTask = "What is the revenue of the region North? Then book an order for North.";
const std::string kScript = call_line("region_revenue", {{"region", "North"}}) +
                            call_line("book_order", {{"region", "North"}}) +
                            text_line("The revenue of the region North is 4100 [1].") +
                            text_line("The revenue of the region North is 4200 [1].");

std::unique_ptr<agent::Agent> agent_with_booking(const RunFixture& fixture,
                                                 const std::string& store) {
  agent::AgentOptions options = fixture.scripted(kScript, store);
  options.policy.consent = {"book_order"};
  auto agent = std::make_unique<agent::Agent>(std::move(options));
  agent->add_tool(std::make_unique<BookingTool>(fixture.file(store + ".ledger")));
  return agent;
}

// Runs in a child that kills itself once its n-th event is durable. True if it was killed.
bool run_and_kill(const RunFixture& fixture, const std::string& store, std::int64_t at_event) {
  const pid_t child = fork();
  if (child == 0) {
    const auto agent = agent_with_booking(fixture, store);
    agent->journal().after_append = [at_event](const Event& event) {
      if (event.seq == at_event) std::raise(SIGKILL);
    };
    agent->run(kTask);
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace

TEST_CASE("kill -9 at every append: resumed to the same report, nothing done twice") {
  const RunFixture fixture;
  Json expected;
  std::int64_t events = 0;
  {
    const auto agent = agent_with_booking(fixture, "whole.db");
    const Json report = agent->run(kTask);
    CAPTURE(report.dump(1));
    REQUIRE(report.at("status") == "verified");
    expected = without_times(report);
    events = static_cast<std::int64_t>(agent->journal().read(report.at("id")).size());
  }
  REQUIRE(events >= 10);

  int stopped_to_ask = 0;
  for (std::int64_t at = 1; at <= events; ++at) {
    CAPTURE(at);
    const std::string store = "killed-" + std::to_string(at) + ".db";
    REQUIRE(run_and_kill(fixture, store, at));

    const auto agent = agent_with_booking(fixture, store);
    REQUIRE(agent->journal().list().size() == 1);
    const std::string id = agent->journal().list().front().run;
    const std::vector<Event> durable = agent->journal().read(id);
    REQUIRE(durable.size() == static_cast<std::size_t>(at));

    const bool unknown = durable.back().kind == "tool_intended" &&
                         durable.back().body.at("call").at("name") == "book_order";
    const Json report = agent->resume(id);
    CAPTURE(report.dump(1));
    if (unknown) {
      ++stopped_to_ask;
      REQUIRE(report.at("status") == "waiting");
      REQUIRE(exit_status(report.at("status")) == 4);
      REQUIRE(report.at("reason").get<std::string>().find("book_order") != std::string::npos);
      REQUIRE(lines_of(fixture.file(store + ".ledger")) == 0);
      // Nobody saw the booking happen: do it.
      agent->answer(id, {.approved = true});
      REQUIRE(without_times(agent->resume(id)) == expected);
      REQUIRE(lines_of(fixture.file(store + ".ledger")) == 1);
    } else {
      REQUIRE(without_times(report) == expected);
      REQUIRE(lines_of(fixture.file(store + ".ledger")) == 1);
    }
  }
  REQUIRE(stopped_to_ask == 1);
}

}  // namespace orkestra::planner
