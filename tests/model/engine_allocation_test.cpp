// Once warm, nothing is allocated per token: not by the worker, not by the backend and its threads,
// not by the sampler, not on the way of the text to its reader.
//
// This program replaces the allocator by one that counts, for all threads.

#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/generation_task.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>

#include <atomic>
#include <cstdlib>
#include <new>

using namespace orkestra;
using namespace orkestra::model;

namespace {

std::atomic<std::int64_t> n_allocations{0};

void* counted(std::size_t n) {
  ++n_allocations;
  if (void* memory = std::malloc(n == 0 ? 1 : n)) return memory;
  throw std::bad_alloc();
}

void* counted(std::size_t n, std::align_val_t alignment) {
  ++n_allocations;
  const auto a = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(a, (n + a - 1) / a * a)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t n) { return counted(n); }
void* operator new[](std::size_t n) { return counted(n); }
void* operator new(std::size_t n, std::align_val_t a) { return counted(n, a); }
void* operator new[](std::size_t n, std::align_val_t a) { return counted(n, a); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

constexpr std::size_t kTokens = 300;

// What had been allocated when each step began; room for all of them was there before.
class WatchedBackend final : public Backend {
 public:
  WatchedBackend(const Network& network, std::vector<std::int64_t>& at_step)
      : inner_(network, best_kernels(), 2), at_step_(at_step) {}
  StateHandle create_state() override { return inner_.create_state(); }
  StateHandle copy_state(StateHandle s) override { return inner_.copy_state(s); }
  void release_state(StateHandle s) override { inner_.release_state(s); }
  std::size_t state_bytes(StateHandle s) const override { return inner_.state_bytes(s); }
  std::size_t bytes_in_use() const override { return inner_.bytes_in_use(); }
  std::size_t copy_bytes(StateHandle s) const override { return inner_.copy_bytes(s); }
  std::size_t growth_bytes(StateHandle s, std::size_t n) const override {
    return inner_.growth_bytes(s, n);
  }
  std::string state_format() const override { return "counted"; }
  void save_state(StateHandle, std::optional<StateHandle>, const StateSink&) const override {}
  std::optional<StateHandle> load_state(std::int64_t, std::optional<StateHandle>,
                                        const StateSource&,
                                        const std::function<bool(std::size_t)>&) override {
    return std::nullopt;
  }
  void step(std::span<const StepChunk> chunks, std::vector<float>& logits) override {
    if (at_step_.size() < at_step_.capacity()) at_step_.push_back(n_allocations.load());
    inner_.step(chunks, logits);
  }
  bool long_step(std::span<const StepChunk> chunks, std::vector<float>& logits,
                 const std::function<bool()>&) override {
    return step(chunks, logits), true;
  }

 private:
  CpuBackend inner_;
  std::vector<std::int64_t>& at_step_;
};

// `n` texts of kTokens tokens written at the same time; the first one's reader is given it piece by
// piece.
void write(BatchWorker& worker, TokenId n, const std::shared_ptr<const LoadedModel>& model,
           const std::shared_ptr<const TokenSet>& writable, TokenId seed) {
  std::vector<std::shared_ptr<Task>> tasks;
  std::size_t n_bytes = 0;
  for (TokenId i = 0; i < n; ++i) {
    GenerateRequest request;
    request.limits.max_tokens = kTokens;
    request.sampling = {.temperature = i == 0 ? 0.0 : 0.9, .top_k = 40, .seed = 5};
    if (i == 0) request.on_text = [&n_bytes](std::string_view text) { n_bytes += text.size(); };
    tasks.push_back(std::make_shared<GenerationTask>(
        model, writable, std::move(request),
        EncodedPrompt{.tokens = {seed + i, 401, 402}, .marks = {}},
        std::vector<WritingPhase>{
            {.matcher = ConstraintMatcher(ConstraintAutomaton::compile(Constraint::text()))}},
        std::vector<DisabledTool>{}));
  }
  worker.submit(tasks);
  for (const auto& task : tasks) task->wait();
  CHECK(n_bytes > kTokens / 2);
}

}  // namespace

TEST_CASE("nothing is allocated per token once the engine is warm") {
  const auto model = std::make_shared<const LoadedModel>(
      GgufFile::open(ORKESTRA_SOURCE_DIR "/tests/golden/agent/nano-v0.gguf"));
  // Without the tokens that end a turn, so that it goes on.
  TokenSet set = text_tokens(model->tokenizer());
  for (const TokenId stop : model->tokenizer().stops()) set[static_cast<std::size_t>(stop)] = 0;
  const auto writable = std::make_shared<const TokenSet>(std::move(set));

  // Room for what is being written, not for what was: the memory of earlier texts is used again.
  CpuBackend probe(model->network(), best_kernels(), 1);
  const StateHandle state = probe.create_state();
  const std::size_t bytes = probe.state_bytes(state) + probe.growth_bytes(state, kTokens + 8);

  for (const bool speculate : {false, true}) {
    CAPTURE(speculate);
    constexpr int kMostTexts = 12;
    std::vector<std::int64_t> at_step;
    at_step.reserve(kMostTexts * kTokens);
    // Guesses come and go as time allows: how many texts' copies meet is not the same every time.
    const TokenId n_texts = speculate ? 1 : 3;
    bool steady = false;  // a whole text without an allocation
    BatchWorker worker(std::make_unique<WatchedBackend>(model->network(), at_step),
                       {.n_vocab = model->vocabulary_size(),
                        .state_budget_bytes = static_cast<std::size_t>(n_texts + 1) * bytes,
                        .speculate = speculate});
    // How many tokens are guessed at once follows from times: a size may be met late, and makes
    // room for itself then.
    for (int i = 0; i < kMostTexts && !steady; ++i) {
      const std::size_t n_before = at_step.size();
      write(worker, n_texts, model, writable, 400 + 10 * (i % 6));
      const std::size_t n = at_step.size() - n_before;
      REQUIRE(n > 20);
      CHECK(at_step[n_before] > 0);  // it does count
      const bool warm = i >= 5;
      steady = warm && at_step[at_step.size() - 3] == at_step[n_before + 5];
    }
    CHECK(steady);
    CHECK((worker.counts().tokens_guessed > 0) == speculate);
  }
}
