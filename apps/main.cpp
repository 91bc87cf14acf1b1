// The `orkestra` program: subcommands over the agent layer. Errors become one line on stderr and
// the exit status of the one table in core/error.cpp.
#include <orkestra/apps/doctor_command.h>
#include <orkestra/apps/grammar_command.h>
#include <orkestra/apps/index_command.h>
#include <orkestra/apps/model_commands.h>
#include <orkestra/apps/run_command.h>
#include <orkestra/apps/runs_command.h>
#include <orkestra/apps/serve_command.h>
#include <orkestra/apps/template_command.h>
#include <orkestra/apps/tool_commands.h>
#include <orkestra/apps/verify_command.h>
#include <orkestra/core/error.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace {

// What the command line names that isn't there, or "": "orkestra runs: there is no command ...".
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  const auto all = [](const CLI::App*) { return true; };
  const CLI::App* at = &app;
  std::string path = at->get_name();
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto commands = at->get_subcommands(all);
    if (commands.empty()) return {};
    std::string names;
    const CLI::App* found = nullptr;
    for (const CLI::App* command : commands) {
      if (command->get_name() == argv[i]) found = command;
      names += (names.empty() ? "" : ", ") + command->get_name();
    }
    if (found == nullptr) {
      return path + ": there is no command \"" + argv[i] + "\"; there are: " + names;
    }
    at = found;
    path += " " + at->get_name();
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Orkestra: agents on local hybrid models that show their work.", "orkestra");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help of every subcommand");
  app.set_version_flag("--version", ORKESTRA_VERSION);
  app.failure_message([](const CLI::App* command, const CLI::Error& error) {
    return "orkestra: " + std::string(error.what()) + "\n\n" + command->help();
  });

  int exit_status = 0;
  orkestra::apps::add_run_command(app, exit_status);
  orkestra::apps::add_runs_command(app, exit_status);
  orkestra::apps::add_serve_command(app);
  orkestra::apps::add_index_command(app, exit_status);
  orkestra::apps::add_verify_command(app, exit_status);
  orkestra::apps::add_grammar_command(app, exit_status);
  orkestra::apps::add_template_command(app);
  orkestra::apps::add_tool_commands(app);
  orkestra::apps::add_model_commands(app);
  orkestra::apps::add_doctor_command(app, exit_status);

  if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty()) {
    std::fprintf(stderr, "%s\n", unknown.c_str());
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const orkestra::Error& error) {
    std::fprintf(stderr, "orkestra: %s\n", error.what());
    return orkestra::info(error.code()).exit_status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "orkestra: internal error: %s\n", error.what());
    return 1;
  }
  return exit_status;
}
