// The same tokens give the same bits, whoever shares the batch and however many threads compute.

#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

// Golden models, and checkpoints of the architectures that have none among them.
constexpr const char* kNames[] = {
    "dense-h64-f32",   "moe-h64-f32",     "mamba-h64-f32",  "dense-h256-Q8_0", "dense-h256-Q4_K_M",
    "moe-h256-Q4_K_M", "mamba-h256-Q8_0", "dense-h256-f16", "mamba2",          "granite-moe",
    "granite-rope",    "llama",           "mixtral",        "gemma3"};

Network network_named(const std::string& name) {
  const bool golden = std::filesystem::exists(golden_path(name + ".gguf"));
  return golden ? golden_network(name) : checkpoint_network(name, TensorType::kF16);
}

// 512 tokens: eight pages of keys.
std::vector<TokenId> long_text() {
  std::vector<TokenId> tokens;
  for (int i = 0; tokens.size() < 512; ++i) {
    for (const TokenId id : golden_tokens()) tokens.push_back((id + 7 * i) % 512);
  }
  tokens.resize(512);
  return tokens;
}

// all_logits(), while two other sequences share every step: one before it with three tokens, one
// behind it with one.
std::vector<float> logits_among_others(Backend& backend, const std::vector<TokenId>& tokens,
                                       std::size_t step) {
  const StateHandle state = backend.create_state();
  const StateHandle before = backend.create_state();
  const StateHandle behind = backend.create_state();
  std::vector<float> all;
  std::vector<float> logits;
  for (std::size_t begin = 0; begin < tokens.size(); begin += step) {
    const auto text = std::span(tokens);
    const std::size_t n = std::min(step, tokens.size() - begin);
    const StepChunk chunks[] = {
        {.state = before, .tokens = text.subspan((begin + 5) % 500, 3), .n_logits = 1},
        {.state = state, .tokens = text.subspan(begin, n), .n_logits = static_cast<long>(n)},
        {.state = behind, .tokens = text.subspan((begin + 9) % 500, 1), .n_logits = 1}};
    backend.step(chunks, logits);
    all.insert(all.end(), logits.begin() + 512, logits.end() - 512);
  }
  for (const StateHandle each : {state, before, behind}) backend.release_state(each);
  return all;
}

std::vector<float> rows(const std::vector<float>& logits, std::size_t begin, std::size_t n) {
  const auto at = logits.begin() + static_cast<long>(begin * 512);
  return {at, at + static_cast<long>(n * 512)};
}

}  // namespace

TEST_CASE("logits are bit-identical for every batch size and thread count") {
  for (const char* name : kNames) {
    const Network network = network_named(name);
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(name, kernels->name);
      CpuBackend one(network, *kernels, 1);
      CpuBackend two(network, *kernels, 2);
      CpuBackend three(network, *kernels, 3);
      const auto whole = all_logits(one, golden_tokens());
      CHECK(same_bits(all_logits(one, golden_tokens(), 1), whole));
      CHECK(same_bits(all_logits(one, golden_tokens(), 2), whole));
      CHECK(same_bits(all_logits(one, golden_tokens(), 7), whole));
      CHECK(same_bits(all_logits(two, golden_tokens()), whole));
      CHECK(same_bits(all_logits(two, golden_tokens(), 1), whole));
      CHECK(same_bits(all_logits(two, golden_tokens(), 2), whole));
      CHECK(same_bits(all_logits(two, golden_tokens(), 7), whole));
      CHECK(same_bits(all_logits(two, golden_tokens(), 13), whole));
      CHECK(same_bits(all_logits(three, golden_tokens(), 5), whole));
    }
  }
}

TEST_CASE("512 tokens have the same bits in steps of 1, 2, 7, 48 and 512, alone or among others") {
  const auto tokens = long_text();
  for (const char* name : {"dense-h64-f32", "dense-h256-Q4_K_M", "moe-h256-Q4_K_M",
                           "mamba-h256-Q8_0", "granite-moe", "llama", "gemma3"}) {
    const Network network = network_named(name);
    CpuBackend one(network, best_kernels(), 1);
    CpuBackend two(network, best_kernels(), 2);
    const auto whole = all_logits(one, tokens);
    for (const std::size_t step : {1, 2, 7, 48, 512}) {
      CAPTURE(name, step);
      if (step != 512) CHECK(same_bits(all_logits(one, tokens, step), whole));
      CHECK(same_bits(all_logits(two, tokens, step), whole));
      CHECK(same_bits(logits_among_others(one, tokens, step), whole));
      CHECK(same_bits(logits_among_others(two, tokens, step), whole));
    }
    // AVX2 alone, where the best has more.
    if (const Kernels* avx2 = avx2_kernels()) {
      CpuBackend narrow(network, *avx2, 2);
      CHECK(same_bits(all_logits(narrow, tokens, 7), whole));
      CHECK(same_bits(logits_among_others(narrow, tokens, 512), whole));
    }
  }
}

