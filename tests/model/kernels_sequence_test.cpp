// Normalisation, gates, convolution, scan and attention: fast kernels against the reference, and
// every set against itself, bit by bit, however tokens and channels are split over calls.

#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <cstdio>
#include <limits>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

constexpr double kTolerance = 2e-6;

// The channels or tokens [0, n) in random consecutive ranges.
std::vector<std::int64_t> random_cuts(std::int64_t n, Random& random) {
  std::vector<std::int64_t> cuts{0};
  while (cuts.back() < n) {
    const auto left = static_cast<std::uint64_t>(n - cuts.back());
    cuts.push_back(cuts.back() + 1 + static_cast<std::int64_t>(random() % left));
  }
  return cuts;
}

struct Convolution {
  Convolution(std::int64_t channels_, std::int64_t d_conv_, std::int64_t n_tokens_, Random& random)
      : channels(channels_),
        d_conv(d_conv_),
        n_tokens(n_tokens_),
        x(random_floats(n_tokens * (channels + 3), random)),
        state(random_floats(channels * (d_conv - 1), random)),
        weight(random_floats(channels * d_conv, random)),
        bias(random_floats(channels, random)) {}

  struct Result {
    std::vector<float> y;      // [n_tokens, channels]
    std::vector<float> state;  // [channels, d_conv - 1]
  };
  Result run(const model::Kernels& kernels, const std::vector<std::int64_t>& token_cuts,
             const std::vector<std::int64_t>& channel_cuts) const {
    Result result{std::vector<float>(static_cast<std::size_t>(n_tokens * channels)), state};
    for (std::size_t t = 1; t < token_cuts.size(); ++t) {
      for (std::size_t c = 1; c < channel_cuts.size(); ++c) {
        const std::int64_t from = token_cuts[t - 1];
        kernels.causal_conv_silu(x.data() + from * (channels + 3), channels + 3,
                                 result.state.data(), weight.data(), bias.data(), d_conv,
                                 token_cuts[t] - from, channel_cuts[c - 1], channel_cuts[c],
                                 result.y.data() + from * channels, channels);
      }
    }
    return result;
  }

  std::int64_t channels, d_conv, n_tokens;
  std::vector<float> x, state, weight, bias;
};

struct Scan {
  Scan(std::int64_t channels_, std::int64_t d_state_, std::int64_t n_tokens_, Random& random)
      : channels(channels_),
        d_state(d_state_),
        n_tokens(n_tokens_),
        x(random_floats(n_tokens * (channels + 1), random)),
        dt(random_floats(n_tokens * channels, random, 3.0F)),
        dt_bias(random_floats(channels, random)),
        z(random_floats(n_tokens * (channels + 2), random)),
        bc(random_floats(n_tokens * 2 * d_state, random)),
        a(random_floats(channels * d_state, random)),
        d(random_floats(channels, random)),
        state(random_floats(channels * d_state, random)) {
    for (float& value : a) value = -std::exp(value);
  }

  struct Result {
    std::vector<float> y;      // [n_tokens, channels]
    std::vector<float> state;  // [channels, d_state]
  };
  Result run(const model::Kernels& kernels, const std::vector<std::int64_t>& token_cuts,
             const std::vector<std::int64_t>& channel_cuts) const {
    Result result{std::vector<float>(static_cast<std::size_t>(n_tokens * channels)), state};
    for (std::size_t t = 1; t < token_cuts.size(); ++t) {
      const std::int64_t from = token_cuts[t - 1];
      const model::Kernels::ScanArgs args{
          .x = x.data() + from * (channels + 1),
          .x_stride = channels + 1,
          .dt = dt.data() + from * channels,
          .dt_stride = channels,
          .dt_bias = dt_bias.data(),
          .z = z.data() + from * (channels + 2),
          .z_stride = channels + 2,
          .b = bc.data() + from * 2 * d_state,
          .c = bc.data() + from * 2 * d_state + d_state,
          .bc_stride = 2 * d_state,
          .a = a.data(),
          .d = d.data(),
          .state = result.state.data(),
          .y = result.y.data() + from * channels,
          .y_stride = channels,
          .d_state = d_state,
          .n_tokens = token_cuts[t] - from,
      };
      for (std::size_t c = 1; c < channel_cuts.size(); ++c) {
        kernels.selective_scan(args, channel_cuts[c - 1], channel_cuts[c]);
      }
    }
    return result;
  }

