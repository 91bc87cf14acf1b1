// What the whole agent makes of invented tasks: every case of a file is run through the planner's
// own loop (proposals under their constraints, checks, going back) with tools that give what the
// case says. Model, planner and verifier are the shipped ones; only tools and journal are
// stand-ins.
//
//   bench_agent_cells MODEL.gguf < cases.jsonl > outcomes.jsonl
//
// A case: {"task", "tools": [{"description", "name", "parameters": schema, "answer_form"?,
//   "gives": [{"arguments", "value"}] | "passages": [text]}], "claim"?, "text"?}.
// An outcome: {"first": {"name", "arguments"} | null, "status", "reason",
//   "answer", "calls", "proposals"};
// of a case with a claim: {"verdict"}. model/nano/cases.py writes cases and adds outcomes up.
#include <orkestra/agent/model_locator.h>
#include <orkestra/core/clock.h>
#include <orkestra/core/error.h>
#include <orkestra/planner/executor.h>
#include <orkestra/planner/run_loop.h>
#include <orkestra/planner/verify/verifier.h>
#include <orkestra/tools/tool.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

using namespace orkestra;

// Gives what the case says for these arguments; passages stand in a file, so that they are read
// again.
class CaseTool final : public tools::Tool {
 public:
  CaseTool(const Json& described, std::filesystem::path file)
      : gives_(described.value("gives", Json::array())), file_(std::move(file)) {
    spec_ = {.name = described.at("name"),
             .description = described.at("description"),
             .parameters = described.at("parameters"),
             .answer_form = described.value("answer_form", "")};
    std::ofstream out(file_, std::ios::binary);
    std::size_t at = 0;
    for (const Json& passage : described.value("passages", Json::array())) {
      const auto text = passage.get<std::string>();
      parts_.push_back({.text = text,
                        .description = "Handbook",
                        .origin = {.kind = Origin::Kind::kDocument,
                                   .locator = file_.string(),
                                   .detail = {{"begin", at}, {"end", at + text.size()}}},
                        .label = {}});
      out << text << "\n\n";
      at += text.size() + 2;
    }
  }
  const ToolSpec& spec() const override { return spec_; }
  ToolResult run(const ToolCall& call, const Limits&) override {
    const Origin origin{.kind = Origin::Kind::kTool,
                        .locator = spec_.name,
                        .detail = {{"arguments", call.arguments}}};
    if (!parts_.empty()) {
      ToolResult found = ToolResult::success(Json::array(), origin);
      found.parts = parts_;
      return found;
    }
    for (const Json& given : gives_) {
      if (given.at("arguments") == call.arguments)
        return ToolResult::success(given.at("value"), origin);
    }
    return ToolResult::failure(ErrorCode::kNotFound, "nothing of that name");
  }

 private:
  ToolSpec spec_;
  Json gives_;
  std::filesystem::path file_;
  std::vector<ResultPart> parts_;
};

Json verdict_of(const Json& given, const std::filesystem::path& file) {
  std::ofstream(file, std::ios::binary) << given.at("text").get<std::string>() << "\n";
  std::vector<std::unique_ptr<planner::Source>> sources;
  sources.push_back(planner::make_document_source(file));
  const auto claims = planner::verify(given.at("claim").get<std::string>(), sources,
                                      Limits::within(std::chrono::seconds(10)));
  return {{"verdict", claims.empty() ? "none" : std::string(name(claims.front().verdict.kind))}};
}

Json outcome_of(const Json& given, model::LanguageModel& model,
                const std::filesystem::path& folder) {
  if (given.contains("claim")) return verdict_of(given, folder / "claim.md");
  tools::ToolRegistry registry;
  int number = 0;
  for (const Json& described : given.at("tools")) {
    const auto file = folder / ("passages" + std::to_string(number++) + ".md");
    registry.add(std::make_unique<CaseTool>(described, file));
  }
  SystemClock clock;
  std::int64_t seq = 0;
  planner::Executor executor(
      {.model = model,
       .clock = clock,
       .call_tool = [&](const ToolCall& call,
                        const Limits& limits) { return registry.call(call, limits); },
       .recheck = {},
       .append =
           [&](planner::NewEvent event) {
             return planner::Event{.run = "case",
                                   .seq = ++seq,
                                   .epoch = 1,
                                   .branch = event.branch,
                                   .kind = event.kind,
                                   .at_ms = event.at_ms,
                                   .label = event.label,
                                   .body = std::move(event.body)};
           }});
  planner::RunState state;
  executor.start({.task = given.at("task"),
                  .tools = registry.specs(),
                  .budget = planner::Budget::of_level("medium"),
                  .style = planner::AnswerStyle::kSpans,
                  .model = model.capabilities().id},
                 state);
  planner::run_to_end(executor, state);
  Json first = nullptr;
  if (!state.steps.empty()) {
    const ToolCall& call = state.steps.front().call;
    first = {{"name", call.name}, {"arguments", call.arguments}};
  }
  return {{"first", first},
          {"status", state.status},
          {"reason", state.status_reason},
          {"answer", state.accepted ? state.drafts[*state.accepted].answer : ""},
          {"calls", state.steps.size()},
          {"proposals", state.proposals}};
}

int run(const std::string& file) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("orkestra-cells-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto model = agent::open_language_model(file, {});
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << dump_json(outcome_of(parse_json(line, "case"), *model, folder)) << std::endl;
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench_agent_cells MODEL.gguf < cases.jsonl > outcomes.jsonl\n";
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const std::exception& e) {
    std::cerr << "bench_agent_cells: " << e.what() << "\n";
    return 1;
  }
}
