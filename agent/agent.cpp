#include <orkestra/agent/agent.h>
#include <orkestra/agent/knowledge.h>
#include <orkestra/agent/model_locator.h>
#include <orkestra/agent/tool_box.h>
#include <orkestra/core/error.h>
#include <orkestra/planner/report.h>
#include <orkestra/planner/run_loop.h>
#include <orkestra/tools/sql.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace orkestra::agent {
namespace {

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Json sources_json(const AgentOptions& options) {
  Json sources = Json::array();
  const auto add = [&](const char* kind, const std::filesystem::path& path) {
    sources.push_back({{"kind", kind}, {"path", std::filesystem::absolute(path).string()}});
  };
  for (const auto& path : options.databases) add("database", path);
  for (const auto& path : options.queries) add("queries", path);
  for (const auto& path : options.documents) add("documents", path);
  for (const auto& path : options.plugins) add("plugin", path);
  if (!options.files.empty()) add("files", options.files);
  if (options.web) sources.push_back({{"kind", "web"}});
  return sources;
}

Json paths_json(const std::vector<std::filesystem::path>& paths) {
  Json list = Json::array();
  for (const auto& path : paths) list.push_back(std::filesystem::absolute(path).string());
  return list;
}

std::vector<std::filesystem::path> paths_from_json(const Json& list) {
  std::vector<std::filesystem::path> paths;
  for (const Json& path : list) paths.emplace_back(path.get<std::string>());
  return paths;
}

// A model named by its path is found again from another folder.
std::string model_name_to_keep(const std::string& name) {
  constexpr std::string_view kScript = "script:";
  const bool script = name.starts_with(kScript);
  const std::filesystem::path path(script ? name.substr(kScript.size()) : name);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return name;
  return (script ? std::string(kScript) : "") + std::filesystem::absolute(path).string();
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path.string() + ": can't be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

planner::Requirement schema_requirement(std::string name, Json schema) {
  return {.name = "schema: " + std::move(name),
          .description = "The answer is JSON that satisfies the schema.",
          .kind = planner::Requirement::Kind::kSchema,
          .value = std::move(schema)};
}

std::vector<planner::Requirement> requirements_of(const AgentOptions& options) {
  std::vector<planner::Requirement> requirements;
  for (const std::string& text : options.requirements) {
    requirements.push_back(planner::parse_requirement(text));
  }
  if (!options.schema.empty()) {
    requirements.push_back(
        schema_requirement(options.schema.filename().string(),
                           parse_json(read_file(options.schema), options.schema.string())));
  }
  return requirements;
}

}  // namespace

struct Agent::Wiring {
  AgentOptions options;
  std::shared_ptr<model::LanguageModel> model;
  tools::ToolRegistry registry;
  std::vector<planner::Requirement> requirements;
  std::unique_ptr<planner::Journal> journal;
  std::unique_ptr<Knowledge> knowledge;
  std::string known_tools;  // names of all that were there, allowed or not, for messages
  SystemClock clock;

  void add_tool(std::unique_ptr<tools::Tool> tool) {
    const std::string& name = tool->spec().name;
    known_tools += (known_tools.empty() ? "" : ", ") + name;
    if (!options.allow.empty() && !listed(options.allow, name)) return;
    if (listed(options.deny, name)) return;
    registry.add(std::move(tool));
  }

  // Runs share a model that computes; a script is read anew by each, from where the run stands.
  std::shared_ptr<model::LanguageModel> model_of(const planner::RunState& state) const {
    if (model->capabilities().kind != "scripted") return model;
    const auto replies = static_cast<std::size_t>(state.proposals * state.spec.budget.candidates);
    return open_language_model(options.model, {}, replies);
  }

  // Journals the first event of a new run and applies it to `state`.
  std::string begin(const std::string& task, const TaskOptions& own, const EventCallback& on_event,
                    planner::RunState& state);

  planner::RunServices services(model::LanguageModel& of, const std::string& run,
                                std::int64_t epoch, const EventCallback& on_event,
                                const planner::RunState& state, std::stop_token stop) {
    return {.model = of,
            .clock = clock,
            .call_tool = [this](const ToolCall& call,
                                const Limits& limits) { return registry.call(call, limits); },
            .recheck = recheck(),
            .append =
                [this, run, epoch](planner::NewEvent event) {
                  std::vector<planner::NewEvent> events;
                  events.push_back(std::move(event));
                  return journal->append(run, epoch, std::move(events)).front();
                },
            .on_event =
                [&on_event, &state](const planner::Event& event) {
                  if (on_event) on_event(event, state);
                },
            .stop = std::move(stop)};
  }

  // How the verifier looks again at what an answer rests on.
  planner::Recheck recheck() const {
    planner::Recheck again{.query = [](const std::filesystem::path& database, std::string_view sql,
                                       const Json& parameters, const Limits& limits) {
      return tools::query_database(database, sql, parameters, limits);
    }};
    if (knowledge != nullptr) {
      again.search = [this](std::string_view text, const Limits& limits) {
        return knowledge->search(text, limits);
      };
    }
    return again;
  }

