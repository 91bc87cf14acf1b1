#include <orkestra/agent/agent.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/run_view.h>
#include <orkestra/apps/runs_command.h>
#include <orkestra/core/error.h>
#include <orkestra/planner/report.h>
#include <CLI/CLI.hpp>

#include <ctime>
#include <iostream>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

struct RunsFlags {
  std::filesystem::path store;
  std::string id;
  bool json = false;
  bool recompute = false;
  bool decline = false;
  std::string note;
};

std::filesystem::path store_of(const RunsFlags& flags) {
  return flags.store.empty() ? agent::default_store() : flags.store;
}

std::unique_ptr<planner::Journal> open_journal(const RunsFlags& flags) {
  const std::filesystem::path store = store_of(flags);
  if (!std::filesystem::exists(store)) {
    throw Error(ErrorCode::kNotFound, store.string() + ": no store there yet; `orkestra run` " +
                                          "makes one, --store FILE names another");
  }
  return planner::Journal::open(store);
}

std::string utc(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

void list(const RunsFlags& flags) {
  Json rows = Json::array();
  for (const planner::RunSummary& run : open_journal(flags)->list()) {
    rows.push_back({{"id", run.run},
                    {"started", utc(run.started_ms)},
                    {"status", run.status},
                    {"events", run.events},
                    {"task", run.task}});
    if (flags.json) continue;
    std::cout << run.run << "  " << utc(run.started_ms) << "  " << run.status << "  " << run.task
              << "\n";
  }
  if (flags.json) std::cout << rows.dump(2) << "\n";
}

void show(const RunsFlags& flags) {
  const std::vector<planner::Event> events = open_journal(flags)->read(flags.id);
  planner::RunState state;
  Json trace = Json::array();
  for (const planner::Event& event : events) {
    planner::apply(state, event);
    if (flags.json) trace.push_back(event_json(event));
    if (!flags.json) print_event(std::cout, event, state);
  }
  Json report = planner::make_report(state);
  if (flags.json) {
    report["events"] = std::move(trace);
    std::cout << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    print_report(std::cout, report);
    if (!state.finished() && !state.waiting()) {
      std::cout << "go on with: orkestra runs resume " << flags.id << "\n";
    }
  }
}

agent::Agent agent_of(const RunsFlags& flags) {
  const planner::RunState state = planner::fold(open_journal(flags)->read(flags.id));
  return agent::Agent(agent::options_of_run(state.spec, store_of(flags)));
}

int resume(const RunsFlags& flags) {
  const Interrupt interrupt;
  agent::Agent agent = agent_of(flags);
  const auto print = [&](const planner::Event& event, const planner::RunState& state) {
    if (!flags.json) print_event(std::cout, event, state);
  };
  const Json report = agent.resume(flags.id, print, interrupt.token());
  if (flags.json) {
    std::cout << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    print_report(std::cout, report);
  }
  return planner::exit_status(report.value("status", ""));
}

int approve(const RunsFlags& flags) {
  SystemClock clock;
  planner::answer_question(*open_journal(flags), clock, flags.id,
                           {.approved = !flags.decline, .note = flags.note});
  return resume(flags);
}

void cancel(const RunsFlags& flags) {
  SystemClock clock;
  planner::cancel_run(*open_journal(flags), clock, flags.id,
                      flags.note.empty() ? "called off" : flags.note);
  if (flags.json) std::cout << Json{{"id", flags.id}, {"status", "cancelled"}}.dump(2) << "\n";
  if (!flags.json) std::cout << "run " << flags.id << " is cancelled\n";
}

int replay(const RunsFlags& flags) {
  const std::vector<planner::Event> events = open_journal(flags)->read(flags.id);
  std::vector<planner::Divergence> divergences = planner::replay_decisions(events);
  if (flags.recompute && divergences.empty()) divergences = agent_of(flags).recompute(flags.id);
  if (flags.json) {
    Json found = Json::array();
    for (const auto& d : divergences) found.push_back({{"seq", d.seq}, {"what", d.what}});
    std::cout << Json{{"run", flags.id},
                      {"events", events.size()},
                      {"recomputed", flags.recompute},
                      {"divergences", found}}
                     .dump(2)
              << "\n";
  } else {
    for (const auto& d : divergences) std::cout << "event " << d.seq << ": " << d.what << "\n";
    std::cout << events.size() << " events, the hash chain holds, "
              << (divergences.empty() ? "every decision is the same"
                                      : "the replay differs from the journal")
              << (flags.recompute ? " (model and checks computed again)" : "") << "\n";
  }
  return divergences.empty() ? 0 : 1;
}

CLI::App* add(CLI::App& runs, const char* name, const char* what, RunsFlags& flags, bool needs_id) {
  CLI::App* command = runs.add_subcommand(name, what);
  if (needs_id) command->add_option("ID", flags.id, "The run's id")->required();
  command->add_option("--store", flags.store, "Where runs are kept (default: the user's store)");
  command->add_flag("--json", flags.json, "Print JSON");
  return command;
}

}  // namespace

void add_runs_command(CLI::App& app, int& exit_status) {
  auto flags = std::make_shared<RunsFlags>();
  CLI::App* runs =
      app.add_subcommand("runs", "List, show, approve, resume, cancel and replay runs");
  runs->require_subcommand(1);
  add(*runs, "list", "Every run in the store", *flags, false)->callback([flags] { list(*flags); });
  add(*runs, "show", "A run's trace and report", *flags, true)->callback([flags] { show(*flags); });
  add(*runs, "resume", "Go on with a run that was interrupted", *flags, true)
      ->callback([flags, &exit_status] { exit_status = resume(*flags); });
  CLI::App* approve_command =
      add(*runs, "approve", "Let a call that waits for approval happen, and go on", *flags, true);
  approve_command->add_flag("--decline", flags->decline, "Do not let it happen, and go on without");
  approve_command->add_option("--note", flags->note, "Why: told to the model when declined");
  approve_command->callback([flags, &exit_status] { exit_status = approve(*flags); });
  CLI::App* cancel_command = add(*runs, "cancel", "End an unfinished run", *flags, true);
  cancel_command->add_option("--note", flags->note, "Why: kept in the run's record");
  cancel_command->callback([flags] { cancel(*flags); });
  CLI::App* replay_command =
      add(*runs, "replay", "Check a run's chain and decide again at every step", *flags, true);
  replay_command->add_flag("--recompute", flags->recompute,
                           "Compute the model's turns and the checks again, too");
  replay_command->callback([flags, &exit_status] { exit_status = replay(*flags); });
}

}  // namespace orkestra::apps
