// /v1/runs from outside: tasks, reports, lists, approvals, ends, errors.
#include <orkestra/planner/run_state.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

#include <atomic>

namespace orkestra::service {
namespace {

const std::string kBookingTask =
    "Book an order for North. What is the revenue of the region North?";
const std::string kBookingScript = call_line("book_order", {{"region", "North"}}) +
                                   call_line("region_revenue", {{"region", "North"}}) +
                                   text_line("The revenue of the region North is 4200 [2].");
const std::string kPatientScript = call_line("wait_for_region", Json::object()) + kScript;
constexpr const char* kWaitTask = "Wait for a region.";

std::string error_code(const Reply& reply) {
  CAPTURE(reply.status, reply.body);
  const Json error = reply.json().at("error");
  CHECK(error.at("message").get<std::string>().size() > 5);
  CHECK_FALSE(error.at("type").get<std::string>().empty());
  return error.at("code");
}

}  // namespace

TEST_CASE("a task is accepted, worked on, and its report read") {
  const ServiceFixture service;
  const Reply accepted = service.ask("POST", "/v1/runs", {{"task", kTask}});
  CAPTURE(accepted.body);
  REQUIRE(accepted.status == 202);
  CHECK(accepted.header("content-type") == "application/json");
  CHECK(accepted.header("x-content-type-options") == "nosniff");
  CHECK(accepted.header("access-control-allow-origin").empty());
  const std::string id = accepted.json().at("id");
  CHECK(accepted.header("location") == "/v1/runs/" + id);
  REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
  const Json report = service.ask("GET", "/v1/runs/" + id).json();
  CHECK(report.at("status") == "verified");
  CHECK(report.at("answer") == kAnswer);
  CHECK(report.at("claims").at(0).at("verdict") == "supported");
  CHECK(report.at("error").is_null());

  const Json list = service.ask("GET", "/v1/runs").json();
  REQUIRE(list.at("data").size() == 1);
  CHECK(list.at("data")[0].at("id") == id);
  CHECK(list.at("data")[0].at("task") == kTask);
  CHECK(list.at("data")[0].at("status") == "verified");
}

TEST_CASE("the list is newest first, as long as asked for, and shows long tasks in short") {
  const ServiceFixture service;
  service.ask("POST", "/v1/runs", {{"task", kTask}, {"wait", true}});
  // Cut between characters of two bytes.
  std::string padding = " ";
  for (int i = 0; i < 1000; ++i) padding += "\u00e9";
  service.ask("POST", "/v1/runs", {{"task", kTask + padding}, {"wait", true}});
  const Json one = service.ask("GET", "/v1/runs?limit=1").json();
  REQUIRE(one.at("data").size() == 1);
  CHECK(one.at("has_more") == true);
  const std::string task = one.at("data")[0].at("task");
  CHECK(task.size() <= 503);
  CHECK(task.starts_with(kTask));
  CHECK(task.ends_with("\u00e9..."));
  const Json all = service.ask("GET", "/v1/runs?limit=2").json();
  CHECK(all.at("has_more") == false);
  CHECK(all.at("data")[1].at("task") == kTask);
}

TEST_CASE("whoever waits gets the report at once; a task brings its own requirements and seed") {
  const ServiceFixture service;
  const Reply reply = service.ask("POST", "/v1/runs",
                                  {{"task", kTask},
                                   {"wait", true},
                                   {"requirements", {"mention: 4200"}},
                                   {"budget", "low"},
                                   {"seed", 7}});
  CAPTURE(reply.body);
  REQUIRE(reply.status == 200);
  const Json report = reply.json();
  CHECK(report.at("status") == "verified");
  CHECK(report.at("seed") == 7);
  CHECK(report.at("budget").at("level") == "low");
  CHECK(report.at("requirements_result").at("requirements").at(0).at("status") == "met");
}

TEST_CASE("what makes no sense is refused with its reason, and no run begins") {
  const ServiceFixture service;
  const auto refused = [&](const Json& body, const std::string& code, const std::string& mention) {
    const Reply reply = service.ask("POST", "/v1/runs", body);
    CAPTURE(body.dump(), reply.body);
    CHECK(reply.status == 400);
    CHECK(error_code(reply) == code);
    CHECK(reply.body.find(mention) != std::string::npos);
  };
  refused(Json::object(), "invalid", "task");
  refused({{"task", ""}}, "invalid", "task");
  refused({{"task", 5}}, "invalid", "task must be a string");
  refused({{"task", std::string(70'000, 'x')}}, "invalid", "65536");
  refused({{"task", kTask}, {"prompt", "x"}}, "invalid", "prompt");
  refused({{"task", kTask}, {"budget", "huge"}}, "invalid", "huge");
  refused({{"task", kTask}, {"seed", -1}}, "invalid", "seed");
  refused({{"task", kTask}, {"seed", 1.5}}, "invalid", "seed");
  refused({{"task", kTask}, {"wait", "yes"}}, "invalid", "wait");
  refused({{"task", kTask}, {"requirements", "cite"}}, "invalid", "requirements");
  refused({{"task", kTask}, {"requirements", {"regex: ("}}}, "invalid", "regex");
  refused({{"task", kTask}, {"schema", {{"type", "nonsense"}}}}, "invalid", "type");
  refused({{"task", kTask}, {"schema", {{"$ref", "#/$defs/none"}}}}, "invalid", "$defs/none");
  refused(Json::array({1}), "invalid", "object");
  Client client(service.port());
  CHECK(error_code(client.ask("POST", "/v1/runs", "{\"task\": ")) == "invalid");
  std::string deep = std::string(40, '[') + std::string(40, ']');
  CHECK(error_code(client.ask("POST", "/v1/runs", "{\"task\":" + deep + "}")) == "invalid");
  const std::string form = "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n{\"task\":\"x\"}";
  client.send("POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n" + form);
  CHECK(error_code(client.read_reply()) == "invalid");
  CHECK(service.ask("GET", "/v1/runs").json().at("data").empty());
}

TEST_CASE("unknown paths, methods and runs are told apart") {
  const ServiceFixture service;
  CHECK(service.ask("GET", "/healthz").json().at("status") == "ok");
  CHECK(error_code(service.ask("GET", "/nothing")) == "not_found");
  CHECK(error_code(service.ask("GET", "/v1/runs/r000000000000")) == "not_found");
  CHECK(error_code(service.ask("GET", "/v1/runs/r000000000000/events")) == "not_found");
  CHECK(error_code(service.ask("GET", "/v1/runs/%72")) == "not_found");
  CHECK(error_code(service.ask("GET", "/v1/runs/")) == "not_found");
  CHECK(error_code(service.ask("POST", "/v1/runs/r000000000000/cancel")) == "not_found");
  CHECK(error_code(service.ask("POST", "/v1/runs/r000000000000/approve", {{"approved", true}})) ==
        "not_found");
  CHECK(error_code(service.ask("GET", "/v1/runs?limit=x")) == "invalid");
  const Reply wrong = service.ask("DELETE", "/v1/runs");
  CHECK(wrong.status == 405);
  CHECK(wrong.header("allow") == "POST, GET");
  Client client(service.port());
  client.send(client.request("HEAD", "/healthz"));
  const Reply head = client.read_head();
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == "16");
  CHECK(client.ask("GET", "/healthz").status == 200);  // the body was left out
}

TEST_CASE("a call with a side effect is approved, declined or called off over the network") {
  ServiceFixture service(kBookingScript);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kBookingTask}}).json().at("id");
  const std::string at = "/v1/runs/" + id;
  REQUIRE_FALSE(service.follow_until(id, "approval_requested").empty());
  Json report = service.ask("GET", at).json();
  CAPTURE(report.dump(1));
  REQUIRE(report.at("status") == "waiting");
  CHECK(report.at("approval").at("tool") == "book_order");
  CHECK(error_code(service.ask("POST", at + "/approve")) == "invalid");
  CHECK(error_code(service.ask("POST", at + "/approve", {{"approved", "yes"}})) == "invalid");
  SECTION("approved") {
    REQUIRE(service.ask("POST", at + "/approve", {{"approved", true}}).status == 202);
    REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
    CHECK(service.ask("GET", at).json().at("status") == "verified");
    CHECK(planner::lines_of(service.files().file("ledger")) == 1);
    CHECK(error_code(service.ask("POST", at + "/approve", {{"approved", true}})) == "conflict");
  }
  SECTION("approved after the service was started again") {
    service.stop();
    service.start();
    CHECK(service.ask("GET", at).json().at("status") == "waiting");
    REQUIRE(service.ask("POST", at + "/approve", {{"approved", true}}).status == 202);
    REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
    CHECK(planner::lines_of(service.files().file("ledger")) == 1);
  }
  SECTION("declined") {
    REQUIRE(
        service.ask("POST", at + "/approve", {{"approved", false}, {"note", "not now"}}).status ==
        202);
    REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
    report = service.ask("GET", at).json();
    CHECK(report.at("steps")[0].at("outcome") == "denied");
    CHECK(planner::lines_of(service.files().file("ledger")) == 0);
  }
  SECTION("called off") {
    CHECK(error_code(service.ask("POST", at + "/resume")) == "conflict");
    CHECK(service.ask("POST", at + "/cancel").json().at("status") == "cancelled");
    CHECK(service.ask("GET", at).json().at("status") == "cancelled");
    CHECK(error_code(service.ask("POST", at + "/cancel")) == "conflict");
  }
}

TEST_CASE("many approvals of one call at once: one is taken, the others conflict") {
  const ServiceFixture service(kBookingScript);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kBookingTask}}).json().at("id");
  REQUIRE_FALSE(service.follow_until(id, "approval_requested").empty());
  std::atomic<int> taken{0};
  std::atomic<int> conflicts{0};
  std::vector<std::thread> people;
  for (int i = 0; i < 8; ++i) {
    people.emplace_back([&] {
      const int status =
          service.ask("POST", "/v1/runs/" + id + "/approve", {{"approved", true}}).status;
      taken += status == 202 ? 1 : 0;
      conflicts += status == 409 ? 1 : 0;
    });
  }
  for (std::thread& each : people) each.join();
  CHECK(taken == 1);
  CHECK(conflicts == 7);
  REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
  CHECK(service.ask("GET", "/v1/runs/" + id).json().at("status") == "verified");
  CHECK(planner::lines_of(service.files().file("ledger")) == 1);
}

