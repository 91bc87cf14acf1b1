// Server: the REST service over one Agent. Listens, checks who may come in, works on runs and
// answers; takes up what an earlier process left unfinished. docs/SERVICE.md describes the routes.
//
// One thread, the one in run(), does all input and output; runs, completions and journal access
// have bounded pools of their own. stop() from any thread.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/service/limits.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::service {

struct ServerOptions {
  std::string host = "127.0.0.1";      // an address, or "localhost"
  std::uint16_t port = 8080;           // 0 = any free one
  std::string api_key{};               // asked of every request if not ""
  std::vector<std::string> hosts{};    // names besides loopback's that a Host header may say
  std::vector<std::string> origins{};  // "https://example.org": pages that may call
  std::string model_name{};            // another name of the raw model
  ServiceLimits limits{};
};

class Server {
 public:
  // Listens. The agent is borrowed; nobody else adds tools to it from now on. Throws
  // Error{kInvalid} for options that make no sense, kDenied for an address that is not loopback
  // without a key, kUnavailable when the address can't be listened on.
  Server(agent::Agent& agent, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Serves until stop(); then ends what is open and returns. Once.
  void run();
  // Graceful: no new connections, streams end, runs are interrupted (they are in the journal),
  // answers under way get limits.stop_grace. Any thread, any number of times.
  void stop();

 private:
  struct Listening;
  std::unique_ptr<Listening> listening_;
};

}  // namespace orkestra::service
