// Agent: the SDK's front door. Wires a model, tools, requirements, budget and journal together and
// runs tasks. Owns what it opens. Set it up from one thread; then any number of threads may run
// tasks at once: they share the model, whose engine computes them in one batch.
//
//   orkestra::agent::Agent agent({.databases = {"sales.db"}, .queries = {"queries.sql"}});
//   Json report = agent.run("What is the balance of the customer Treathlox?");
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>
#include <orkestra/planner/journal.h>
#include <orkestra/planner/replay.h>
#include <orkestra/planner/run_control.h>
#include <orkestra/planner/run_state.h>
#include <orkestra/tools/policy.h>
#include <orkestra/tools/tool.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace orkestra::agent {

struct AgentOptions {
  std::string model = "nano";  // a .gguf path, a bundled model's name, or script:FILE
  std::vector<std::filesystem::path> databases{};  // free SQL over these, unless queries are given
  std::vector<std::filesystem::path> queries{};    // saved queries over the first database
  std::vector<std::filesystem::path> documents{};  // files and folders to search
  std::filesystem::path files{};                   // a folder whose files may be read; "" = none
  std::vector<std::filesystem::path> plugins{};    // shared libraries that add tools
  bool python = false;                             // let the model compute in the sandbox
  bool web = false;                                // let it fetch pages from public addresses
  std::vector<std::string> requirements{};         // see planner/verify/requirement.h
  std::filesystem::path schema{};                  // JSON Schema the answer must satisfy
  std::string budget = "medium";
  std::vector<std::string> allow{};  // only these tools; empty = all
  std::vector<std::string> deny{};   // not these
  tools::Policy policy{};            // which calls need approval (tools/policy.h)
  std::filesystem::path store{};     // the journal; "" = default_store()
  std::uint64_t seed = 0;
  int threads = 0;          // of the engine; 0 = all cores
  std::string kv = "auto";  // how it keeps keys and values: see model::EngineOptions
};

// What one task may set for itself; empty = as the agent's options say.
struct TaskOptions {
  std::vector<std::string> requirements{};  // besides the agent's own
  Json schema = nullptr;                    // a JSON Schema the answer must satisfy
  std::string budget{};
  std::optional<std::uint64_t> seed{};
};

// Called after each durable event, with the run as it then stands.
using EventCallback = std::function<void(const planner::Event&, const planner::RunState&)>;

class Agent {
 public:
  // Opens everything named. Throws Error naming what can't be opened and what to do.
  explicit Agent(AgentOptions options);
  ~Agent();

  // A new run, durable but not yet worked on; returns its id, for resume. Throws kInvalid.
  std::string begin(const std::string& task, const TaskOptions& options = {});
  // A new run, to its end or to a question that a person must answer (status "waiting": see
  // answer); returns its report (planner/report.h). Throws Error when the world
  // fails on the way; the run stays in the journal and can be resumed.
  Json run(const std::string& task, const EventCallback& on_event = {}, std::stop_token stop = {});
  // Goes on with an unfinished run of this store; one that waits is left waiting. Throws kConflict
  // when the tools have changed.
  Json resume(const std::string& run, const EventCallback& on_event = {},
              std::stop_token stop = {});
  // Answers the open question of a run; `resume` then goes on. Throws kConflict when it asks none.
  void answer(const std::string& run, const planner::Approval& approval);
  // Ends an unfinished run. Throws kConflict when it has finished.
  void cancel(const std::string& run, const std::string& reason = "called off");
  // Does a finished run again with the recorded tool results; what came out differently.
  std::vector<planner::Divergence> recompute(const std::string& run);

  // Adds a tool of the caller's; before the first run.
  void add_tool(std::unique_ptr<tools::Tool> tool);
  planner::Journal& journal();
  model::LanguageModel& model();

 private:
  struct Wiring;
  std::unique_ptr<Wiring> wiring_;
};

// The options a journaled run was started with, for resuming it: model, databases, queries.
AgentOptions options_of_run(const planner::RunSpec& spec, const std::filesystem::path& store);

// $XDG_DATA_HOME/orkestra/store.db, or ~/.local/share/orkestra/store.db.
std::filesystem::path default_store();

}  // namespace orkestra::agent
