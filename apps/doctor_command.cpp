#include <orkestra/agent/agent.h>
#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/doctor_command.h>
#include <orkestra/core/database.h>
#include <orkestra/core/error.h>
#include <orkestra/core/sandbox.h>
#include <orkestra/model/kernels/kernels.h>
#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace orkestra::apps {
namespace {

struct Finding {
  std::string name;
  bool ok = false;
  std::string detail;
};

Finding examine(const std::string& name, const std::function<std::string()>& look) {
  try {
    return {name, true, look()};
  } catch (const Error& error) {
    return {name, false, error.what()};
  }
}

std::string writes_one_turn() {
  const auto model = agent::open_language_model("nano", {});
  model::GenerateRequest request;
  request.conversation =
      Conversation().with_turn(Turn{.role = Role::kUser, .text = "Repeat: ready"});
  request.limits = Limits::within(std::chrono::seconds(20));
  request.limits.max_tokens = 16;
  const model::Generation written = model::generate(*model, std::move(request));
  return model->capabilities().id + ": wrote " + std::to_string(written.usage.generated) +
         " tokens";
}

// Below the full tier nothing untrusted is run by default: that is a failure.
std::string sandbox_tier() {
  const SandboxReport report = probe_sandbox();
  std::string text = "tier \"" + std::string(name(report.tier)) + "\"";
  for (const std::string& reason : report.reasons) text += "; " + reason;
  if (report.tier < SandboxPolicy{}.minimum) throw Error(ErrorCode::kUnavailable, text);
  return text;
}

std::vector<Finding> findings() {
  return {examine("processor",
                  [] {
                    return std::to_string(std::thread::hardware_concurrency()) +
                           " cores, kernels " + std::string(model::best_kernels().name);
                  }),
          examine("bundled model", writes_one_turn),
          examine("store",
                  [] {
                    planner::Journal::open(agent::default_store());
                    return agent::default_store().string();
                  }),
          examine("sandbox", sandbox_tier), examine("sqlite", [] {
            Database database = Database::open(":memory:");
            Statement version = database.prepare("select sqlite_version()");
            version.step();
            return version.text(0);
          })};
}

}  // namespace

void add_doctor_command(CLI::App& app, int& exit_status) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("doctor", "Check this machine and installation");
  command->add_flag("--json", *json, "Print JSON");
  command->callback([json, &exit_status] {
    Json rows = Json::array();
    for (const Finding& finding : findings()) {
      if (!finding.ok) exit_status = 1;
      rows.push_back({{"name", finding.name}, {"ok", finding.ok}, {"detail", finding.detail}});
      if (!*json) {
        std::cout << (finding.ok ? "ok   " : "FAIL ") << finding.name << ": " << finding.detail
                  << "\n";
      }
    }
    if (*json) std::cout << rows.dump(2) << "\n";
  });
}

}  // namespace orkestra::apps
