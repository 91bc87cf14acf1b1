// Tasks, a watched backend and a fixture for tests of the batch worker over a golden model.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>

#include <functional>
#include <map>
#include <memory>

namespace orkestra::tests {

using namespace orkestra::model;

// Ids of the golden models' vocabulary (512).
inline std::vector<TokenId> random_tokens(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<TokenId> tokens(n);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random.next() % 512);
  return tokens;
}

inline std::vector<TokenId> joined(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Writes the likeliest token n times; keeps the logits it was shown.
class GreedyTask final : public Task {
 public:
  GreedyTask(std::vector<TokenId> prompt, int n, std::vector<std::size_t> at = {}) : left_(n) {
    for (const std::size_t length : at) marks.push_back({.length = length});
    marks.push_back({.length = prompt.size()});
    tokens = std::move(prompt);
    first_wanted = tokens.size() - 1;
    usage.prompt = static_cast<std::int64_t>(tokens.size());
  }
  bool take(std::size_t position, std::span<const float> logits) override {
    if (position + 1 != tokens.size()) throw std::logic_error("logits of another position");
    if (on_take) on_take(*this);
    seen.insert(seen.end(), logits.begin(), logits.end());
    if (left_-- == 0) return false;
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    tokens.push_back(static_cast<TokenId>(best));
    ++usage.generated;
    return true;
  }
  void progressed(std::size_t n_tokens) override {
    if (on_progress) on_progress(*this, n_tokens);
  }
  bool keeps_state() const override { return true; }
  void finish() override { finished = true; }

  std::function<void(GreedyTask&)> on_take;
  std::function<void(GreedyTask&, std::size_t)> on_progress;
  std::vector<float> seen;  // [n + 1, 512]
  bool finished = false;

 private:
  int left_;
};

// Samples n tokens; guesses what `oracle` holds at its place; keeps the logits it was shown.
class SamplingTask final : public Task {
 public:
  SamplingTask(std::vector<TokenId> prompt, int n, double temperature)
      : left_(n), sampler_({.temperature = temperature, .seed = 3}), allowed_(512, 1) {
    tokens = std::move(prompt);
    first_wanted = tokens.size() - 1;
    usage.prompt = static_cast<std::int64_t>(tokens.size());
  }
  bool take(std::size_t, std::span<const float> logits) override {
    seen.insert(seen.end(), logits.begin(), logits.end());
    if (left_-- == 0) return false;
    tokens.push_back(sampler_.sample(logits, allowed_).id);
    return true;
  }
  void draft(std::size_t most, std::vector<TokenId>& out) const override {
    for (std::size_t i = tokens.size(); i < oracle.size() && most > 0; ++i, --most) {
      out.push_back(oracle[i]);
    }
  }
  bool keeps_state() const override { return true; }
  void finish() override {}

  std::vector<TokenId> oracle;
  std::vector<float> seen;  // [n + 1, 512]

 private:
  int left_;
  Sampler sampler_;
  std::vector<std::uint8_t> allowed_;
};

inline std::shared_ptr<GreedyTask> greedy(std::vector<TokenId> prompt, int n,
                                          std::vector<std::size_t> marks = {}) {
  return std::make_shared<GreedyTask>(std::move(prompt), n, std::move(marks));
}

inline ErrorCode failure_of(Task& task) {
  try {
    task.wait();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("the task did not fail");
  return ErrorCode::kInternal;
}

// A backend that counts states and can be told to throw at a step.
class WatchedBackend final : public Backend {
 public:
  explicit WatchedBackend(const Network& network, int fail_at = -1)
      : inner_(network, best_kernels(), 2), fail_at_(fail_at) {}
  ~WatchedBackend() override {
    if (left != nullptr) *left = live_;
  }
  StateHandle create_state() override { return ++live_, inner_.create_state(); }
  StateHandle copy_state(StateHandle s) override { return ++live_, inner_.copy_state(s); }
  void release_state(StateHandle s) override { --live_, inner_.release_state(s); }
  std::size_t state_bytes(StateHandle s) const override { return inner_.state_bytes(s); }
  std::size_t bytes_in_use() const override { return inner_.bytes_in_use(); }
  std::size_t copy_bytes(StateHandle s) const override { return inner_.copy_bytes(s); }
  std::size_t growth_bytes(StateHandle s, std::size_t n) const override {
    return inner_.growth_bytes(s, n);
  }
  std::string state_format() const override { return inner_.state_format(); }
  void save_state(StateHandle s, std::optional<StateHandle> base,
                  const StateSink& write) const override {
    inner_.save_state(s, base, write);
  }
  std::optional<StateHandle> load_state(std::int64_t n_tokens, std::optional<StateHandle> base,
                                        const StateSource& read,
                                        const std::function<bool(std::size_t)>& fits) override {
    const auto loaded = inner_.load_state(n_tokens, base, read, fits);
    if (loaded) ++live_;
    return loaded;
  }
  void step(std::span<const StepChunk> chunks, std::vector<float>& logits) override {
    long_step(chunks, logits, nullptr);
  }
  bool long_step(std::span<const StepChunk> chunks, std::vector<float>& logits,
                 const std::function<bool()>& between) override {
    std::size_t n = 0;
    for (const StepChunk& chunk : chunks) n += chunk.tokens.size();
    if (largest != nullptr) *largest = std::max(*largest, n);
    if (before_step) before_step(n);
    if (fail_at_-- == 0) throw std::bad_alloc();
    if (!between) return inner_.step(chunks, logits), true;
    return inner_.long_step(chunks, logits, [&] {
      if (after_layer) after_layer();
      return between();
    });
  }
  std::function<void(std::size_t n_tokens)> before_step;
  std::function<void()> after_layer;  // of steps that pause
  int* left = nullptr;
  std::size_t* largest = nullptr;

 private:
  CpuBackend inner_;
  int fail_at_;
  int live_ = 0;
};

struct WorkerFixture {
  Network network = golden_network("dense-h64-f32");
  std::vector<TokenId> tokens = golden_tokens();

  BatchOptions options(std::size_t budget = std::size_t{64} << 20U) const {
    return {.n_vocab = 512, .state_budget_bytes = budget};
  }
  BatchWorker worker(const BatchOptions& batch) const {
    return BatchWorker(std::make_unique<CpuBackend>(network, best_kernels(), 2), batch);
  }
  // What a sequence of n tokens needs while it is computed.
  std::size_t session_bytes(std::size_t n) const {
    CpuBackend backend(network, best_kernels(), 1);
    const StateHandle state = backend.create_state();
    return backend.bytes_in_use() + backend.growth_bytes(state, 2 * n);
  }
  std::vector<float> alone(const std::vector<TokenId>& prompt, int n) const {
    BatchWorker one = worker(options());
    const auto task = greedy(prompt, n);
    one.submit({task});
    task->wait();
    return task->seen;
  }
};

}  // namespace orkestra::tests
