#include <orkestra/model/format/blocks.h>
#include <orkestra/model/quantize/fit.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace orkestra::model::fit {

namespace {

// Four lanes, added in one fixed order; the baseline instruction set has them on every machine.
using Lanes = float __attribute__((vector_size(16)));
using Mask = std::int32_t __attribute__((vector_size(16)));

constexpr float kTiny = 1e-30F;     // a group below this is zero for every purpose
constexpr int kSymmetricSteps = 9;  // tenths of a code on each side
constexpr int kAffineSteps = 10;    // the same
constexpr int kTableSteps = 7;      // whole units of a table of 127

Lanes load(const float* x) {
  Lanes v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

Lanes all(float x) { return Lanes{x, x, x, x}; }

float sum(Lanes v) { return (v[0] + v[2]) + (v[1] + v[3]); }

Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }

// To the nearest whole number, ties to even; |x| below 2^22.
Lanes rounded(Lanes x) {
  const Lanes magic = all(12582912.0F);
  return (x + magic) - magic;
}

// The codes of four weights, given the inverse of the scale.
Lanes code(Lanes x, Lanes inverse, Lanes low, Lanes high) {
  return smaller(larger(rounded(x * inverse), low), high);
}

// Beyond this no quotient is rounded exactly; clamping makes it the same code.
float inverse_of(float scale) { return std::abs(scale) < kTiny ? 0.0F : 1.0F / scale; }

// The values halfway between neighbours of the table, and the steps from one to the next.
struct Steps {
  std::array<float, 15> threshold;
  std::array<float, 15> step;
};
constexpr Steps table_steps() {
  Steps steps{};
  for (std::size_t i = 0; i < 15; ++i) {
    const float here = kIq4Values[i];
    const float next = kIq4Values[i + 1];
    steps.threshold[i] = (here + next) / 2;
    steps.step[i] = next - here;
  }
  return steps;
}
constexpr Steps kSteps = table_steps();

// The table's value nearest to each of four.
Lanes nearest(Lanes x) {
  Lanes value = all(kIq4Values[0]);
  for (std::size_t i = 0; i < 15; ++i) {
    value += x > all(kSteps.threshold[i]) ? all(kSteps.step[i]) : all(0.0F);
  }
  return value;
}

float signed_largest(std::span<const float> x) {
  float largest = 0.0F;
  for (const float value : x) {
    if (std::abs(value) > std::abs(largest)) largest = value;
  }
  return largest;
}

// The scale that fits `codes_of(inverse)` best, over the candidates.
template <typename Codes>
float best_scale(std::span<const float> x, std::span<const float> inverses, Codes codes_of) {
  float best_gain = 0.0F;
  float best = 0.0F;
  for (const float inverse : inverses) {
    Lanes xq = all(0.0F);
    Lanes qq = all(0.0F);
    for (std::size_t i = 0; i < x.size(); i += 4) {
      const Lanes v = load(x.data() + i);
      const Lanes q = codes_of(v * all(inverse));
      xq += v * q;
      qq += q * q;
    }
    const float products = sum(xq);
    const float squares = sum(qq);
    // The error is |x|^2 - products^2 / squares.
    if (squares > 0.0F && products * products > best_gain * squares) {
      best_gain = products * products / squares;
      best = products / squares;
    }
  }
  return best;
}

}  // namespace

float symmetric(std::span<const float> x, int low, int high) {
  const float largest = signed_largest(x);
  if (std::abs(largest) < kTiny) return 0.0F;
  std::array<float, 2 * kSymmetricSteps + 1> inverses;
  for (int step = -kSymmetricSteps; step <= kSymmetricSteps; ++step) {
    inverses[static_cast<std::size_t>(step + kSymmetricSteps)] =
        (static_cast<float>(low) - 0.1F * static_cast<float>(step)) / largest;
  }
  const Lanes bottom = all(static_cast<float>(low));
  const Lanes top = all(static_cast<float>(high));
  return best_scale(x, inverses, [&](Lanes v) { return smaller(larger(rounded(v), bottom), top); });
}

float table(std::span<const float> x) {
  const float largest = signed_largest(x);
  if (std::abs(largest) < kTiny) return 0.0F;
  std::array<float, 2 * kTableSteps + 1> inverses;
  for (int step = -kTableSteps; step <= kTableSteps; ++step) {
    inverses[static_cast<std::size_t>(step + kTableSteps)] =
        static_cast<float>(kIq4Values[0] + step) / largest;
  }
  return best_scale(x, inverses, nearest);
}

