// Attention memory of every type: what it costs in accuracy and in bytes, and that nothing else
// depends on it.

#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <cstdio>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

constexpr KvType kTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8_0};

const char* name_of(KvType type) {
  return type == KvType::kF32 ? "f32" : type == KvType::kF16 ? "f16" : "q8_0";
}

// More than two pages.
std::vector<TokenId> many_tokens() {
  std::vector<TokenId> tokens;
  for (int i = 0; i < 4; ++i) {
    for (const TokenId id : golden_tokens()) tokens.push_back((id + 11 * i) % 512);
  }
  return tokens;
}

Network network_named(const std::string& name) {
  const bool golden = std::filesystem::exists(golden_path(name + ".gguf"));
  return golden ? golden_network(name) : checkpoint_network(name, TensorType::kF16);
}

}  // namespace

TEST_CASE("each type of keys and values costs no more accuracy than it may") {
  for (const std::string name : {"dense-h64-f32", "moe-h64-f32", "dense-h256-f16",
                                 "dense-h256-Q8_0", "dense-h256-Q4_K_M", "moe-h256-Q4_K_M"}) {
    const Network network = golden_network(name);
    const auto float64 = golden_logits(name + ".numpy.f32");
    const double peer = relative_error(golden_logits(name + ".llamacpp.f32"), float64);
    for (const KvType type : kTypes) {
      for (const Kernels* kernels : all_kernels()) {
        CpuBackend backend(network, *kernels, 2, type);
        const double error = relative_error(all_logits(backend, golden_tokens()), float64);
        const bool rounds = name.find("-Q") != std::string::npos && kernels->name != "reference";
        std::printf("  %-18s %-5s %-9s error %.2e\n", name.c_str(), name_of(type),
                    std::string(kernels->name).c_str(), error);
        CAPTURE(name, name_of(type), kernels->name, error, peer);
        const double most = type == KvType::kF32 ? 1e-5 : type == KvType::kF16 ? 1e-3 : 1.5e-2;
        CHECK(error <= std::max(most, rounds ? 5e-4 : 0.0));
        if (rounds) CHECK(error <= peer / (type == KvType::kQ8_0 ? 4 : 10));
      }
    }
  }
}

TEST_CASE("half floats are what quantised weights get, floats what others get") {
  for (const std::string name : {"dense-h256-Q4_K_M", "dense-h256-f16"}) {
    const Network network = golden_network(name);
    const bool quantised = name.find("-Q") != std::string::npos;
    CpuBackend by_default(network, best_kernels(), 1);
    CpuBackend chosen(network, best_kernels(), 1, quantised ? KvType::kF16 : KvType::kF32);
    CHECK(same_bits(all_logits(by_default, golden_tokens()), all_logits(chosen, golden_tokens())));
  }
  CHECK_FALSE(kv_type_named("auto").has_value());
  for (const KvType type : kTypes) CHECK(kv_type_named(name_of(type)) == type);
  CHECK_THROWS_AS(kv_type_named("q4_0"), Error);
}

TEST_CASE("with every type the same tokens give the same bits, and a fork goes on as its origin") {
  const auto tokens = many_tokens();
  for (const char* name : {"dense-h64-f32", "dense-h256-Q4_K_M", "llama", "gemma3"}) {
    const Network network = network_named(name);
    for (const KvType type : kTypes) {
      for (const Kernels* kernels : all_kernels()) {
        if (kernels == &reference_kernels()) continue;  // slow, and not what splits work
        CAPTURE(name, name_of(type), kernels->name);
        CpuBackend one(network, *kernels, 1, type);
        CpuBackend two(network, *kernels, 2, type);
        const auto whole = all_logits(one, tokens);
        CHECK(same_bits(all_logits(two, tokens, 1), whole));
        CHECK(same_bits(all_logits(two, tokens, 7), whole));
        CHECK(same_bits(all_logits(two, tokens, 100), whole));

        std::vector<float> logits;
        const StateHandle origin = two.create_state();
        StepChunk chunk{.state = origin, .tokens = std::span(tokens).first(150), .n_logits = 0};
        two.step({&chunk, 1}, logits);
        const StateHandle fork = two.copy_state(origin);
        const std::vector<TokenId> other(20, 7);
        chunk = {.state = fork, .tokens = other, .n_logits = 0};
        two.step({&chunk, 1}, logits);
        two.release_state(fork);
        chunk = {.state = origin, .tokens = std::span(tokens).subspan(150), .n_logits = 42};
        two.step({&chunk, 1}, logits);
        CHECK(same_bits(logits, {whole.end() - 42 * 512, whole.end()}));
      }
    }
  }
}