TEST_CASE("a fork continues exactly as its origin does, and neither disturbs the other") {
  for (const char* name : kNames) {
    const Network network = network_named(name);
    const auto tokens = golden_tokens();
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(name, kernels->name);
      CpuBackend backend(network, *kernels, 2);
      const auto whole = all_logits(backend, tokens);
      std::vector<TokenId> other_tokens(tokens.begin(), tokens.begin() + 20);
      for (TokenId id = 100; id < 110; ++id) other_tokens.push_back(id);
      const auto other_whole = all_logits(backend, other_tokens);

      std::vector<float> logits;
      const StateHandle origin = backend.create_state();
      StepChunk chunk{.state = origin, .tokens = std::span(tokens).first(20), .n_logits = 0};
      backend.step({&chunk, 1}, logits);
      CHECK(logits.empty());
      const StateHandle fork = backend.copy_state(origin);
      chunk = {.state = fork, .tokens = std::span(other_tokens).subspan(20), .n_logits = 10};
      backend.step({&chunk, 1}, logits);
      CHECK(same_bits(logits, rows(other_whole, 20, 10)));
      backend.release_state(fork);
      chunk = {.state = origin, .tokens = std::span(tokens).subspan(20), .n_logits = 28};
      backend.step({&chunk, 1}, logits);
      CHECK(same_bits(logits, rows(whole, 20, 28)));
    }
  }
}

TEST_CASE("sequences that share a batch don't touch each other's bits") {
  for (const char* name : kNames) {
    const Network network = network_named(name);
    const auto tokens = golden_tokens();
    const std::vector<TokenId> reversed(tokens.rbegin(), tokens.rend());
    for (const Kernels* kernels : all_kernels()) {
      CAPTURE(name, kernels->name);
      CpuBackend backend(network, *kernels, 2);
      const auto whole = all_logits(backend, tokens);
      const auto reversed_whole = all_logits(backend, reversed);
      const StateHandle a = backend.create_state();
      const StateHandle b = backend.create_state();
      const StateHandle c = backend.create_state();
      const std::span<const TokenId> forward(tokens);
      const std::span<const TokenId> backward(reversed);
      std::vector<float> logits;
      const StepChunk first[] = {{.state = a, .tokens = forward.first(11), .n_logits = 11},
                                 {.state = b, .tokens = backward.first(3), .n_logits = 1}};
      backend.step(first, logits);
      CHECK(same_bits(rows(logits, 0, 11), rows(whole, 0, 11)));
      CHECK(same_bits(rows(logits, 11, 1), rows(reversed_whole, 2, 1)));
      const StepChunk second[] = {{.state = b, .tokens = backward.subspan(3, 1), .n_logits = 1},
                                  {.state = c, .tokens = forward.first(48), .n_logits = 2},
                                  {.state = a, .tokens = forward.subspan(11, 6), .n_logits = 6}};
      backend.step(second, logits);
      CHECK(same_bits(rows(logits, 0, 1), rows(reversed_whole, 3, 1)));
      CHECK(same_bits(rows(logits, 1, 2), rows(whole, 46, 2)));
      CHECK(same_bits(rows(logits, 3, 6), rows(whole, 11, 6)));
    }
  }
}

TEST_CASE("sliding windows give the same bits over many pages, in memory bounded by the window") {
  const Network network = checkpoint_network("gemma3", TensorType::kF16);
  std::vector<TokenId> tokens;
  for (int i = 0; i < 16; ++i) {
    for (const TokenId id : golden_tokens()) tokens.push_back((id + 7 * i) % 512);
  }
  const auto bytes_after = [&](CpuBackend& backend, std::size_t n) {
    const StateHandle state = backend.create_state();
    std::vector<float> logits;
    for (std::size_t begin = 0; begin < n; begin += 64) {
      const StepChunk chunk{
          .state = state, .tokens = std::span(tokens).subspan(begin, 64), .n_logits = 0};
      backend.step({&chunk, 1}, logits);
    }
    // A copy shares what is left, and goes on.
    const StateHandle copy = backend.copy_state(state);
    backend.release_state(state);
    const StepChunk next{.state = copy, .tokens = std::span(tokens).first(1), .n_logits = 1};
    backend.step({&next, 1}, logits);
    const std::size_t bytes = backend.state_bytes(copy);
    backend.release_state(copy);
    return bytes;
  };
  for (const Kernels* kernels : all_kernels()) {
    CAPTURE(kernels->name);
    CpuBackend one(network, *kernels, 1);
    CpuBackend two(network, *kernels, 2);
    const auto whole = all_logits(one, tokens);
    CHECK(same_bits(all_logits(two, tokens, 1), whole));
    CHECK(same_bits(all_logits(two, tokens, 7), whole));
    CHECK(same_bits(all_logits(two, tokens, 100), whole));
    // 384 tokens more: the one layer of seven that sees everything grows by six pages of 64 tokens,
    // one KV head, keys and values of 32 floats.
    const std::size_t growth = bytes_after(two, 704) - bytes_after(two, 320);
    CHECK(growth >= 384 * 2 * 32 * sizeof(float));
    CHECK(growth < 384 * 2 * 32 * sizeof(float) * 3 / 2);
  }
}

TEST_CASE("a backend refuses what it can't run before it changes anything") {
  const Network network = golden_network("dense-h64-f32");
  CpuBackend backend(network, reference_kernels(), 1);
  const auto tokens = golden_tokens();
  const StateHandle state = backend.create_state();
  std::vector<float> logits;
  for (const TokenId bad : {-1, 512, 1 << 30}) {
    const std::vector<TokenId> broken{1, bad};
    const StepChunk chunk{.state = state, .tokens = broken, .n_logits = 1};
    CHECK_THROWS_AS(backend.step({&chunk, 1}, logits), Error);
  }
  const StepChunk chunk{.state = state, .tokens = tokens, .n_logits = 48};
  const StepChunk twice[] = {chunk, chunk};
  CHECK_THROWS_AS(backend.step(twice, logits), Error);
  backend.step({&chunk, 1}, logits);
  CHECK(same_bits(logits, all_logits(backend, tokens)));
}
