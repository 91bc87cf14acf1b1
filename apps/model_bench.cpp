#include <orkestra/apps/model_bench.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/format/gguf_split.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string_view>
#include <system_error>
#include <thread>

namespace orkestra::apps {
namespace {

using model::StateHandle;
using model::TokenId;

using Clock = std::chrono::steady_clock;

std::int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// The value of the first line of a /proc file that begins with `name`; empty when there is none.
std::string proc_value(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const std::size_t begin = line.find_first_not_of(" \t:", name.size());
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

// Not getrusage: that remembers what the parent had before it started this program.
std::int64_t peak_rss_bytes() {
  const std::string value = proc_value("/proc/self/status", "VmHWM");  // "5124 kB"
  return std::atoll(value.c_str()) * 1024;
}

std::vector<TokenId> random_tokens(std::int64_t n, std::int64_t n_vocab, model::Random& random) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(n));
  for (TokenId& token : tokens) {
    token = static_cast<TokenId>(random.next() % static_cast<std::uint64_t>(n_vocab));
  }
  return tokens;
}

class Bench {
 public:
  Bench(const model::Network& network, const BenchOptions& options, int n_threads)
      : network_(network),
        options_(options),
        backend_(network, model::kernels_named(options.kernels), n_threads,
                 model::kv_type_named(options.kv)),
        prepare_ns_(ns_since(start_)) {}

  BenchResult measure(BenchResult result) {
    result.prepare_ns = prepare_ns_;
    const StateHandle deep = backend_.create_state();
    if (options_.fabricate) {
      backend_.fabricate(deep, result.n_depth);
    } else {
      prompt(deep, result.n_depth);
    }
    if (options_.warm_up) {  // caches and workspaces
      const StateHandle state = backend_.copy_state(deep);
      prompt(state, result.n_prompt);
      write(state, std::min<std::int64_t>(result.n_gen, 1));
      backend_.release_state(state);
    }
    for (int i = 0; i < options_.repetitions; ++i) {
      const StateHandle state = backend_.copy_state(deep);
      const auto start = Clock::now();
      prompt(state, result.n_prompt);
      write(state, result.n_gen);
      result.samples_ns.push_back(ns_since(start));
      result.state_bytes = backend_.state_bytes(state);
      backend_.release_state(state);
    }
    backend_.release_state(deep);
    result.peak_rss_bytes = peak_rss_bytes();
    return result;
  }

 private:
  void prompt(StateHandle state, std::int64_t n) {
    while (n > 0) {
      const std::int64_t step = std::min(n, options_.batch);
      n -= step;
      feed(state, step, n == 0 ? 1 : 0);
    }
  }
  void write(StateHandle state, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) feed(state, 1, 1);
  }
  void feed(StateHandle state, std::int64_t n, std::int64_t n_logits) {
    const auto tokens = random_tokens(n, network_.n_vocab, random_);
    const model::StepChunk chunk{.state = state, .tokens = tokens, .n_logits = n_logits};
    backend_.step({&chunk, 1}, logits_);
  }

  const model::Network& network_;
  const BenchOptions& options_;
  const Clock::time_point start_ = Clock::now();
  model::CpuBackend backend_;
  const std::int64_t prepare_ns_;
  model::Random random_{1};
  std::vector<float> logits_;
};

void require_all(const std::vector<std::int64_t>& values, const char* what) {
  constexpr std::int64_t kMost = 1 << 24;
  for (const std::int64_t value : values) {
    if (value < 0 || value > kMost) {
      throw Error(ErrorCode::kInvalid, std::string("bench: ") + what + " must be from 0 to " +
                                           std::to_string(kMost) + " tokens");
    }
  }
}

}  // namespace

std::vector<double> BenchResult::samples_ts() const {
  std::vector<double> samples;
  for (const std::int64_t ns : samples_ns) {
    samples.push_back(1e9 * static_cast<double>(n_prompt + n_gen) / static_cast<double>(ns));
  }
  return samples;
}

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0.0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0.0;
  const double average = mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - average) * (value - average);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

