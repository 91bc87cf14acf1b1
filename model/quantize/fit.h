// The searches that quantisers share: the scale (and offset) under which a few integers stand for a
// group of weights with the least squared error. For each of a handful of starting scales the
// weights are rounded to codes; for these codes the best scale is a least-squares solution in
// closed form; the best of all is kept. Plain arithmetic in fixed order: the same on every machine.
//
// All weights count alike: the error of a product with activations that know nothing of the weights
// is the plain squared error.
#pragma once

#include <cstdint>
#include <span>

namespace orkestra::model::fit {

// x ~ scale * q, q an integer in [low, high]; low = -(high + 1), so a scale may be negative: it
// then gives the value of largest magnitude the larger side. x: 16 or 32 values.
float symmetric(std::span<const float> x, int low, int high);

// x ~ scale * q + offset, q in [0, high], scale >= 0.
struct Affine {
  float scale = 0.0F;
  float offset = 0.0F;
};
enum class Offset { kAny, kNotPositive };
Affine affine(std::span<const float> x, int high, Offset allowed);

// x ~ scale * v, v one of kIq4Values.
float table(std::span<const float> x);

// The codes for a given scale and offset, nearest first: a zero scale gives zeros (for a table the
// value nearest to zero). codes: as many as x.
void codes(std::span<const float> x, float scale, float offset, int low, int high,
           std::int8_t* codes);
void table_codes(std::span<const float> x, float scale, std::uint8_t* codes);

// The squared error of these codes.
float error(std::span<const float> x, float scale, float offset, int low, int high);
float table_error(std::span<const float> x, float scale);

}  // namespace orkestra::model::fit
