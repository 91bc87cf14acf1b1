// The recurrence of Mamba-2: the fast kernel against the reference over random shapes, and every
// set against itself, bit by bit, however tokens and heads are split over calls.

#include <orkestra/model/kernels/kernels.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

struct Shape {
  std::int64_t n_tokens, n_heads, n_groups, head_dim, d_state;
};

struct Recurrence {
  Recurrence(const Shape& shape, Random& random)
      : s(shape),
        width(s.n_heads * s.head_dim + 5),
        bc_width(2 * s.n_groups * s.d_state + 3),
        x(random_floats(s.n_tokens * width, random)),
        dt(random_floats(s.n_tokens * (s.n_heads + 2), random, 2.0F)),
        dt_bias(random_floats(s.n_heads, random)),
        bc(random_floats(s.n_tokens * bc_width, random)),
        a(random_floats(s.n_heads, random)),
        d(random_floats(s.n_heads, random)),
        state(random_floats(s.n_heads * s.head_dim * s.d_state, random)) {
    for (float& value : a) value = -std::abs(value);
  }

  // y: [n_tokens, n_heads * head_dim], then the state. Cut after `token_cut` tokens and `head_cut`
  // heads.
  std::vector<float> run(const model::Kernels& kernels, std::int64_t token_cut,
                         std::int64_t head_cut) const {
    const std::int64_t channels = s.n_heads * s.head_dim;
    std::vector<float> y(static_cast<std::size_t>(s.n_tokens * channels), NAN);
    std::vector<float> after = state;
    const auto call = [&](std::int64_t t, std::int64_t t_end, std::int64_t h, std::int64_t h_end) {
      if (t == t_end || h == h_end) return;
      const model::Kernels::Mamba2Args args{.x = x.data() + t * width,
                                            .x_stride = width,
                                            .dt = dt.data() + t * (s.n_heads + 2),
                                            .dt_stride = s.n_heads + 2,
                                            .dt_bias = dt_bias.data(),
                                            .b = bc.data() + t * bc_width,
                                            .c = bc.data() + t * bc_width + s.n_groups * s.d_state,
                                            .bc_stride = bc_width,
                                            .a = a.data(),
                                            .d = d.data(),
                                            .state = after.data(),
                                            .y = y.data() + t * channels,
                                            .y_stride = channels,
                                            .head_dim = s.head_dim,
                                            .d_state = s.d_state,
                                            .heads_per_group = s.n_heads / s.n_groups,
                                            .n_tokens = t_end - t};
      kernels.mamba2_scan(args, h, h_end);
    };
    call(0, token_cut, 0, head_cut);
    call(0, token_cut, head_cut, s.n_heads);
    call(token_cut, s.n_tokens, 0, head_cut);
    call(token_cut, s.n_tokens, head_cut, s.n_heads);
    y.insert(y.end(), after.begin(), after.end());
    return y;
  }

  Shape s;
  std::int64_t width, bc_width;
  std::vector<float> x, dt, dt_bias, bc, a, d, state;
};

constexpr Shape kShapes[] = {{1, 1, 1, 1, 1},  {5, 4, 2, 7, 16},    {40, 3, 1, 16, 12},
                             {33, 6, 3, 5, 8}, {70, 8, 1, 64, 128}, {2, 2, 2, 1, 3}};

}  // namespace

TEST_CASE("the recurrence of Mamba-2 agrees with the reference") {
  Random random(31);
  for (const Shape& shape : kShapes) {
    const Recurrence recurrence(shape, random);
    const auto expected = recurrence.run(model::reference_kernels(), shape.n_tokens, shape.n_heads);
    for (const model::Kernels* kernels : kernel_sets()) {
      CAPTURE(kernels->name, shape.n_tokens, shape.n_heads, shape.head_dim, shape.d_state);
      CHECK(relative_error(recurrence.run(*kernels, shape.n_tokens, shape.n_heads), expected) <
            2e-6);
    }
  }
}

TEST_CASE("the recurrence of Mamba-2 has the same bits however it is split") {
  Random random(32);
  for (const Shape& shape : kShapes) {
    const Recurrence recurrence(shape, random);
    for (const model::Kernels* kernels : kernel_sets()) {
      CAPTURE(kernels->name, shape.n_tokens, shape.n_heads);
      const auto whole = recurrence.run(*kernels, shape.n_tokens, shape.n_heads);
      for (int i = 0; i < 4; ++i) {
        const auto tokens = static_cast<std::uint64_t>(shape.n_tokens);
        const auto heads = static_cast<std::uint64_t>(shape.n_heads);
        const auto token_cut = static_cast<std::int64_t>(random() % (tokens + 1));
        const auto head_cut = static_cast<std::int64_t>(random() % (heads + 1));
        CHECK(same_bits(recurrence.run(*kernels, token_cut, head_cut), whole));
      }
    }
  }
}