  std::int64_t channels, d_state, n_tokens;
  std::vector<float> x, dt, dt_bias, z, bc, a, d, state;
};

// Against the reference whole, and against itself in pieces.
template <typename Operation>
void check_operation(const Operation& operation, Random& random) {
  const std::vector<std::int64_t> all_tokens{0, operation.n_tokens};
  const std::vector<std::int64_t> all_channels{0, operation.channels};
  const auto expected = operation.run(model::reference_kernels(), all_tokens, all_channels);
  for (const model::Kernels* kernels : kernel_sets()) {
    INFO(kernels->name << " " << operation.channels << " channels, " << operation.n_tokens
                       << " tokens");
    const auto whole = operation.run(*kernels, all_tokens, all_channels);
    // A few elements may all be differences of larger terms.
    const double tolerance = whole.y.size() >= 50 ? kTolerance : 20 * kTolerance;
    CHECK(relative_error(whole.y, expected.y) < tolerance);
    CHECK(relative_error(whole.state, expected.state) < tolerance);
    const auto pieces = operation.run(*kernels, random_cuts(operation.n_tokens, random),
                                      random_cuts(operation.channels, random));
    CHECK(same_bits(whole.y, pieces.y));
    CHECK(same_bits(whole.state, pieces.state));
  }
}

}  // namespace

TEST_CASE("rms_norm agrees with float64, alone or among tokens, in place or not") {
  Random random(11);
  for (const std::int64_t dim : {1, 4, 7, 8, 12, 16, 33, 64, 192, 1000}) {
    const std::int64_t n_tokens = 5;
    const std::vector<float> x = random_floats(n_tokens * dim, random, 20.0F);
    const std::vector<float> weight = random_floats(dim, random);
    std::vector<float> expected(x.size());
    model::reference_kernels().rms_norm(x.data(), dim, weight.data(), 1e-6F, n_tokens, dim,
                                        expected.data(), dim);
    for (const model::Kernels* kernels : kernel_sets()) {
      INFO(kernels->name << " " << dim);
      std::vector<float> in_place = x;
      kernels->rms_norm(in_place.data(), dim, weight.data(), 1e-6F, n_tokens, dim, in_place.data(),
                        dim);
      CHECK(relative_error(in_place, expected) < kTolerance);
      std::vector<float> alone(x.size());
      for (std::int64_t t = 0; t < n_tokens; ++t) {
        kernels->rms_norm(x.data() + t * dim, dim, weight.data(), 1e-6F, 1, dim,
                          alone.data() + t * dim, dim);
      }
      CHECK(same_bits(in_place, alone));
    }
  }
}

TEST_CASE("silu_multiply agrees with float64 at every position") {
  Random random(12);
  std::vector<float> gate = random_floats(1001, random, 8.0F);
  gate[0] = 0.0F;
  gate[1] = -100.0F;
  gate[2] = 100.0F;
  gate[3] = -1e30F;
  gate[4] = 1e30F;
  const std::vector<float> up(gate.size(), 1.5F);
  std::vector<float> expected = gate;
  model::reference_kernels().silu_multiply(expected.data(), up.data(), 1001);
  for (const model::Kernels* kernels : kernel_sets()) {
    std::vector<float> y = gate;
    kernels->silu_multiply(y.data(), up.data(), 1001);
    for (std::size_t i = 0; i < y.size(); ++i) {
      INFO(kernels->name << " silu(" << gate[i] << ")");
      CHECK(y[i] == Approx(expected[i]).epsilon(5e-7).margin(1e-7));
      float alone = gate[i];
      kernels->silu_multiply(&alone, &up[i], 1);
      CHECK(same_bits({alone}, {y[i]}));
    }
    float nan = std::numeric_limits<float>::quiet_NaN();
    kernels->silu_multiply(&nan, up.data(), 1);
    CHECK(std::isnan(nan));
  }
}

