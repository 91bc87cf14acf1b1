// A service over an agent with a scripted model and a small database, running on a thread of its
// own; stopped when it goes out of scope.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/service/server.h>
#include <orkestra/tests/planner/booking_tool.h>
#include <orkestra/tests/planner/run_fixture.h>
#include <orkestra/tests/service/service_client.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace orkestra::service {

using planner::call_line;
using planner::text_line;

inline const std::string kTask = "What is the revenue of the region North?";
inline const std::string kAnswer = "The revenue of the region North is 4200 [1].";
inline const std::string kScript =
    call_line("region_revenue", {{"region", "North"}}) + text_line(kAnswer);

// Works until it is told to stop; says when it has begun.
class PatientTool final : public tools::Tool {
 public:
  PatientTool() {
    spec_.name = "wait_for_region";
    spec_.description = "Wait for a region.";
    spec_.parameters = {{"type", "object"}, {"additionalProperties", false}};
  }
  const ToolSpec& spec() const override { return spec_; }
  ToolResult run(const ToolCall&, const Limits& limits) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_until(lock, limits.stop, limits.deadline, [] { return false; });
    return ToolResult::failure(ErrorCode::kCancelled, "told to stop");
  }

 private:
  ToolSpec spec_;
};

class ServiceFixture {
 public:
  explicit ServiceFixture(const std::string& script = kScript, ServerOptions options = {},
                          bool patient = false)
      : options_(std::move(options)) {
    agent_options_ = files_.scripted(script);
    options_.port = 0;
    patient_ = patient;
    start();
  }
  ~ServiceFixture() { stop(); }
  ServiceFixture(const ServiceFixture&) = delete;
  ServiceFixture& operator=(const ServiceFixture&) = delete;

  void start() {
    agent_.emplace(agent_options_);
    agent_->add_tool(std::make_unique<planner::BookingTool>(files_.file("ledger")));
    if (patient_) agent_->add_tool(std::make_unique<PatientTool>());
    server_.emplace(*agent_, options_);
    thread_ = std::thread([this] { server_->run(); });
  }
  void stop() {
    if (!server_) return;
    server_->stop();
    thread_.join();
    server_.reset();
    agent_.reset();
  }

  std::uint16_t port() const { return server_->port(); }
  agent::Agent& agent() { return *agent_; }
  Server& server() { return *server_; }
  const planner::RunFixture& files() const { return files_; }

  // On a connection of its own.
  Reply ask(const std::string& method, const std::string& target, const Json& body = nullptr,
            const std::string& more = "") const {
    Client client(port());
    return client.ask(method, target, body.is_null() ? "" : dump_json(body), more);
  }
  // Follows the run until an event of that kind; its id.
  std::string follow_until(const std::string& run, const std::string& kind) const {
    Client client(port());
    client.send(client.request("GET", "/v1/runs/" + run + "/events"));
    std::string id;
    if (client.read_head().status != 200) return id;
    client.read_events([&](const ServerEvent& event) {
      if (Json::parse(event.data).value("kind", "") != kind) return true;
      id = event.id;
      return false;
    });
    return id;
  }

 private:
  planner::RunFixture files_;
  agent::AgentOptions agent_options_;
  ServerOptions options_;
  bool patient_ = false;
  std::optional<agent::Agent> agent_;
  std::optional<Server> server_;
  std::thread thread_;
};

}  // namespace orkestra::service