TEST_CASE("where segments of keys end makes no difference to steps of any size") {
  std::vector<TokenId> tokens = many_tokens();
  tokens.resize(40);
  for (const char* name : {"dense-h64-f32", "dense-h256-Q4_K_M", "llama", "gemma3"}) {
    const Network network = network_named(name);
    for (const Kernels* kernels : all_kernels()) {
      // Segments are of 1,024 keys: before an edge, at one, behind several.
      for (const std::int64_t depth : {1000, 1024, 3060}) {
        if (kernels == &reference_kernels() && depth > 1024) continue;  // slow
        std::vector<float> whole;
        for (const int n_threads : {1, 2}) {
          CpuBackend backend(network, *kernels, n_threads);
          for (const std::size_t step : {40, 1, 2, 7, 30}) {
            CAPTURE(name, kernels->name, depth, n_threads, step);
            const StateHandle state = backend.create_state();
            backend.fabricate(state, depth);
            std::vector<float> all;
            std::vector<float> logits;
            for (std::size_t at = 0; at < tokens.size(); at += step) {
              const std::size_t n = std::min(step, tokens.size() - at);
              const StepChunk chunk{.state = state,
                                    .tokens = std::span(tokens).subspan(at, n),
                                    .n_logits = static_cast<std::int64_t>(n)};
              backend.step({&chunk, 1}, logits);
              all.insert(all.end(), logits.begin(), logits.end());
            }
            backend.release_state(state);
            if (whole.empty()) whole = all;
            CHECK(same_bits(all, whole));
          }
        }
      }
    }
  }
}

TEST_CASE("a page takes 4, 2 or 1.0625 bytes a number") {
  // One KV head of 128: 256 numbers a token.
  const std::size_t head = PagePool(KvType::kF32, 1, 128).page_bytes() - 64UL * 256 * 4;
  CHECK(head <= 64);
  CHECK(PagePool(KvType::kF16, 1, 128).page_bytes() - head == 64UL * 256 * 2);
  CHECK(PagePool(KvType::kQ8_0, 1, 128).page_bytes() - head == 64UL * 256 * 34 / 32);
}

TEST_CASE(
    "a fabricated state is as large as a real one, always the same, and can be gone on from") {
  for (const char* name : {"dense-h256-Q4_K_M", "gemma3"}) {
    const Network network = network_named(name);
    CAPTURE(name);
    CpuBackend backend(network, best_kernels(), 2);
    const auto tokens = many_tokens();
    const StateHandle read = backend.create_state();
    std::vector<float> logits;
    for (std::size_t at = 0; at < tokens.size(); at += 64) {
      const StepChunk chunk{
          .state = read, .tokens = std::span(tokens).subspan(at, 64), .n_logits = 1};
      backend.step({&chunk, 1}, logits);
    }
    std::vector<std::vector<float>> results;
    for (int i = 0; i < 2; ++i) {
      const StateHandle state = backend.create_state();
      backend.fabricate(state, static_cast<std::int64_t>(tokens.size()));
      CHECK(backend.state_bytes(state) == backend.state_bytes(read));
      CHECK_THROWS_AS(backend.fabricate(state, 1), Error);
      const StepChunk chunk{.state = state, .tokens = std::span(tokens).first(5), .n_logits = 5};
      backend.step({&chunk, 1}, results.emplace_back());
      for (const float logit : results.back()) REQUIRE(std::isfinite(logit));
    }
    CHECK(same_bits(results[0], results[1]));
  }
}