TEST_CASE("a run is called off while a tool works, and while it is queued") {
  ServerOptions options;
  options.limits.run_workers = 1;
  options.limits.max_queued_runs = 1;
  const ServiceFixture service(kPatientScript, options, true);
  const std::string first = service.ask("POST", "/v1/runs", {{"task", kWaitTask}}).json().at("id");
  REQUIRE_FALSE(service.follow_until(first, "tool_intended").empty());
  CHECK(service.ask("GET", "/v1/runs/" + first).json().at("work") == "running");
  const std::string second = service.ask("POST", "/v1/runs", {{"task", kWaitTask}}).json().at("id");
  CHECK(service.ask("GET", "/v1/runs/" + second).json().at("work") == "queued");
  const Reply third = service.ask("POST", "/v1/runs", {{"task", kWaitTask}});
  CHECK(third.status == 429);
  CHECK(error_code(third) == "exhausted");
  CHECK(error_code(service.ask("POST", "/v1/runs/" + second + "/resume")) == "conflict");
  CHECK(service.ask("POST", "/v1/runs/" + second + "/cancel").json().at("status") == "cancelled");
  const Reply ended = service.ask("POST", "/v1/runs/" + first + "/cancel", {{"note", "enough"}});
  CAPTURE(ended.body);
  CHECK(ended.json().at("status") == "cancelled");
  const Json report = service.ask("GET", "/v1/runs/" + first).json();
  CHECK(report.at("reason") == "enough");
  CHECK(report.at("work").is_null());
}