TokenCost token_cost(const model::GgufFile& file) {
  const std::string architecture(file.text("general.architecture"));
  const double n_experts = static_cast<double>(file.integer(architecture + ".expert_count", 0));
  const double n_used = static_cast<double>(file.integer(architecture + ".expert_used_count", 0));
  // The embedding is read one row at a time, unless it is the output matrix, too.
  const bool tied = file.find_tensor("output.weight") == nullptr;
  TokenCost cost;
  for (const model::TensorView& tensor : file.tensors()) {
    if (tensor.name == "token_embd.weight" && !tied) continue;
    const bool expert = tensor.name.find("_exps.") != std::string::npos && n_experts > 0.0;
    const double share = expert ? n_used / n_experts : 1.0;
    cost.weight_bytes += std::llround(share * static_cast<double>(tensor.data.size()));
    if (tensor.rows() == 1) continue;
    cost.multiply_adds +=
        std::llround(share * static_cast<double>(tensor.rows() * tensor.row_length()));
  }
  return cost;
}

std::vector<BenchResult> bench(const model::Network& network, const BenchOptions& options,
                               const std::function<void(const BenchResult&)>& on_result) {
  require_all(options.n_prompt, "-p");
  require_all(options.n_gen, "-n");
  require_all(options.n_depth, "-d");
  if (options.repetitions < 1 || options.batch < 1) {
    throw Error(ErrorCode::kInvalid, "bench: -r and -b must be 1 or more");
  }
  std::vector<BenchResult> results;
  for (const int requested : options.n_threads) {
    const int n_threads =
        requested > 0 ? requested : static_cast<int>(std::thread::hardware_concurrency());
    Bench bench(network, options, n_threads);
    const auto run = [&](std::int64_t n_prompt, std::int64_t n_gen, std::int64_t n_depth) {
      if (n_prompt + n_gen == 0) return;
      results.push_back(bench.measure({.n_prompt = n_prompt,
                                       .n_gen = n_gen,
                                       .n_depth = n_depth,
                                       .n_threads = n_threads,
                                       .samples_ns = {}}));
      on_result(results.back());
    };
    for (const std::int64_t depth : options.n_depth) {
      for (const std::int64_t n : options.n_prompt) run(n, 0, depth);
      for (const std::int64_t n : options.n_gen) run(0, n, depth);
    }
  }
  return results;
}

Json to_json(const model::LoadedModel& model, const BenchOptions& options, std::int64_t open_ns,
             const std::vector<BenchResult>& results) {
  std::int64_t model_size = 0;
  std::int64_t n_parameters = 0;
  for (const model::TensorView& tensor : model.file().tensors()) {
    model_size += static_cast<std::int64_t>(tensor.data.size());
    n_parameters += tensor.rows() * tensor.row_length();
  }
  std::error_code no_file;  // a model need not be a file
  std::uintmax_t file_bytes = 0;
  for (const auto& path : model::split_paths(model.file())) {
    if (!no_file) file_bytes += std::filesystem::file_size(path, no_file);
  }
  const TokenCost cost = token_cost(model.file());

  Json rows = Json::array();
  for (const BenchResult& result : results) {
    std::vector<double> samples_ns(result.samples_ns.begin(), result.samples_ns.end());
    const std::vector<double> samples_ts = result.samples_ts();
    rows.push_back({{"model", model.id()},
                    {"model_filename", model.file().name()},
                    {"model_size", model_size},
                    {"model_n_params", n_parameters},
                    {"file_bytes", no_file ? Json(nullptr) : Json(file_bytes)},
                    {"cpu_info", proc_value("/proc/cpuinfo", "model name")},
                    {"kernels", model::kernels_named(options.kernels).name},
                    {"type_k", options.kv},
                    {"type_v", options.kv},
                    {"n_threads", result.n_threads},
                    {"n_batch", options.batch},
                    {"n_prompt", result.n_prompt},
                    {"n_gen", result.n_gen},
                    {"n_depth", result.n_depth},
                    {"depth_fabricated", options.fabricate && result.n_depth > 0},
                    {"avg_ns", mean(samples_ns)},
                    {"stddev_ns", deviation(samples_ns)},
                    {"avg_ts", mean(samples_ts)},
                    {"stddev_ts", deviation(samples_ts)},
                    {"samples_ns", result.samples_ns},
                    {"samples_ts", samples_ts},
                    {"load_ms", static_cast<double>(open_ns + result.prepare_ns) / 1e6},
                    {"peak_rss_bytes", result.peak_rss_bytes},
                    {"state_bytes", result.state_bytes},
                    {"token_weight_bytes", cost.weight_bytes},
                    {"token_multiply_adds", cost.multiply_adds}});
  }
  return rows;
}

}  // namespace orkestra::apps
