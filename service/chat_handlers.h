// POST /v1/chat/completions and GET /v1/models, as OpenAI-compatible clients know them. A model's
// own name reaches the raw model; "agent:default" is a whole run, verified, whose report is told
// in the member "orkestra". Thread-safe.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/service/chat_request.h>
#include <orkestra/service/http_message.h>
#include <orkestra/service/limits.h>
#include <orkestra/service/router.h>
#include <orkestra/service/run_pool.h>
#include <orkestra/service/worker_pool.h>

#include <cstdint>
#include <string>

namespace orkestra::service {

class ChatHandlers {
 public:
  // All are borrowed and must outlive the handlers. `model_name`: another name of the raw model,
  // such as the one on the command line; "" = none.
  ChatHandlers(agent::Agent& agent, RunPool& pool, std::string model_name,
               const ServiceLimits& limits);

  void add_routes(Router& router);
  // Waits for what is being generated; requests that nobody waits for have been stopped.
  void join() { workers_.join(); }
  void stop() { workers_.stop(); }

 private:
  void list_models(const Request& request, const Responder& respond);
  void complete(const Request& request, const Responder& respond);
  void ask_model(ChatRequest chat, std::stop_token gone, const Responder& respond);
  void ask_agent(const ChatRequest& chat, const Responder& respond);

  agent::Agent& agent_;
  RunPool& pool_;
  const std::string model_name_;
  const ServiceLimits& limits_;
  const std::int64_t started_;  // unix seconds
  WorkerPool workers_;          // one per raw completion under way
};

}  // namespace orkestra::service
