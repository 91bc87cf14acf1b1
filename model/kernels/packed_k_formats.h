// The quantised formats of blocks of 256, as packed_formats.h describes them. Everything has
// internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_formats.h>

namespace orkestra::model {

namespace {

// What the formats of blocks of 256 share.
template <typename V, int units, bool odd_half, int part_size, bool minima, int offset, int run>
struct Block256 {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 256;
  static constexpr int kUnits = units;
  static constexpr bool kOddHalf = odd_half;
  static constexpr int kPart = part_size;
  static constexpr bool kMinima = minima;
  static constexpr int kOffset = offset;
  static constexpr bool kIntegerScales = true;
  static constexpr int kRun = run;
  // Parts of 32: a chunk is two of them. Of 16: half of the four groups of 32 in one half of the
  // block.
  static constexpr int kChunks = 4;
  static constexpr int kSlots = part_size == 32 ? 2 : 4;
  static constexpr int kSteps = part_size == 32 ? 8 : 4;
  static constexpr bool kStepsAlike = true;
  static constexpr int part(int chunk, int slot) {
    return part_size == 32 ? 2 * chunk + slot : 8 * (chunk / 2) + 2 * slot + chunk % 2;
  }
};

// Eight 6-bit scales and minima in twelve bytes (BlockQ4_K in blocks.h), behind two half floats.
template <typename V, int units>
struct SixBitScales : Block256<V, units, false, 32, true, 0, units == 36 ? 2 : 1> {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  Floats d;
  Floats dmin;
  Ints a;  // bytes 0..3
  Ints b;  // bytes 4..7
  Ints c;  // bytes 8..11

  SixBitScales(Units<V> all, const std::byte*)
      : d(V::low_halves(all[0])),
        dmin(V::low_halves(V::template right32<16>(all[0]))),
        a(all[1]),
        b(all[2]),
        c(all[3]) {}

  template <int p>
  Ints int_scale() const {
    return six_bits<p, 0>(a);
  }
  template <int p>
  Ints int_minimum() const {
    return six_bits<p, 4>(b);
  }

 private:
  template <int p, int nibble>
  Ints six_bits(Ints first_four) const {
    if constexpr (p < 4) {
      return V::both(V::template right32<8 * p>(first_four), V::ints(63));
    } else {
      const Ints low = V::both(V::template right32<8 * (p - 4) + nibble>(c), V::ints(15));
      const Ints high = V::both(V::template right32<8 * (p - 4) + 2>(first_four), V::ints(0x30));
      return V::either(low, high);
    }
  }
};

template <typename V>
struct FormatQ4_K : SixBitScales<V, 36> {
  using SixBitScales<V, 36>::SixBitScales;
  using Ints = typename V::Ints;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints v = units[4 + 8 * chunk + i];
    visit(Int<0>{}, Int<2 * i>{}, bits<V, 0>(v, 15));
    visit(Int<1>{}, Int<2 * i>{}, bits<V, 4>(v, 15));
    visit(Int<0>{}, Int<2 * i + 1>{}, bits<V, 8>(v, 15));
    visit(Int<1>{}, Int<2 * i + 1>{}, V::template right16<12>(v));
  }
};

template <typename V>
struct FormatQ5_K : SixBitScales<V, 44> {
  using SixBitScales<V, 44>::SixBitScales;
  using Ints = typename V::Ints;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints high = units[4 + i];
    const Ints v = units[12 + 8 * chunk + i];
    // The fifth bits of sub-blocks 2 chunk and 2 chunk + 1.
    visit(Int<0>{}, Int<2 * i>{}, V::either(bits<V, 0>(v, 15), bit<V, 2 * chunk, 4>(high)));
    visit(Int<1>{}, Int<2 * i>{}, V::either(bits<V, 4>(v, 15), bit<V, 2 * chunk + 1, 4>(high)));
    visit(Int<0>{}, Int<2 * i + 1>{}, V::either(bits<V, 8>(v, 15), bit<V, 2 * chunk + 8, 4>(high)));
    visit(Int<1>{}, Int<2 * i + 1>{},
          V::either(V::template right16<12>(v), bit<V, 2 * chunk + 9, 4>(high)));
  }
};

template <typename V>
struct FormatQ2_K : Block256<V, 21, false, 16, true, 0, 16> {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints v = units[4 + 8 * (chunk / 2) + 4 * (chunk % 2) + i];
    unrolled<0, 4>([&](auto slot) __attribute__((always_inline)) {
      constexpr int kGroup = decltype(slot)::value;
      visit(slot, Int<2 * i>{}, bits<V, 2 * kGroup>(v, 3));
      visit(slot, Int<2 * i + 1>{}, bits<V, 8 + 2 * kGroup>(v, 3));
    });
  }

  FormatQ2_K(Units<V> all, const std::byte*)
      : units(all),
        d(V::low_halves(all[20])),
        dmin(V::low_halves(V::template right32<16>(all[20]))) {}
  template <int p>
  Ints int_scale() const {
    return V::both(V::template right32<8 * (p % 4)>(units[p / 4]), V::ints(15));
  }
  template <int p>
  Ints int_minimum() const {
    return V::both(V::template right32<8 * (p % 4) + 4>(units[p / 4]), V::ints(15));
  }
  Units<V> units;
  Floats d;
  Floats dmin;
};