TEST_CASE("a run that the world stopped says why, and goes on when asked to") {
  // The script ends after the first reply, as a model that went away would.
  const ServiceFixture service(call_line("region_revenue", {{"region", "North"}}));
  const Reply failed = service.ask("POST", "/v1/runs", {{"task", kTask}, {"wait", true}});
  CAPTURE(failed.body);
  CHECK(error_code(failed) == "exhausted");
  const std::string id = service.ask("GET", "/v1/runs").json().at("data")[0].at("id");
  const Json report = service.ask("GET", "/v1/runs/" + id).json();
  CHECK(report.at("status") == "unfinished");
  CHECK(report.at("error").at("code") == "exhausted");
  Client client(service.port());
  client.send(client.request("GET", "/v1/runs/" + id + "/events"));
  REQUIRE(client.read_head().status == 200);
  std::string last;
  CHECK_FALSE(client.read_events([&](const ServerEvent& event) {
    last = event.name;
    return true;
  }));
  CHECK(last == "interrupted");

  service.files().write("script.jsonl", kScript);
  CHECK(service.ask("POST", "/v1/runs/" + id + "/resume").status == 202);
  REQUIRE_FALSE(service.follow_until(id, "run_finished").empty());
  CHECK(service.ask("GET", "/v1/runs/" + id).json().at("status") == "verified");
}

