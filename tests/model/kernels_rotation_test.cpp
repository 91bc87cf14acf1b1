// Rotary positions and GELU: fast kernels against the reference, and elements' bits independent of
// where a call begins.

#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <limits>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

struct Turn {
  std::int64_t n_tokens, n_heads, head_dim, n_pairs;
  bool interleaved;
};

struct Rotated {
  Rotated(const Turn& turn, Random& random)
      : t(turn),
        stride(t.n_heads * t.head_dim + 3),
        x(random_floats(t.n_tokens * stride, random)),
        cosines(random_floats(t.n_tokens * t.n_pairs, random)),
        sines(random_floats(t.n_tokens * t.n_pairs, random)) {}

  std::vector<float> run(const model::Kernels& kernels, std::int64_t cut) const {
    std::vector<float> y = x;
    const model::Kernels::RotateArgs args{.x = y.data(),
                                          .x_stride = stride,
                                          .n_heads = t.n_heads,
                                          .head_dim = t.head_dim,
                                          .n_pairs = t.n_pairs,
                                          .interleaved = t.interleaved,
                                          .cosines = cosines.data(),
                                          .sines = sines.data()};
    kernels.rotate(args, 0, cut);
    kernels.rotate(args, cut, t.n_tokens);
    return y;
  }

  Turn t;
  std::int64_t stride;
  std::vector<float> x, cosines, sines;
};

constexpr Turn kTurns[] = {{3, 2, 16, 8, true},   {3, 2, 16, 8, false},  {1, 1, 2, 1, true},
                           {1, 1, 2, 1, false},   {5, 3, 20, 7, true},   {5, 3, 20, 7, false},
                           {4, 2, 128, 64, true}, {4, 2, 128, 20, false}};

}  // namespace

TEST_CASE("pairs turn by the angle given, and the rest of a head stays") {
  for (const bool interleaved : {true, false}) {
    for (const model::Kernels* kernels : kernel_sets()) {
      CAPTURE(kernels->name, interleaved);
      // One head of six, two pairs: the first turns by 90 degrees, the second by 0.
      std::vector<float> x{1, 2, 3, 4, 5, 6};
      const float cosines[] = {0, 1};
      const float sines[] = {1, 0};
      kernels->rotate({.x = x.data(),
                       .x_stride = 6,
                       .n_heads = 1,
                       .head_dim = 6,
                       .n_pairs = 2,
                       .interleaved = interleaved,
                       .cosines = cosines,
                       .sines = sines},
                      0, 1);
      const std::vector<float> expected = interleaved ? std::vector<float>{-2, 1, 3, 4, 5, 6}
                                                      : std::vector<float>{-3, 2, 1, 4, 5, 6};
      CHECK(x == expected);
    }
  }
}

TEST_CASE("rotations agree with the reference, the same bits however tokens are split") {
  Random random(41);
  for (const Turn& turn : kTurns) {
    const Rotated rotated(turn, random);
    const auto expected = rotated.run(model::reference_kernels(), 0);
    for (const model::Kernels* kernels : kernel_sets()) {
      CAPTURE(kernels->name, turn.n_tokens, turn.head_dim, turn.n_pairs, turn.interleaved);
      const auto whole = rotated.run(*kernels, 0);
      CHECK(relative_error(whole, expected) < 1e-6);
      CHECK(same_bits(rotated.run(*kernels, turn.n_tokens / 2), whole));
    }
  }
}

TEST_CASE("GELU agrees with the reference and at its ends") {
  Random random(42);
  for (const std::int64_t n : {1, 7, 8, 9, 1000}) {
    const auto gate = random_floats(n, random, 3.0F);
    const auto up = random_floats(n, random);
    auto expected = gate;
    model::reference_kernels().gelu_multiply(expected.data(), up.data(), n);
    for (const model::Kernels* kernels : kernel_sets()) {
      CAPTURE(kernels->name, n);
      auto got = gate;
      kernels->gelu_multiply(got.data(), up.data(), n);
      CHECK(relative_error(got, expected) < 1e-6);
      // An element's bits don't depend on its place.
      auto last = gate;
      kernels->gelu_multiply(last.data() + n - 1, up.data() + n - 1, 1);
      CHECK(same_bits({last.back()}, {got.back()}));
    }
  }
  for (const model::Kernels* kernels : kernel_sets()) {
    CAPTURE(kernels->name);
    std::vector<float> gate{0.0F,  100.0F, -100.0F,
                            -1e6F, 1e6F,   std::numeric_limits<float>::quiet_NaN()};
    const std::vector<float> up(gate.size(), 2.0F);
    kernels->gelu_multiply(gate.data(), up.data(), static_cast<std::int64_t>(gate.size()));
    CHECK(gate[0] == 0.0F);
    CHECK(gate[1] == 200.0F);
    CHECK(std::abs(gate[2]) < 1e-30F);
    CHECK(std::abs(gate[3]) < 1e-30F);
    CHECK(gate[4] == 2e6F);
    CHECK(std::isnan(gate[5]));
  }
}
