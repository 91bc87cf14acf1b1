// Between two steps of the backend the worker's thread allocates nothing, once it is warm.

#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/generation_task.h>
#include <orkestra/tests/catch.h>

#include <atomic>
#include <cstdlib>
#include <new>

using namespace orkestra;
using namespace orkestra::model;

namespace {

// Counts allocations of a thread while it is set there.
thread_local std::atomic<std::int64_t>* counter = nullptr;

void* counted(std::size_t n) {
  if (counter != nullptr) ++*counter;
  if (void* memory = std::malloc(n == 0 ? 1 : n)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t n) { return counted(n); }
void* operator new[](std::size_t n) { return counted(n); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

// Counts on the worker's thread outside of the backend, whose memory is its own affair.
class CountingBackend final : public Backend {
 public:
  CountingBackend(const Network& network, std::atomic<std::int64_t>& allocations,
                  std::vector<std::int64_t>& at_step)
      : inner_(network, best_kernels(), 1), allocations_(allocations), at_step_(at_step) {}
  StateHandle create_state() override { return Pause(), inner_.create_state(); }
  StateHandle copy_state(StateHandle s) override { return Pause(), inner_.copy_state(s); }
  void release_state(StateHandle s) override { Pause(), inner_.release_state(s); }
  std::size_t state_bytes(StateHandle s) const override { return Pause(), inner_.state_bytes(s); }
  std::size_t bytes_in_use() const override { return Pause(), inner_.bytes_in_use(); }
  std::size_t copy_bytes(StateHandle s) const override { return Pause(), inner_.copy_bytes(s); }
  std::size_t growth_bytes(StateHandle s, std::size_t n) const override {
    return Pause(), inner_.growth_bytes(s, n);
  }
  std::string state_format() const override { return "counted"; }
  void save_state(StateHandle, std::optional<StateHandle>, const StateSink&) const override {}
  std::optional<StateHandle> load_state(std::int64_t, std::optional<StateHandle>,
                                        const StateSource&,
                                        const std::function<bool(std::size_t)>&) override {
    return std::nullopt;
  }
  void step(std::span<const StepChunk> chunks, std::vector<float>& logits) override {
    counter = nullptr;
    if (at_step_.size() < at_step_.capacity()) at_step_.push_back(allocations_.load());
    inner_.step(chunks, logits);
    counter = &allocations_;
  }

 private:
  struct Pause {
    std::atomic<std::int64_t>* was = std::exchange(counter, nullptr);
    ~Pause() { counter = was; }
  };
  CpuBackend inner_;
  std::atomic<std::int64_t>& allocations_;
  std::vector<std::int64_t>& at_step_;
};

}  // namespace

TEST_CASE("nothing is allocated per token once the worker is warm") {
  const auto model = std::make_shared<const LoadedModel>(
      GgufFile::open(ORKESTRA_SOURCE_DIR "/model/nano/nano-v0.gguf"));
  // Without the tokens that end a turn, so that it goes on.
  TokenSet writable = text_tokens(model->tokenizer());
  for (const TokenId stop : model->tokenizer().stops()) {
    writable[static_cast<std::size_t>(stop)] = 0;
  }
  std::atomic<std::int64_t> allocations{0};
  std::vector<std::int64_t> at_step;
  at_step.reserve(400);
  {
    BatchWorker worker(
        std::make_unique<CountingBackend>(model->network(), allocations, at_step),
        {.n_vocab = model->vocabulary_size(), .state_budget_bytes = std::size_t{256} << 20U});
    std::vector<std::shared_ptr<Task>> tasks;
    for (std::uint64_t i = 0; i < 3; ++i) {
      GenerateRequest request;
      request.limits.max_tokens = 300;
      request.sampling = {.temperature = i == 0 ? 0.0 : 0.9, .top_k = 40, .seed = i};
      const auto first = static_cast<TokenId>(400 + i);
      tasks.push_back(std::make_shared<GenerationTask>(
          model, std::make_shared<const TokenSet>(writable), std::move(request),
          EncodedPrompt{.tokens = {first, 401, 402}, .marks = {}},
          ConstraintMatcher(ConstraintAutomaton::compile(Constraint::text()))));
    }
    worker.submit(tasks);
    for (const auto& task : tasks) task->wait();
  }
  REQUIRE(at_step.size() > 200);
  CHECK(at_step[20] > 0);  // it does count
  CHECK(at_step[190] == at_step[40]);
}
