#include <orkestra/apps/model_bench.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/sampler.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

namespace orkestra::apps {
namespace {

using model::StateHandle;
using model::TokenId;

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
        backend_(network, model::kernels_named(options.kernels), n_threads) {}

  BenchResult measure(BenchResult result) {
    const StateHandle deep = backend_.create_state();
    prompt(deep, result.n_depth);
    for (int i = -1; i < options_.repetitions; ++i) {
      const StateHandle state = backend_.copy_state(deep);
      const auto start = std::chrono::steady_clock::now();
      prompt(state, result.n_prompt);
      write(state, result.n_gen);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      backend_.release_state(state);
      if (i < 0) continue;  // the first warms caches and workspaces up
      result.samples_ts.push_back(static_cast<double>(result.n_prompt + result.n_gen) /
                                  seconds.count());
    }
    backend_.release_state(deep);
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
  model::CpuBackend backend_;
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

double BenchResult::average_ts() const {
  return std::accumulate(samples_ts.begin(), samples_ts.end(), 0.0) /
         static_cast<double>(samples_ts.size());
}

double BenchResult::stddev_ts() const {
  if (samples_ts.size() < 2) return 0.0;
  const double average = average_ts();
  double sum = 0.0;
  for (const double sample : samples_ts) sum += (sample - average) * (sample - average);
  return std::sqrt(sum / static_cast<double>(samples_ts.size() - 1));
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
                                       .samples_ts = {}}));
      on_result(results.back());
    };
    for (const std::int64_t depth : options.n_depth) {
      for (const std::int64_t n : options.n_prompt) run(n, 0, depth);
      for (const std::int64_t n : options.n_gen) run(0, n, depth);
    }
  }
  return results;
}

Json to_json(const BenchResult& result) {
  return {{"n_prompt", result.n_prompt},    {"n_gen", result.n_gen},
          {"n_depth", result.n_depth},      {"n_threads", result.n_threads},
          {"avg_ts", result.average_ts()},  {"stddev_ts", result.stddev_ts()},
          {"samples_ts", result.samples_ts}};
}

}  // namespace orkestra::apps