TEST_CASE("fifty runs at once are all done and verified, whoever waits") {
  const ServiceFixture service;
  constexpr int kRuns = 50;
  std::atomic<int> verified{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kRuns; ++i) {
    clients.emplace_back([&, i] {
      const bool wait = i % 2 == 0;
      const Reply reply = service.ask("POST", "/v1/runs", {{"task", kTask}, {"wait", wait}});
      Json report = reply.json();
      if (!wait) {
        const std::string id = report.at("id");
        service.follow_until(id, "run_finished");
        report = service.ask("GET", "/v1/runs/" + id).json();
      }
      verified += report.value("status", "") == "verified" ? 1 : 0;
    });
  }
  for (std::thread& each : clients) each.join();
  CHECK(verified == kRuns);
  CHECK(service.ask("GET", "/v1/runs").json().at("data").size() == kRuns);
}

TEST_CASE("a stop interrupts runs and loses none; the next start goes on with them") {
  ServiceFixture service(kPatientScript, {}, true);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kWaitTask}}).json().at("id");
  REQUIRE_FALSE(service.follow_until(id, "tool_intended").empty());
  Client waiting(service.port());
  waiting.send(waiting.request("POST", "/v1/runs", dump_json({{"task", kTask}, {"wait", true}})));
  Client following(service.port());
  following.send(following.request("GET", "/v1/runs/" + id + "/events"));
  REQUIRE(following.read_head().status == 200);
  std::string other;
  while (other.empty()) {
    const Json list = service.ask("GET", "/v1/runs").json();
    for (const Json& run : list.at("data")) {
      if (run.at("id") != id) other = run.at("id");
    }
  }
  service.stop();
  CHECK(waiting.read_reply().status == 503);
  // Ended, not cut off.
  CHECK_FALSE(following.read_events([](const ServerEvent&) { return true; }));

  service.start();
  for (const std::string& run : {id, other}) {
    CAPTURE(run);
    const Json report = service.ask("GET", "/v1/runs/" + run).json();
    CHECK(report.at("status") == "unfinished");
    CHECK_FALSE(report.at("work").is_null());
  }
}

}  // namespace orkestra::service
