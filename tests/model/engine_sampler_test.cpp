#include <orkestra/core/error.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/kernels/exponentials.h>
#include <orkestra/tests/catch.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace orkestra;
using namespace orkestra::model;

namespace {

const std::vector<float> kLogits{1.0F, 3.0F, 2.0F, 3.0F, -1.0F};
const std::vector<std::uint8_t> kAll(5, 1);

std::vector<int> histogram(const Sampling& sampling, const std::vector<std::uint8_t>& allowed,
                           int draws = 20000) {
  Sampler sampler(sampling);
  std::vector<int> counts(kLogits.size());
  for (int i = 0; i < draws; ++i) {
    ++counts[static_cast<std::size_t>(sampler.sample(kLogits, allowed).id)];
  }
  return counts;
}

}  // namespace

TEST_CASE("greedy takes the highest allowed logit, the lowest id among equals") {
  Sampler sampler({});
  CHECK(sampler.sample(kLogits, kAll).id == 1);
  CHECK(sampler.sample(kLogits, {std::vector<std::uint8_t>{1, 0, 1, 1, 1}}).id == 3);
  CHECK(sampler.sample(kLogits, {std::vector<std::uint8_t>{1, 0, 0, 0, 1}}).id == 0);
}

TEST_CASE("the log-probability is taken among the allowed tokens") {
  Sampler sampler({});
  const double all = sampler.sample(kLogits, kAll).log_probability;
  CHECK(all == Approx(-std::log(2 + std::exp(-2) + std::exp(-1) + std::exp(-4))));
  CHECK(sampler.sample(kLogits, {std::vector<std::uint8_t>{0, 0, 1, 0, 0}}).log_probability == 0.0);
  double sum = 0.0;
  for (TokenId id = 0; id < 5; ++id) sum += std::exp(log_probability(kLogits, kAll, id));
  CHECK(sum == Approx(1.0));
  CHECK(std::isinf(log_probability(kLogits, std::vector<std::uint8_t>{0, 1, 1, 1, 1}, 0)));
}

TEST_CASE("sampling follows the softmax at its temperature") {
  const auto counts = histogram({.temperature = 2.0, .seed = 7}, kAll);
  double total = 0.0;
  for (const float logit : kLogits) total += std::exp(logit / 2.0);
  for (std::size_t i = 0; i < kLogits.size(); ++i) {
    CHECK(counts[i] / 20000.0 == Approx(std::exp(kLogits[i] / 2.0) / total).margin(0.015));
  }
}

TEST_CASE("top-k, top-p and min-p cut what they say") {
  const auto k2 = histogram({.temperature = 1.0, .top_k = 2, .seed = 1}, kAll);
  CHECK(k2[0] + k2[2] + k2[4] == 0);
  CHECK((k2[1] > 9000 && k2[3] > 9000));
  // Probabilities .40 .40 .15 .05 .01: .78 needs the first two, .85 the third as well.
  const auto p78 = histogram({.temperature = 1.0, .top_p = 0.78, .seed = 1}, kAll);
  CHECK(p78[0] + p78[2] + p78[4] == 0);
  const auto p85 = histogram({.temperature = 1.0, .top_p = 0.85, .seed = 1}, kAll);
  CHECK(p85[2] > 0);
  CHECK(p85[0] + p85[4] == 0);
  const auto m30 = histogram({.temperature = 1.0, .min_p = 0.3, .seed = 1}, kAll);
  CHECK(m30[2] > 0);
  CHECK(m30[0] + m30[4] == 0);
  const auto tiny = histogram({.temperature = 1.0, .top_p = 1e-9, .seed = 1}, kAll);
  CHECK(tiny[1] == 20000);
}

TEST_CASE("the mask is obeyed at every temperature") {
  for (const double temperature : {0.0, 0.01, 1.0, 100.0}) {
    const auto counts = histogram({.temperature = temperature, .seed = 3}, {0, 0, 1, 0, 1}, 2000);
    CHECK(counts[0] + counts[1] + counts[3] == 0);
    CHECK(counts[2] > 0);
  }
}

TEST_CASE("exponentials are right to a few units in the last place, whatever the argument") {
  Random random(9);
  std::vector<float> x;
  for (int i = 0; i < 5000; ++i) x.push_back(static_cast<float>(random.uniform() * -80.0));
  x.insert(x.end(), {0.0F, -1e-30F, -0.34657F, -700.0F, -1e30F});
  std::vector<double> out(x.size());
  for (const double scale : {1.0, 0.1, 7.5}) {
    exponentials(x.data(), static_cast<std::int64_t>(x.size()), 0.0, scale, out.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double t = std::max(-708.0, static_cast<double>(x[i]) * scale);
      REQUIRE(std::abs(out[i] / std::exp(t) - 1.0) < 1e-15);
    }
  }
}