Affine affine(std::span<const float> x, int high, Offset allowed) {
  const auto n = static_cast<float>(x.size());
  float least = x[0];
  float most = x[0];
  Lanes sums = all(0.0F);
  Lanes squares = all(0.0F);
  for (std::size_t i = 0; i < x.size(); ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
  }
  for (std::size_t i = 0; i < x.size(); i += 4) {
    const Lanes v = load(x.data() + i);
    sums += v;
    squares += v * v;
  }
  if (allowed == Offset::kNotPositive) least = std::min(least, 0.0F);
  if (most - least < kTiny) return {0.0F, least};
  const float x1 = sum(sums);
  const float x2 = sum(squares);
  const Lanes top = all(static_cast<float>(high));
  Affine best;
  float best_error = 0.0F;
  bool found = false;
  for (int step = -kAffineSteps; step <= kAffineSteps; ++step) {
    const float inverse =
        (static_cast<float>(high) + 0.1F * static_cast<float>(step)) / (most - least);
    Lanes q_sum = all(0.0F);
    Lanes qq_sum = all(0.0F);
    Lanes xq_sum = all(0.0F);
    for (std::size_t i = 0; i < x.size(); i += 4) {
      const Lanes v = load(x.data() + i);
      const Lanes q = code(v - all(least), all(inverse), all(0.0F), top);
      q_sum += q;
      qq_sum += q * q;
      xq_sum += v * q;
    }
    const float q1 = sum(q_sum);
    const float q2 = sum(qq_sum);
    const float xq = sum(xq_sum);
    const float determinant = n * q2 - q1 * q1;
    if (q2 <= 0.0F) continue;
    Affine now{xq / q2, 0.0F};
    if (determinant > 0.0F) {
      const float offset = (q2 * x1 - q1 * xq) / determinant;
      if (allowed == Offset::kAny || offset <= 0.0F) {
        now = {(n * xq - x1 * q1) / determinant, offset};
      }
    }
    const float a = now.scale;
    const float b = now.offset;
    const float e = x2 - 2.0F * (a * xq + b * x1) + a * a * q2 + 2.0F * a * b * q1 + n * b * b;
    if (a > 0.0F && (!found || e < best_error)) {
      best = now;
      best_error = e;
      found = true;
    }
  }
  return best;
}

void codes(std::span<const float> x, float scale, float offset, int low, int high,
           std::int8_t* codes) {
  const Lanes inverse = all(inverse_of(scale));
  for (std::size_t i = 0; i < x.size(); i += 4) {
    const Lanes q = code(load(x.data() + i) - all(offset), inverse, all(static_cast<float>(low)),
                         all(static_cast<float>(high)));
    for (std::size_t k = 0; k < 4; ++k) codes[i + k] = static_cast<std::int8_t>(q[k]);
  }
}

void table_codes(std::span<const float> x, float scale, std::uint8_t* codes) {
  const float inverse = inverse_of(scale);
  for (std::size_t i = 0; i < x.size(); ++i) {
    int q = 0;
    for (const float threshold : kSteps.threshold) q += x[i] * inverse > threshold ? 1 : 0;
    codes[i] = static_cast<std::uint8_t>(q);
  }
}

float error(std::span<const float> x, float scale, float offset, int low, int high) {
  const Lanes inverse = all(inverse_of(scale));
  Lanes total = all(0.0F);
  for (std::size_t i = 0; i < x.size(); i += 4) {
    const Lanes v = load(x.data() + i) - all(offset);
    const Lanes q = code(v, inverse, all(static_cast<float>(low)), all(static_cast<float>(high)));
    const Lanes difference = v - q * all(scale);
    total += difference * difference;
  }
  return sum(total);
}

float table_error(std::span<const float> x, float scale) {
  const Lanes inverse = all(inverse_of(scale));
  Lanes total = all(0.0F);
  for (std::size_t i = 0; i < x.size(); i += 4) {
    const Lanes v = load(x.data() + i);
    const Lanes difference = v - nearest(v * inverse) * all(scale);
    total += difference * difference;
  }
  return sum(total);
}

}  // namespace orkestra::model::fit