template <typename V>
struct FormatQ3_K : Block256<V, 27, true, 16, false, 4, 16> {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    constexpr int kHalf = chunk / 2;
    constexpr int kUnit = 4 * (chunk % 2) + i;
    const Ints high = units[kUnit];
    const Ints v = units[8 + 8 * kHalf + kUnit];
    unrolled<0, 4>([&](auto slot) __attribute__((always_inline)) {
      constexpr int kGroup = decltype(slot)::value;
      constexpr int kThird = 4 * kHalf + kGroup;
      visit(slot, Int<2 * i>{}, V::either(bits<V, 2 * kGroup>(v, 3), bit<V, kThird, 2>(high)));
      visit(slot, Int<2 * i + 1>{},
            V::either(bits<V, 8 + 2 * kGroup>(v, 3), bit<V, 8 + kThird, 2>(high)));
    });
  }

  FormatQ3_K(Units<V> all, const std::byte* odd_halves) : units(all), d(V::halves(odd_halves)) {}
  template <int p>
  Ints int_scale() const {
    const Ints low = V::template right32<8 * (p % 4) + 4 * (p / 8)>(units[24 + p % 8 / 4]);
    const Ints upper = V::template right32<8 * (p % 4) + 2 * (p / 4)>(units[26]);
    const Ints scale =
        V::either(V::both(low, V::ints(15)), V::template left32<4>(V::both(upper, V::ints(3))));
    return V::add32(scale, V::ints(-32));
  }
  Units<V> units;
  Floats d;
};

template <typename V>
struct FormatQ6_K : Block256<V, 52, true, 16, false, 32, 1> {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    constexpr int kHalf = chunk / 2;
    constexpr int kUnit = 4 * (chunk % 2) + i;
    const Ints first = units[16 * kHalf + kUnit];
    const Ints second = units[16 * kHalf + 8 + kUnit];
    const Ints upper = units[32 + 8 * kHalf + kUnit];
    pairs(first, second, upper, Int<2 * i>{}, visit);
    pairs(V::template right16<8>(first), V::template right16<8>(second),
          V::template right16<8>(upper), Int<2 * i + 1>{}, visit);
  }

  FormatQ6_K(Units<V> rows, const std::byte* odd_halves) : units(rows), d(V::halves(odd_halves)) {}
  template <int p>
  Ints int_scale() const {
    const Ints moved = V::template left32<24 - 8 * (p % 4)>(units[48 + p / 4]);
    return V::template signed_right32<24>(moved);
  }
  Units<V> units;
  Floats d;

 private:
  template <typename Pair, typename Visit>
  [[gnu::always_inline]] static void pairs(Ints first, Ints second, Ints upper, Pair pair,
                                           Visit&& visit) {
    const Ints top = V::pairs(0x30);
    visit(Int<0>{}, pair,
          V::either(bits<V, 0>(first, 15), V::both(V::template left16<4>(upper), top)));
    visit(Int<1>{}, pair,
          V::either(bits<V, 0>(second, 15), V::both(V::template left16<2>(upper), top)));
    visit(Int<2>{}, pair, V::either(bits<V, 4>(first, 15), V::both(upper, top)));
    visit(Int<3>{}, pair,
          V::either(bits<V, 4>(second, 15), V::both(V::template right16<2>(upper), top)));
  }
};

// Eight sub-blocks of 32, each as a block of IQ4_NL.
template <typename V>
struct FormatIQ4_XS {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 256;
  static constexpr int kUnits = 34;
  static constexpr bool kOddHalf = false;
  static constexpr int kPart = 32;
  static constexpr bool kMinima = false;
  static constexpr int kOffset = 0;
  static constexpr bool kIntegerScales = false;
  static constexpr int kRun = 1;
  static constexpr int kChunks = 8;
  static constexpr int kSlots = 1;
  static constexpr int kSteps = 4;
  static constexpr bool kStepsAlike = true;
  static constexpr int part(int chunk, int) { return chunk; }

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_table<V, 2 + 4 * chunk, i>(units, visit);
  }

  FormatIQ4_XS(Units<V> all, const std::byte*) : units(all), d(V::low_halves(all[0])) {}
  // Half float times six bits: exact.
  template <int p>
  Floats scale() const {
    const Ints low = V::both(V::template right32<4 * p>(units[1]), V::ints(15));
    const Ints upper = V::both(V::template right32<16 + 2 * p>(units[0]), V::ints(3));
    const Ints six_bits = V::either(low, V::template left32<4>(upper));
    return V::multiply(d, V::to_floats(V::add32(six_bits, V::ints(-32))));
  }
  Units<V> units;
  Floats d;
};

}  // namespace

}  // namespace orkestra::model