TEST_CASE("a large vocabulary is cut where it should be, however many tokens that takes") {
  Random random(4);
  std::vector<float> logits(3000);
  for (float& logit : logits) logit = static_cast<float>(random.uniform());
  const std::vector<std::uint8_t> all(logits.size(), 1);
  std::vector<float> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  double total = 0.0;
  for (const float logit : sorted) total += std::exp(logit);
  for (const double top_p : {0.001, 0.02, 0.3, 0.999}) {
    double sum = 0.0;
    std::size_t n = 0;
    while (n == 0 || sum < top_p * total) sum += std::exp(sorted[n++]);
    Sampler sampler({.temperature = 1.0, .top_p = top_p, .seed = 2});
    float lowest = 2.0F;
    for (int i = 0; i < 4000; ++i) {
      const auto id = static_cast<std::size_t>(sampler.sample(logits, all).id);
      lowest = std::min(lowest, logits[id]);
    }
    CAPTURE(top_p, n);
    CHECK(lowest >= sorted[n - 1]);
    CHECK(lowest <= sorted[n - 1 - n / 10]);
  }
  Sampler k200({.temperature = 1.0, .top_k = 200, .seed = 2});
  for (int i = 0; i < 2000; ++i) {
    CHECK(logits[static_cast<std::size_t>(k200.sample(logits, all).id)] >= sorted[199]);
  }
}

TEST_CASE("a seed fixes the draw on every platform") {
  Random random(42);
  // xoshiro256** from splitmix64(42), computed apart from this program.
  CHECK(random.next() == 0x15780b2e0c2ec716U);
  CHECK(random.next() == 0x6104d9866d113a7eU);
  CHECK(random.next() == 0xae17533239e499a1U);
  Sampler a({.temperature = 1.0, .seed = 5});
  Sampler b({.temperature = 1.0, .seed = 5});
  Sampler c({.temperature = 1.0, .seed = 6});
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const TokenId id = a.sample(kLogits, kAll).id;
    REQUIRE(b.sample(kLogits, kAll).id == id);
    same += c.sample(kLogits, kAll).id == id ? 1 : 0;
  }
  CHECK(same < 150);
}

TEST_CASE("broken logits and settings are errors, never undefined") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const double temperature : {0.0, 1.0}) {
    Sampler sampler({.temperature = temperature, .top_k = 3, .top_p = 0.9});
    const std::vector<float> some{kNan, 1.0F, kInf, -kInf, kNan};
    CHECK(sampler.sample(some, kAll).id == 1);
    CHECK_THROWS_AS(sampler.sample(std::vector<float>(5, kNan), kAll), Error);
    CHECK_THROWS_AS(sampler.sample(kLogits, std::vector<std::uint8_t>(5, 0)), Error);
  }
  CHECK_THROWS_AS(Sampler({.temperature = -1.0}), Error);
  CHECK_THROWS_AS(Sampler({.temperature = static_cast<double>(kNan)}), Error);
  CHECK_THROWS_AS(Sampler({.top_k = -1}), Error);
  CHECK_THROWS_AS(Sampler({.top_p = 0.0}), Error);
  CHECK_THROWS_AS(Sampler({.min_p = 1.5}), Error);
}

TEST_CASE("settings that cut nothing draw what no setting draws") {
  Random random(6);
  std::vector<float> logits(5000);
  std::vector<std::uint8_t> allowed(logits.size(), 1);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits[i] = static_cast<float>(random.uniform() * 8.0);
    allowed[i] = i % 3 == 0 ? 0 : 1;
  }
  logits[7] = std::numeric_limits<float>::quiet_NaN();
  // The least min-p there is cuts nothing here, but goes the way of those that cut.
  Sampler plain({.temperature = 1.3, .seed = 5});
  Sampler cutting({.temperature = 1.3, .min_p = 1e-300, .seed = 5});
  for (int i = 0; i < 50; ++i) {
    const SampledToken a = plain.sample(logits, allowed);
    const SampledToken b = cutting.sample(logits, allowed);
    REQUIRE(a.id == b.id);
    REQUIRE(a.log_probability == b.log_probability);
    REQUIRE(a.log_probability == log_probability(logits, allowed, a.id));
    REQUIRE(allowed[static_cast<std::size_t>(a.id)] != 0);
  }
}