TEST_CASE("the causal convolution agrees with float64 however it is split") {
  Random random(13);
  for (const std::int64_t channels : {1, 3, 8, 13, 40}) {
    for (const std::int64_t d_conv : {1, 2, 4, 5, 16, 17}) {
      for (const std::int64_t n_tokens : {1, 2, 3, 7, 30}) {
        check_operation(Convolution(channels, d_conv, n_tokens, random), random);
      }
    }
  }
}

TEST_CASE("the selective scan agrees with float64 however it is split") {
  Random random(14);
  for (const std::int64_t channels : {1, 3, 8, 13, 40}) {
    for (const std::int64_t d_state : {1, 5, 8, 16, 20}) {
      for (const std::int64_t n_tokens : {1, 2, 9, 50}) {
        check_operation(Scan(channels, d_state, n_tokens, random), random);
      }
    }
  }
}

TEST_CASE("steps of every size: softplus from subnormal to linear") {
  Random random(15);
  Scan scan(41, 1, 1, random);
  for (std::int64_t c = 0; c < scan.channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    // y is then softplus(dt): state 0, x, B, C and D chosen so that y = dt' before the gate.
    scan.dt[i] = static_cast<float>(c - 20) * 2.0F;
    scan.dt_bias[i] = 0.0F;
    scan.state[i] = 0.0F;
    scan.x[i] = 1.0F;
    scan.d[i] = 0.0F;
    scan.z[i] = 3.0F;
  }
  scan.bc = {1.0F, 1.0F};
  const auto expected = scan.run(model::reference_kernels(), {0, 1}, {0, scan.channels});
  for (const model::Kernels* kernels : kernel_sets()) {
    const auto got = scan.run(*kernels, {0, 1}, {0, scan.channels});
    for (std::size_t i = 0; i < got.y.size(); ++i) {
      INFO(kernels->name << " softplus(" << scan.dt[i] << ")");
      CHECK(got.y[i] == Approx(expected.y[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("convolution, scan and gate give the same bits in vectors of any width") {
  if (model::avx512_kernels() == nullptr) {
    std::printf("  no AVX-512 here: nothing to compare\n");
    return;
  }
  const model::Kernels& wide = *model::avx512_kernels();
  const model::Kernels& narrow = *model::avx2_kernels();
  Random random(19);
  const auto compare = [&](const auto& operation) {
    const std::vector<std::int64_t> tokens = random_cuts(operation.n_tokens, random);
    const std::vector<std::int64_t> channels = random_cuts(operation.channels, random);
    const auto a = operation.run(wide, tokens, channels);
    const auto b = operation.run(narrow, tokens, channels);
    CHECK(same_bits(a.y, b.y));
    CHECK(same_bits(a.state, b.state));
  };
  for (const std::int64_t channels : {1, 8, 15, 16, 17, 50}) {
    for (const std::int64_t n_tokens : {1, 31, 70}) {
      compare(Convolution(channels, 4, n_tokens, random));
      for (const std::int64_t d_state : {1, 16, 19, 40}) {
        compare(Scan(channels, d_state, n_tokens, random));
      }
    }
  }
  // Every part of the exponential: where it vanishes, where it is cut, what is no number.
  std::vector<float> gate;
  for (float x = -120.0F; x < 120.0F; x += 0.0371F) gate.push_back(x);
  for (const float x :
       {0.0F, -0.0F, 87.33F, 87.34F, -88.5F, 1e30F, -1e30F, 1e-40F,
        std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    gate.push_back(x);
  }
  const std::vector<float> up(gate.size(), 1.5F);
  std::vector<float> other = gate;
  wide.silu_multiply(gate.data(), up.data(), static_cast<std::int64_t>(gate.size()));
  narrow.silu_multiply(other.data(), up.data(), static_cast<std::int64_t>(other.size()));
  CHECK(same_bits(gate, other));
}
