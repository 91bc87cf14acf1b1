// What the whole agent makes of invented tasks: every case of a file is run through the planner's
// own loop (proposals under their constraints, checks, going back) with tools that give what the
// case says. Model, planner and verifier are the shipped ones; only tools and journal are
// stand-ins.
//
//   bench_agent_cells MODEL.gguf [--budget low|medium|high] [--seed N] [--threads N] [--alone]
//                     [--prose] [--events] < cases.jsonl > outcomes.jsonl
//
// --alone ends a case with the model's first draft, unchecked, and lets the model write as it
// likes: a call of any tool of the case, or any text. --prose lets it write so, too, but holds
// what it writes against the sources as a large model's. Default budget: medium.
//
// A case: {"task", "tools": [{"description", "name", "parameters": schema, "answer_form"?,
//   "gives": [{"arguments", "value"}] | "passages": [text]}], "claim"?, "text"?}.
// An outcome: {"first": {"name", "arguments"} | null, "status", "reason",
//   "answer", "calls", "proposals", "branches", "usage"}, with --events also the run's "events";
// of a case with a claim: {"verdict"}; with {"sentence", "asks"}: its outline. model/nano/cases.py
// writes cases and adds outcomes up.
#include <orkestra/agent/model_locator.h>
#include <orkestra/core/clock.h>
#include <orkestra/core/error.h>
#include <orkestra/planner/executor.h>
#include <orkestra/planner/model_outlines.h>
#include <orkestra/planner/next.h>
#include <orkestra/planner/run_loop.h>
#include <orkestra/planner/verify/verifier.h>
#include <orkestra/tools/tool.h>

#include <unistd.h>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <variant>
#include <vector>

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

Json verdict_of(const Json& given, planner::OutlineReader* outlines,
                const std::filesystem::path& file) {
  std::ofstream(file, std::ios::binary) << given.at("text").get<std::string>() << "\n";
  std::vector<std::unique_ptr<planner::Source>> sources;
  sources.push_back(planner::make_document_source(file));
  const auto claims = planner::verify(given.at("claim").get<std::string>(), sources,
                                      Limits::within(std::chrono::seconds(10)), {}, outlines);
  return {{"verdict", claims.empty() ? "none" : std::string(name(claims.front().verdict.kind))}};
}

struct Flags {
  std::string model;
  std::string budget = "medium";
  std::uint64_t seed = 0;
  int threads = 0;  // of the engine; 0 = all cores
  bool alone = false;
  bool prose = false;
  bool events = false;
};

Flags flags_of(const std::vector<std::string>& arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    const auto value = [&] {
      if (i + 1 == arguments.size()) throw Error(ErrorCode::kInvalid, flag + " needs a value");
      return arguments[++i];
    };
    const auto number = [&] {
      const std::string text = value();
      const bool digits = !text.empty() && text.size() <= 9 &&
                          text.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) throw Error(ErrorCode::kInvalid, flag + " " + text + ": not a number");
      return std::stoi(text);
    };
    if (flag == "--budget") {
      flags.budget = value();
    } else if (flag == "--seed") {
      flags.seed = static_cast<std::uint64_t>(number());
    } else if (flag == "--threads") {
      flags.threads = number();
    } else if (flag == "--alone") {
      flags.alone = true;
    } else if (flag == "--prose") {
      flags.prose = true;
    } else if (flag == "--events") {
      flags.events = true;
    } else if (flags.model.empty() && !flag.starts_with("--")) {
      flags.model = flag;
    } else {
      throw Error(ErrorCode::kInvalid, flag + ": not known here");
    }
  }
  if (flags.model.empty()) throw Error(ErrorCode::kInvalid, "name a model's file");
  return flags;
}

Json event_json(const planner::Event& event) {
  return {
      {"branch", event.branch}, {"kind", event.kind}, {"at_ms", event.at_ms}, {"body", event.body}};
}

