#include <orkestra/apps/agent_flags.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/serve_command.h>
#include <orkestra/apps/states_file.h>
#include <orkestra/core/error.h>
#include <orkestra/service/server.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stop_token>
#include <string>

namespace orkestra::apps {
namespace {

struct ServeFlags {
  agent::AgentOptions agent;
  service::ServerOptions server;
  std::filesystem::path api_key_file;
  std::filesystem::path states;
};

std::string read_api_key(const std::filesystem::path& path) {
  constexpr std::size_t kMaxBytes = 4096;
  if (path.empty()) {
    const char* key = std::getenv("ORKESTRA_API_KEY");
    return key == nullptr ? "" : key;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path.string() + ": can't be read");
  std::string key(std::istreambuf_iterator<char>(file), {});
  while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
  if (key.empty() || key.size() > kMaxBytes) {
    throw Error(ErrorCode::kInvalid, path.string() + ": holds no API key: one line is expected");
  }
  return key;
}

void serve(ServeFlags& flags) {
  const Interrupt interrupt;
  flags.server.api_key = read_api_key(flags.api_key_file);
  // A path says where the model lies, which is nobody's business; it keeps its own name.
  if (!std::filesystem::exists(flags.agent.model) && !flags.agent.model.starts_with("script:")) {
    flags.server.model_name = flags.agent.model;
  }
  agent::Agent agent(flags.agent);
  StatesFile states(agent.model(), flags.states);
  service::Server server(agent, flags.server);
  const std::stop_callback stop(interrupt.token(), [&] { server.stop(); });
  const bool v6 = flags.server.host.find(':') != std::string::npos;
  std::cout << "listening on http://" << (v6 ? "[" : "") << flags.server.host << (v6 ? "]" : "")
            << ":" << server.port() << std::endl;
  server.run();
  states.save();
  std::cout << "stopped; unfinished runs go on with the next start" << std::endl;
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command =
      app.add_subcommand("serve", "Serve runs and chat completions over HTTP (docs/SERVICE.md)");
  command->footer(
      "Listens on this machine only unless --host says otherwise, which needs an API key. There "
      "is\n"
      "no TLS: put a proxy that has it in front when the network is not yours alone.\n"
      "Ctrl-C stops it; unfinished runs go on with the next start.");
  add_agent_flags(*command, flags->agent);
  add_states_flag(*command, flags->states);
  command->add_option("--host", flags->server.host, "Address to listen on")->capture_default_str();
  command->add_option("--port", flags->server.port, "Port to listen on (0 = any free one)")
      ->capture_default_str();
  command->add_option("--api-key-file", flags->api_key_file,
                      "File with the key that clients must send (or ORKESTRA_API_KEY)");
  const auto repeatable = [&](const char* flag, auto& values, const char* what) {
    command->add_option(flag, values, what)->allow_extra_args(false);
  };
  repeatable("--allow-host", flags->server.hosts, "Another name of this service (repeatable)");
  repeatable("--allow-origin", flags->server.origins,
             "Pages of this origin may call, e.g. https://example.org (repeatable)");
  command->add_option("--runs", flags->server.limits.run_workers, "Runs worked on at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->callback([flags] { serve(*flags); });
}

}  // namespace orkestra::apps