  planner::RunSpec spec(const std::string& task, const TaskOptions& own) const {
    std::vector<planner::Requirement> all = requirements;
    for (const std::string& text : own.requirements) {
      all.push_back(planner::parse_requirement(text));
    }
    if (!own.schema.is_null()) all.push_back(schema_requirement("of the task", own.schema));
    const model::ModelCapabilities& capabilities = model->capabilities();
    const bool small =
        capabilities.parameters > 0 && capabilities.parameters < planner::kProseParameters;
    return {.task = task,
            .requirements = std::move(all),
            .tools = registry.specs(),
            .budget = planner::Budget::of_level(own.budget.empty() ? options.budget : own.budget),
            .policy = options.policy,
            .style = small ? planner::AnswerStyle::kSpans : planner::AnswerStyle::kProse,
            .model = capabilities.id,
            .model_kind = capabilities.kind,
            .seed = own.seed.value_or(options.seed),
            .sources = sources_json(options),
            .options = {
                {"model", model_name_to_keep(options.model)},
                {"databases", paths_json(options.databases)},
                {"queries", paths_json(options.queries)},
                {"documents", paths_json(options.documents)},
                {"files",
                 options.files.empty() ? "" : std::filesystem::absolute(options.files).string()},
                {"plugins", paths_json(options.plugins)},
                {"python", options.python},
                {"web", options.web},
                {"allow", options.allow},
                {"deny", options.deny}}};
  }
};

Agent::Agent(AgentOptions options) : wiring_(std::make_unique<Wiring>()) {
  Wiring& wiring = *wiring_;
  wiring.options = std::move(options);
  const AgentOptions& given = wiring.options;
  wiring.requirements = requirements_of(given);
  planner::Budget::of_level(given.budget);
  const std::filesystem::path store = given.store.empty() ? default_store() : given.store;
  ToolBox box = open_tools(given, store);
  wiring.knowledge = std::move(box.knowledge);
  for (auto& tool : box.tools) wiring.add_tool(std::move(tool));
  wiring.model = open_language_model(given.model, {.threads = given.threads, .kv = given.kv});
  wiring.journal = planner::Journal::open(store);
}

Agent::~Agent() = default;

void Agent::add_tool(std::unique_ptr<tools::Tool> tool) { wiring_->add_tool(std::move(tool)); }

planner::Journal& Agent::journal() { return *wiring_->journal; }

model::LanguageModel& Agent::model() { return *wiring_->model; }

std::string Agent::Wiring::begin(const std::string& task, const TaskOptions& own,
                                 const EventCallback& on_event, planner::RunState& state) {
  if (task.empty()) throw Error(ErrorCode::kInvalid, "the task is empty");
  const planner::RunSpec run_spec = spec(task, own);
  if (run_spec.tools.empty()) {
    throw Error(ErrorCode::kInvalid,
                "no tool is left to work with: allowed and denied are names of " + known_tools);
  }
  std::string id = journal->create_run();
  planner::Executor(services(*model, id, 1, on_event, state, {})).start(run_spec, state);
  return id;
}

std::string Agent::begin(const std::string& task, const TaskOptions& options) {
  planner::RunState state;
  return wiring_->begin(task, options, {}, state);
}

Json Agent::run(const std::string& task, const EventCallback& on_event, std::stop_token stop) {
  planner::RunState state;
  const std::string id = wiring_->begin(task, {}, on_event, state);
  const auto model = wiring_->model_of(state);
  planner::Executor executor(wiring_->services(*model, id, 1, on_event, state, std::move(stop)));
  planner::run_to_end(executor, state);
  return planner::make_report(state);
}

Json Agent::resume(const std::string& run, const EventCallback& on_event, std::stop_token stop) {
  planner::RunState state = planner::fold(wiring_->journal->read(run));
  if (state.finished() || state.waiting()) return planner::make_report(state);
  Json tools_then = Json::array();
  Json tools_now = Json::array();
  for (const ToolSpec& tool : state.spec.tools) tools_then.push_back(to_json(tool));
  for (const ToolSpec& tool : wiring_->registry.specs()) tools_now.push_back(to_json(tool));
  if (tools_then != tools_now) {
    throw Error(ErrorCode::kConflict,
                "run " + run + ": the tools on offer have changed since it began; give the same " +
                    "databases and queries, or start anew");
  }
  const std::int64_t epoch = wiring_->journal->take_over(run);
  const auto model = wiring_->model_of(state);
  planner::Executor executor(
      wiring_->services(*model, run, epoch, on_event, state, std::move(stop)));
  executor.resume(state);
  planner::run_to_end(executor, state);
  return planner::make_report(state);
}

void Agent::answer(const std::string& run, const planner::Approval& approval) {
  planner::answer_question(*wiring_->journal, wiring_->clock, run, approval);
}

void Agent::cancel(const std::string& run, const std::string& reason) {
  planner::cancel_run(*wiring_->journal, wiring_->clock, run, reason);
}

std::vector<planner::Divergence> Agent::recompute(const std::string& run) {
  const auto model = wiring_->model_of(planner::RunState{});
  return planner::replay_recompute(wiring_->journal->read(run), *model, wiring_->recheck());
}

AgentOptions options_of_run(const planner::RunSpec& spec, const std::filesystem::path& store) {
  return reading_json("run options", [&] {
    const Json& saved = spec.options;
    return AgentOptions{.model = saved.at("model").get<std::string>(),
                        .databases = paths_from_json(saved.at("databases")),
                        .queries = paths_from_json(saved.at("queries")),
                        .documents = paths_from_json(saved.at("documents")),
                        .files = saved.at("files").get<std::string>(),
                        .plugins = paths_from_json(saved.at("plugins")),
                        .python = saved.at("python").get<bool>(),
                        .web = saved.at("web").get<bool>(),
                        .budget = spec.budget.level,
                        .allow = saved.at("allow").get<std::vector<std::string>>(),
                        .deny = saved.at("deny").get<std::vector<std::string>>(),
                        .policy = spec.policy,
                        .store = store,
                        .seed = spec.seed};
  });
}

std::filesystem::path default_store() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
    return std::filesystem::path(data) / "orkestra" / "store.db";
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    throw Error(ErrorCode::kInvalid, "no HOME to keep the store in: give --store FILE");
  }
  return std::filesystem::path(home) / ".local" / "share" / "orkestra" / "store.db";
}

}  // namespace orkestra::agent
