// The measuring behind `orkestra model bench`: tokens per second of prompts (pp) and of writing
// (tg), with the meaning llama-bench gives them, and under its names where it has one.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/arch/network.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>

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
  bool warm_up = true;       // an unmeasured prompt, or one written token, before each test
  std::string kernels = "best";
  std::string kv = "auto";  // keys and values: f32, f16, q8_0; auto: by the weights
  // Depth is made up rather than read: states of pseudo-random numbers. A token costs the same at
  // them as at real ones, and 64K of them are there at once.
  bool fabricate = false;
};

// What one token costs, from the tensors of the file: an upper bound of the speed is the machine's
// bandwidth over the bytes (writing), and its arithmetic over the multiply-adds (prompts).
struct TokenCost {
  std::int64_t weight_bytes = 0;   // read once for each token that is written alone
  std::int64_t multiply_adds = 0;  // of matrix products; attention's over its keys not counted
};

TokenCost token_cost(const model::GgufFile& file);

struct BenchResult {
  std::int64_t n_prompt = 0;
  std::int64_t n_gen = 0;
  std::int64_t n_depth = 0;
  int n_threads = 0;
  std::int64_t prepare_ns = 0;           // making the backend: threads, packed weights
  std::int64_t peak_rss_bytes = 0;       // of the process, up to the end of this test
  std::size_t state_bytes = 0;           // of one sequence at the end of the test
  std::vector<std::int64_t> samples_ns;  // each repetition

  std::vector<double> samples_ts() const;  // tokens per second of each repetition
};

// One result per test. on_result is called as they come. Throws Error{kInvalid} for options that
// can't be measured, before anything is.
std::vector<BenchResult> bench(const model::Network& network, const BenchOptions& options,
                               const std::function<void(const BenchResult&)>& on_result);

// Of a sample: the mean, and the deviation with n - 1 (0 for one value).
double mean(const std::vector<double>& values);
double deviation(const std::vector<double>& values);

// An array with one object a result, each whole by itself. open_ns: what opening the file took.
Json to_json(const model::LoadedModel& model, const BenchOptions& options, std::int64_t open_ns,
             const std::vector<BenchResult>& results);

}  // namespace orkestra::apps
