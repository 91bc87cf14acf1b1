// The resource /v1/runs: tasks given to the agent, their reports, events, approvals and ends.
// Thread-safe; called on threads that may block for the journal.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/service/http_message.h>
#include <orkestra/service/limits.h>
#include <orkestra/service/router.h>
#include <orkestra/service/run_events.h>
#include <orkestra/service/run_pool.h>

#include <atomic>
#include <cstddef>
#include <memory>

namespace orkestra::service {

class RunHandlers {
 public:
  // All are borrowed and must outlive the handlers.
  RunHandlers(agent::Agent& agent, RunPool& pool, RunEvents& events, const ServiceLimits& limits);

  void add_routes(Router& router);

 private:
  void create(const Request& request, const Responder& respond);
  void list(const Request& request, const Responder& respond);
  void show(const Request& request, const Responder& respond);
  void follow(const Request& request, const Responder& respond);
  void approve(const Request& request, const Responder& respond);
  void cancel(const Request& request, const Responder& respond);
  void resume(const Request& request, const Responder& respond);

  std::shared_ptr<void> take_stream_place();

  agent::Agent& agent_;
  RunPool& pool_;
  RunEvents& events_;
  const ServiceLimits& limits_;
  // Shared with the streams that count in it.
  std::shared_ptr<std::atomic<std::size_t>> open_streams_;
};

}  // namespace orkestra::service
