// Perplexity against its definition, whatever the steps.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/perplexity.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

constexpr std::int64_t kContext = 16;

// exp of the mean of -log p over the second half of each stretch, in float64.
double by_definition(model::Backend& backend, const std::vector<TokenId>& tokens, TokenId begin) {
  double sum = 0.0;
  std::int64_t n = 0;
  for (std::size_t at = 0; at + kContext <= tokens.size(); at += kContext) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<TokenId> stretch(first, first + kContext);
    if (begin >= 0) stretch[0] = begin;
    const std::vector<float> logits = all_logits(backend, stretch);
    for (std::size_t i = kContext / 2; i + 1 < kContext; ++i) {
      double total = 0.0;
      for (std::size_t k = 0; k < 512; ++k) total += std::exp(double{logits[512 * i + k]});
      sum += std::log(total) - double{logits[512 * i + static_cast<std::size_t>(stretch[i + 1])]};
      ++n;
    }
  }
  return std::exp(sum / static_cast<double>(n));
}

}  // namespace

TEST_CASE("perplexity is what its definition says, in steps of any size") {
  const model::Network network = golden_network("dense-h64-f32");
  model::CpuBackend backend(network, model::reference_kernels(), 1);
  const auto tokens = golden_tokens();
  for (const TokenId begin : {-1, 1}) {
    const double expected = by_definition(backend, tokens, begin);
    for (const std::int64_t batch : {1, 3, 8, 16, 512}) {
      const auto result =
          model::perplexity(backend, tokens, {.context = kContext, .batch = batch, .begin = begin});
      CHECK(result.perplexity == Approx(expected).epsilon(1e-5));
      CHECK(result.n_stretches == 3);
      CHECK(result.n_scored == 3 * 7);
      CHECK(result.deviation > 0.0);
    }
  }
  const auto one = model::perplexity(backend, tokens, {.context = kContext, .max_stretches = 1});
  CHECK(one.n_scored == 7);
  CHECK(backend.bytes_in_use() == 0);
}

TEST_CASE("a text shorter than a context, an odd context and a stop are told") {
  const model::Network network = golden_network("dense-h64-f32");
  model::CpuBackend backend(network, model::reference_kernels(), 1);
  const auto tokens = golden_tokens();
  CHECK_THROWS_WITH(model::perplexity(backend, tokens, {.context = 64}),
                    Catch::Matchers::Contains("48 tokens, fewer than one context of 64"));
  CHECK_THROWS_AS(model::perplexity(backend, tokens, {.context = 15}), Error);
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_WITH(
      model::perplexity(backend, tokens, {.context = kContext, .stop = stop.get_token()}),
      Catch::Matchers::Contains("stopped"));
}
