// The measuring behind `orkestra model bench`: tokens per second of prompts (pp) and of writing
// (tg), with the meaning llama-bench gives them.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/arch/network.h>
#include <orkestra/model/engine/cpu_backend.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace orkestra::apps {

struct BenchOptions {
  std::vector<std::int64_t> n_prompt{512};  // 0 = none
  std::vector<std::int64_t> n_gen{128};     // 0 = none
  std::vector<std::int64_t> n_depth{0};     // tokens already in the state
  std::vector<int> n_threads{0};            // 0 = the processor's cores
  int repetitions = 5;
  std::int64_t batch = 512;  // prompt tokens per step
  std::string kernels = "best";
};

struct BenchResult {
  std::int64_t n_prompt = 0;
  std::int64_t n_gen = 0;
  std::int64_t n_depth = 0;
  int n_threads = 0;
  std::vector<double> samples_ts;  // tokens per second of each repetition

  double average_ts() const;
  double stddev_ts() const;  // of the sample (n - 1); 0 for one
};

// One result per test, each after one unmeasured run. on_result is called as they come.
std::vector<BenchResult> bench(const model::Network& network, const BenchOptions& options,
                               const std::function<void(const BenchResult&)>& on_result);

Json to_json(const BenchResult& result);

}  // namespace orkestra::apps