// Until the model has written a draft or the line of its calls has ended.
void run_to_first_draft(planner::Executor& executor, planner::RunState& state) {
  while (state.drafts.empty() && !state.finished()) {
    const planner::Action action = planner::next(state);
    if (std::holds_alternative<planner::OpenBranch>(action)) return;
    executor.perform(action, state);
  }
}

Json outline_of(const Json& given, planner::OutlineReader& reader) {
  const auto sentence = given.at("sentence").get<std::string>();
  const Limits limits = Limits::within(std::chrono::seconds(10));
  const planner::Outline read = given.at("asks").get<bool>()
                                    ? reader.read_question(sentence, limits)
                                    : reader.read_statements({sentence}, limits).front();
  return {{"what", read.what},
          {"of", read.of},
          {"with", read.with},
          {"is", read.is},
          {"sureness", read.sureness}};
}

Json outcome_of(const Json& given, model::LanguageModel& model, const std::filesystem::path& folder,
                const Flags& flags) {
  planner::ModelOutlines outlines(model);
  if (given.contains("sentence")) return outline_of(given, outlines);
  if (given.contains("claim")) {
    const bool reads = planner::ModelOutlines::reads(model.capabilities());
    return verdict_of(given, reads ? &outlines : nullptr, folder / "claim.md");
  }
  tools::ToolRegistry registry;
  int number = 0;
  for (const Json& described : given.at("tools")) {
    const auto file = folder / ("passages" + std::to_string(number++) + ".md");
    registry.add(std::make_unique<CaseTool>(described, file));
  }
  SystemClock clock;
  std::int64_t seq = 0;
  Json events = Json::array();
  planner::Executor executor(
      {.model = model,
       .clock = clock,
       .call_tool = [&](const ToolCall& call,
                        const Limits& limits) { return registry.call(call, limits); },
       .recheck = {},
       .append =
           [&](planner::NewEvent event) {
             planner::Event kept{.run = "case",
                                 .seq = ++seq,
                                 .epoch = 1,
                                 .branch = event.branch,
                                 .kind = event.kind,
                                 .at_ms = event.at_ms,
                                 .label = event.label,
                                 .body = std::move(event.body)};
             if (flags.events) events.push_back(event_json(kept));
             return kept;
           }});
  const model::ModelCapabilities& capabilities = model.capabilities();
  const bool small =
      capabilities.parameters > 0 && capabilities.parameters < planner::kProseParameters;
  planner::RunState state;
  executor.start({.task = given.at("task"),
                  .tools = registry.specs(),
                  .budget = planner::Budget::of_level(flags.budget),
                  .style = small && !flags.alone && !flags.prose ? planner::AnswerStyle::kSpans
                                                                 : planner::AnswerStyle::kProse,
                  .model = capabilities.id,
                  .seed = flags.seed},
                 state);
  try {
    if (flags.alone) {
      run_to_first_draft(executor, state);
    } else {
      planner::run_to_end(executor, state);
    }
  } catch (const Error& e) {  // a context that is full, say: it ends this case only
    state.status = "failed";
    state.status_reason = e.what();
  }
  Json first = nullptr;
  if (!state.steps.empty()) {
    const ToolCall& call = state.steps.front().call;
    first = {{"name", call.name}, {"arguments", call.arguments}};
  }
  Json outcome = {{"first", first},
                  {"status", state.status},
                  {"reason", state.status_reason},
                  {"answer", state.accepted ? state.drafts[*state.accepted].answer : ""},
                  {"calls", state.steps.size()},
                  {"proposals", state.proposals},
                  {"branches", state.branches.size()},
                  {"usage", planner::to_json(state.usage)}};
  if (flags.events) outcome["events"] = std::move(events);
  return outcome;
}

int run(const Flags& flags) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("orkestra-cells-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto model = agent::open_language_model(flags.model, {.threads = flags.threads});
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << dump_json(outcome_of(parse_json(line, "case"), *model, folder, flags))
              << std::endl;
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(flags_of({argv + 1, argv + argc}));
  } catch (const std::exception& e) {
    std::cerr << "bench_agent_cells: " << e.what() << "\n";
    return 1;
  }
}
