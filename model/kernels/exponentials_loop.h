// The loop behind exponentials.h, which a compiler makes as wide as the file that includes it may
// be: every operation is rounded by itself (-ffp-contract=off), so the width changes no bit. It has
// internal linkage.
#pragma once

#include <cstdint>

namespace orkestra::model {

namespace {

inline void exponentials_loop(const float* x, std::int64_t n, double shift, double scale,
                              double* out) {
  // exp(t) = 2^k exp(r) with |r| <= ln 2 / 2, and twelve terms of the series of exp(r). Adding the
  // large number rounds to an integer, which is then in the lowest bits.
  constexpr double kRounding = 0x1.8p52;
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // exact in products with small integers
  constexpr double kLn2Low = 0x1.ef35793c76730p-45;
  for (std::int64_t i = 0; i < n; ++i) {
    double t = (static_cast<double>(x[i]) - shift) * scale;
    t = t < -708.0 ? -708.0 : t;
    const double shifted = t * kLog2E + kRounding;
    const double k = shifted - kRounding;
    const double r = (t - k * kLn2High) - k * kLn2Low;
    double p = 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    std::uint64_t bits = 0;
    std::uint64_t exponent = 0;
    __builtin_memcpy(&bits, &p, sizeof bits);
    __builtin_memcpy(&exponent, &shifted, sizeof exponent);
    bits += exponent << 52U;
    __builtin_memcpy(out + i, &bits, sizeof bits);
  }
}

}  // namespace

}  // namespace orkestra::model
