// Following a run as server-sent events: every event once, in order, across reconnections.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

#include <set>

namespace orkestra::service {
namespace {

const std::string kBookingTask =
    "Book an order for North. What is the revenue of the region North?";
const std::string kBookingScript = call_line("book_order", {{"region", "North"}}) +
                                   call_line("region_revenue", {{"region", "North"}}) +
                                   text_line("The revenue of the region North is 4200 [2].");

}  // namespace

TEST_CASE("every event comes once and in order, with its number, and then the stream ends") {
  ServiceFixture service;
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kTask}}).json().at("id");
  Client client(service.port());
  client.send(client.request("GET", "/v1/runs/" + id + "/events"));
  const Reply head = client.read_head();
  REQUIRE(head.status == 200);
  CHECK(head.header("content-type") == "text/event-stream");
  std::vector<Json> events;
  CHECK_FALSE(client.read_events([&](const ServerEvent& event) {
    CHECK(event.id == std::to_string(events.size() + 1));
    events.push_back(Json::parse(event.data));
    return true;
  }));
  const auto journaled = service.agent().journal().read(id);
  REQUIRE(events.size() == journaled.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].at("hash") == journaled[i].hash);
    CHECK(events[i].at("body") == journaled[i].body);
  }
  CHECK(events.back().at("kind") == "run_finished");
  CHECK(client.ask("GET", "/healthz").status == 200);  // the connection lives on
}

TEST_CASE("a reconnecting client gets what it missed, wherever it was cut off") {
  ServiceFixture service(kBookingScript);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kBookingTask}}).json().at("id");
  const std::string target = "/v1/runs/" + id + "/events";
  std::vector<std::string> ids;
  // One event per connection, until a person is asked.
  std::string kind;
  while (kind != "approval_requested") {
    Client client(service.port());
    const std::string last = ids.empty() ? "" : "Last-Event-ID: " + ids.back() + "\r\n";
    client.send(client.request("GET", target, "", last));
    REQUIRE(client.read_head().status == 200);
    REQUIRE(client.read_events([&](const ServerEvent& event) {
      ids.push_back(event.id);
      kind = Json::parse(event.data).at("kind");
      return false;
    }));
  }
  // The stream of a run that waits stays open, and the answer comes in it.
  Client client(service.port());
  client.send(client.request("GET", target, "", "Last-Event-ID: " + ids.back() + "\r\n"));
  REQUIRE(client.read_head().status == 200);
  REQUIRE(service.ask("POST", "/v1/runs/" + id + "/approve", {{"approved", true}}).status == 202);
  CHECK_FALSE(client.read_events([&](const ServerEvent& event) {
    ids.push_back(event.id);
    return true;
  }));
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == std::to_string(i + 1));
  CHECK(ids.size() == service.agent().journal().read(id).size());

  // Nothing will ever follow: 204 makes a browser stop asking.
  const std::string all = "Last-Event-ID: " + ids.back() + "\r\n";
  CHECK(service.ask("GET", target, nullptr, all).status == 204);
  CHECK(service.ask("GET", target + "?after=" + ids.back()).status == 204);
  CHECK(service.ask("GET", target + "?after=999").status == 400);
  CHECK(service.ask("GET", target, nullptr, "Last-Event-ID: x\r\n").status == 400);
}

TEST_CASE("a quiet stream has heartbeats and sees what another process did") {
  ServerOptions options;
  options.limits.heartbeat = std::chrono::milliseconds(30);
  ServiceFixture service(kBookingScript, options);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kBookingTask}}).json().at("id");
  REQUIRE_FALSE(service.follow_until(id, "approval_requested").empty());
  Client client(service.port());
  client.send(client.request("GET", "/v1/runs/" + id + "/events?after=3"));
  REQUIRE(client.read_head().status == 200);
  std::string part;
  while (part.find(": still here") == std::string::npos) part = client.read_chunk();
  // As `orkestra runs cancel` would, past the service.
  const auto journal = planner::Journal::open(service.files().file("store.db"));
  SystemClock clock;
  planner::cancel_run(*journal, clock, id, "called off elsewhere");
  std::string last;
  CHECK_FALSE(client.read_events([&](const ServerEvent& event) {
    last = Json::parse(event.data).at("kind");
    return true;
  }));
  CHECK(last == "run_finished");
}

TEST_CASE("only so many streams are open at once, and closed ones make room") {
  ServerOptions options;
  options.limits.max_streams = 2;
  ServiceFixture service(kBookingScript, options);
  const std::string id = service.ask("POST", "/v1/runs", {{"task", kBookingTask}}).json().at("id");
  REQUIRE_FALSE(service.follow_until(id, "approval_requested").empty());
  const auto open = [&](Client& client) {
    client.send(client.request("GET", "/v1/runs/" + id + "/events"));
    return client.read_head().status;
  };
  // The stream of follow_until may take a moment to be noticed as gone.
  auto first = std::make_unique<Client>(service.port());
  while (open(*first) != 200) first = std::make_unique<Client>(service.port());
  auto second = std::make_unique<Client>(service.port());
  while (open(*second) != 200) second = std::make_unique<Client>(service.port());
  Client third(service.port());
  CHECK(open(third) == 429);
  second.reset();
  auto fourth = std::make_unique<Client>(service.port());
  while (open(*fourth) == 429) fourth = std::make_unique<Client>(service.port());
  SUCCEED("a place was given back");
}

TEST_CASE("a client that reads nothing is given up, and holds nobody else up") {
  ServerOptions options;
  options.limits.write_time = std::chrono::milliseconds(100);
  const ServiceFixture service(kScript, options);
  const std::string id =
      service.ask("POST", "/v1/runs", {{"task", kTask + std::string(60'000, ' ')}, {"wait", true}})
          .json()
          .at("id");
  // Many requests, no reading: more answers than the system's buffers take.
  constexpr std::size_t kRequests = 400;
  Client stuck(service.port(), 4096);
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += stuck.request("GET", "/v1/runs/" + id);
  stuck.send(requests);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool given_up = false;
  while (!given_up && std::chrono::steady_clock::now() < end) {
    REQUIRE(service.ask("GET", "/healthz").status == 200);
    given_up = stuck.reset_by_peer();
  }
  CHECK(given_up);
}

}  // namespace orkestra::service
