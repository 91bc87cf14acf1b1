#include <orkestra/apps/agent_flags.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/run_command.h>
#include <orkestra/apps/run_view.h>
#include <orkestra/apps/states_file.h>
#include <orkestra/planner/report.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

struct RunFlags {
  agent::AgentOptions options;
  std::string task;
  bool events = false;
  bool json = false;
  std::filesystem::path states;
};

// Whether anything but a calculator was named to answer from.
bool has_sources(const agent::AgentOptions& o) {
  return !o.databases.empty() || !o.documents.empty() || !o.files.empty() || !o.plugins.empty() ||
         o.python || o.web;
}

int run(const RunFlags& flags) {
  const Interrupt interrupt;
  agent::Agent agent(flags.options);
  StatesFile states(agent.model(), flags.states);
  const auto show = [&](const planner::Event& event, const planner::RunState& state) {
    if (flags.events) {
      std::cout << dump_json(event_json(event)) << std::endl;
    } else if (!flags.json) {
      print_event(std::cout, event, state);
      std::cout.flush();
    }
  };
  const Json report = agent.run(flags.task, show, interrupt.token());
  states.save();
  if (flags.json) {
    std::cout << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else if (!flags.events) {
    print_report(std::cout, report);
    if (report.value("status", "") == "abstained" && !has_sources(flags.options)) {
      std::cout << "no source was named: add --db, --docs, --files, --plugin or --web "
                   "(orkestra run --help)\n";
    }
  }
  return planner::exit_status(report.value("status", ""));
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_status) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = app.add_subcommand("run", "Do one task and verify the answer");
  command->footer(
      "Exit: 0 done and verified, 1 failed, 2 usage, 3 a mandatory requirement or claim is\n"
      "unverified, 4 waiting for approval, 5 budget exhausted, 6 abstained (the sources don't\n"
      "answer it), 130 cancelled.");
  command->add_option("TASK", flags->task, "The task, in words")->required();
  add_agent_flags(*command, flags->options);
  add_states_flag(*command, flags->states);
  command->add_flag("--events", flags->events, "Print each event as a line of JSON as it happens");
  command->add_flag("--json", flags->json, "Print the report as JSON");
  command->callback([flags, &exit_status] { exit_status = run(*flags); });
}

}  // namespace orkestra::apps
