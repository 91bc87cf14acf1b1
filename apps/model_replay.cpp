#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/model_replay.h>
#include <orkestra/apps/progress_line.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/replay_task.h>
#include <orkestra/model/engine/state_file.h>
#include <orkestra/model/engine/weights_fingerprint.h>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace orkestra::apps {
namespace {

double ms_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

constexpr std::uint64_t kLongPrompt = 1024;  // tokens; from here on its progress is shown
constexpr std::uintmax_t kMaxTraceBytes = std::uintmax_t{1} << 30U;

struct ReplayCommand {
  std::string file;
  std::string trace;
  bool json = false;
  ReplayOptions options;
};

std::string read_trace(const std::string& path) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  std::ifstream in(path, std::ios::binary);
  if (failed || !in) throw Error(ErrorCode::kNotFound, path + ": can't be read");
  if (size > kMaxTraceBytes) throw Error(ErrorCode::kExhausted, path + ": larger than 1 GiB");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void run_replay(const ReplayCommand& command) {
  const auto model = std::make_shared<const model::LoadedModel>(
      model::GgufFile::open(agent::locate_model(command.file)));
  auto requests = model::parse_replay_trace(
      read_trace(command.trace), command.trace,
      {.n_vocab = model->vocabulary_size(), .context_length = model->context_length()});
  const bool shown = !command.json || isatty(STDERR_FILENO) != 0;
  std::FILE* out = command.json ? stderr : stdout;
  if (shown) {
    std::fprintf(out, "%-24s %8s %8s %9s %9s %14s %10s\n", "request", "tokens", "reused",
                 "processed", "generated", "first token ms", "total ms");
  }
  ReplayResult sum{.id = "total"};
  const auto show = [&](const ReplayResult& r) {
    if (!shown) return;
    std::fprintf(out, "%-24.24s %8lld %8lld %9lld %9lld %14.1f %10.1f\n", r.id.c_str(),
                 static_cast<long long>(r.tokens), static_cast<long long>(r.reused),
                 static_cast<long long>(r.processed), static_cast<long long>(r.generated),
                 r.first_token_ms, r.total_ms);
    std::fflush(out);
  };
  const auto results = replay(model, std::move(requests), command.options, show);
  Json rows = Json::array();
  for (const ReplayResult& r : results) {
    sum.tokens += r.tokens;
    sum.reused += r.reused;
    sum.processed += r.processed;
    sum.generated += r.generated;
    sum.first_token_ms += r.first_token_ms;
    sum.total_ms += r.total_ms;
    rows.push_back(to_json(r));
  }
  show(sum);
  if (!command.json) return;
  const Json report = {{"model", model->id()},
                       {"kernels", model::kernels_named(command.options.kernels).name},
                       {"requests", std::move(rows)},
                       {"total", to_json(sum)}};
  std::cout << report.dump(2) << "\n";
}

}  // namespace

std::vector<ReplayResult> replay(const std::shared_ptr<const model::LoadedModel>& model,
                                 std::vector<model::ReplayRequest> requests,
                                 const ReplayOptions& options,
                                 const std::function<void(const ReplayResult&)>& on_result) {
  if (options.batch < 1) throw Error(ErrorCode::kInvalid, "replay: --batch must be 1 or more");
  model::BatchWorker worker(
      std::make_unique<model::CpuBackend>(model->network(), model::kernels_named(options.kernels),
                                          options.threads, model::kv_type_named(options.kv)),
      {.n_vocab = model->vocabulary_size(),
       .max_batch_tokens = options.batch,
       .state_budget_bytes = options.budget_mib << 20U});
  std::string weights;
  if (!options.states.empty()) weights = model::weights_fingerprint(model->file(), options.threads);
  if (!options.states.empty() && std::filesystem::exists(options.states)) {
    model::load_states(
        worker, weights, options.states,
        {.n_vocab = model->vocabulary_size(), .context_length = model->context_length()});
  }
  std::vector<ReplayResult> results;
  for (std::size_t i = 0; i < requests.size();) {
    const std::string group = requests[i].group;
    std::vector<std::shared_ptr<model::ReplayTask>> tasks;
    do {
      tasks.push_back(std::make_shared<model::ReplayTask>(std::move(requests[i++])));
    } while (i < requests.size() && !group.empty() && requests[i].group == group);
    ProgressLine progress("reading");
    for (const auto& task : tasks) {
      const auto n_prompt = static_cast<std::uint64_t>(task->usage.prompt);
      if (n_prompt < kLongPrompt) continue;
      task->on_progress = [&progress, n_prompt](std::size_t n) { progress.at(n, n_prompt); };
    }
    const SteadyTime sent = std::chrono::steady_clock::now();
    worker.submit({tasks.begin(), tasks.end()});
    for (const auto& task : tasks) {
      task->wait();
      progress.clear();
      results.push_back({.id = task->id(),
                         .tokens = task->usage.prompt,
                         .reused = task->usage.reused,
                         .processed = task->usage.prompt - task->usage.reused,
                         .generated = task->usage.generated,
                         .first_token_ms = ms_between(sent, task->first_token()),
                         .total_ms = ms_between(sent, task->ended())});
      on_result(results.back());
    }
  }
  if (!options.states.empty()) model::save_states(worker, weights, options.states, {});
  return results;
}

Json to_json(const ReplayResult& result) {
  return {{"id", result.id},
          {"tokens", result.tokens},
          {"reused", result.reused},
          {"processed", result.processed},
          {"generated", result.generated},
          {"first_token_ms", result.first_token_ms},
          {"total_ms", result.total_ms}};
}

void add_replay_command(CLI::App& model) {
  auto options = std::make_shared<ReplayCommand>();
  CLI::App* command =
      model.add_subcommand("replay", "Recorded requests run again: tokens reused and computed, ms");
  command->add_option("FILE", options->file, "A .gguf file, or a bundled model's name")->required();
  command
      ->add_option(
          "TRACE", options->trace,
          "One JSON object a line; {\"id\", \"tokens\", \"marks\", \"forced_output\", \"group\"}")
      ->required();
  command->add_option("-t,--threads", options->options.threads, "0 = all cores");
  command->add_option("-b,--batch", options->options.batch, "Tokens per step, at most");
  command->add_option("--budget-mib", options->options.budget_mib, "Memory for model states");
  command->add_option("--kernels", options->options.kernels, "best, reference, avx2 or avx512");
  command->add_option("--kv", options->options.kv,
                      "Keys and values as f32, f16 or q8_0; auto: by the weights");
  command->add_option("--states", options->options.states,
                      "File of model states: taken if it is there, and written at the end");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run_replay(*options); });
}

}  // namespace orkestra::apps
