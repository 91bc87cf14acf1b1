// The quantised formats as the AVX2 products see them: packed sixteen rows side by side
// (packing.h), a register holding the same unit of eight rows, one row in each 32-bit lane.
// Included by avx2_quantised.cpp only; everything has internal linkage (avx2.h says why).
//
// A format says how a unit becomes pairs of 16-bit weights. A lane of a pair holds elements 4i and
// 4i + 2 (an even pair) or 4i + 1 and 4i + 3 (an odd one) of its row: that is what one shift and
// one mask cut out of four neighbouring bytes, so activations are kept in the order 0 2 1 3 and
// nothing is ever shuffled. A format has:
//   kElements  elements of a block; kUnits, kOddHalf as packing.h cuts it
//   kPart      elements that share one scale; kMinima: whether a minimum is subtracted per part
//   kOffset    what is subtracted from every weight (a constant of the format)
//   kChunks    pieces of a block whose kSlots parts are summed at the same time
//   part(chunk, slot)   which part of the block that is
//   step<chunk, i>(units, visit)   visits the pairs of step i in [0, kSteps): visit(slot, pair, w)
//   scale<p>, minimum<p>           of part p, [8 rows]
//
// Exactness. A lane of the integer sums takes all products of a part. Activations are within
// +-32767, or -32768 where NaN was converted:
//   Q8_0: 32 * 128 * 32768 = 2^27; others hold at most 6 bits: 32 * 64 * 32768 = 2^26
// all under 2^31: the integer sums are exact in any order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orkestra::model {

namespace {

template <int n>
struct Int {
  static constexpr int value = n;
};

// f(Int<begin>{}), ..., f(Int<end - 1>{}), written out.
template <int begin, int end, typename F>
[[gnu::always_inline]] inline void unrolled(F&& f) {
  if constexpr (begin < end) {
    f(Int<begin>{});
    unrolled<begin + 1, end>(f);
  }
}

// Some rows of one packed block; `at` points to their part of its first unit.
template <typename V>
struct Units {
  const std::byte* at;

  typename V::Ints operator[](int u) const { return V::load(at + 64 * u); }
};

// Bits [shift, shift + 8) of each 16-bit lane that are in `mask`.
template <typename V, int shift>
inline typename V::Ints bits(typename V::Ints v, int mask) {
  if constexpr (shift == 0) return V::both(v, V::pairs(mask));
  return V::both(V::template right16<shift>(v), V::pairs(mask));
}

template <typename V>
struct FormatQ8_0 {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 32;
  static constexpr int kUnits = 8;
  static constexpr bool kOddHalf = true;
  static constexpr int kPart = 32;
  static constexpr bool kMinima = false;
  static constexpr int kOffset = 0;
  static constexpr int kChunks = 1;
  static constexpr int kSlots = 1;
  static constexpr int kSteps = 8;
  static constexpr int part(int, int) { return 0; }

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints v = units[i];
    visit(Int<0>{}, Int<2 * i>{}, V::template signed_right16<8>(V::template left16<8>(v)));
    visit(Int<0>{}, Int<2 * i + 1>{}, V::template signed_right16<8>(v));
  }

  FormatQ8_0(Units<V>, const std::byte* odd_halves) : d(V::halves(odd_halves)) {}
  template <int p>
  Floats scale() const {
    return d;
  }
  Floats d;
};

template <typename V>
struct FormatQ5_0 {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 32;
  static constexpr int kUnits = 5;
  static constexpr bool kOddHalf = true;
  static constexpr int kPart = 32;
  static constexpr bool kMinima = false;
  static constexpr int kOffset = 16;
  static constexpr int kChunks = 1;
  static constexpr int kSlots = 1;
  static constexpr int kSteps = 4;
  static constexpr int part(int, int) { return 0; }

  // Bits `first` and `first + 2` of each lane, moved to bit 4 of its two halves.
  template <int first>
  static Ints fifth(Ints high) {
    const Ints moved = V::template right32<first>(high);
    const Ints low = V::template left32<4>(V::both(moved, V::ints(1)));
    const Ints upper = V::template left32<18>(V::both(moved, V::ints(4)));
    return V::either(low, upper);
  }
  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints high = units[0];
    const Ints v = units[1 + i];
    visit(Int<0>{}, Int<2 * i>{}, V::either(bits<V, 0>(v, 15), fifth<4 * i>(high)));
    visit(Int<0>{}, Int<2 * i + 1>{}, V::either(bits<V, 8>(v, 15), fifth<4 * i + 1>(high)));
    visit(Int<0>{}, Int<8 + 2 * i>{}, V::either(bits<V, 4>(v, 15), fifth<16 + 4 * i>(high)));
    visit(Int<0>{}, Int<9 + 2 * i>{}, V::either(bits<V, 12>(v, 15), fifth<17 + 4 * i>(high)));
  }

  FormatQ5_0(Units<V>, const std::byte* odd_halves) : d(V::halves(odd_halves)) {}
  template <int p>
  Floats scale() const {
    return d;
  }
  Floats d;
};

// Eight 6-bit scales and minima in twelve bytes (BlockQ4_K in blocks.h), of eight rows.
template <typename V>
struct SixBitScales {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  Floats d;
  Floats dmin;
  Ints a;  // bytes 0..3
  Ints b;  // bytes 4..7
  Ints c;  // bytes 8..11

  SixBitScales(Ints halves_of_both, Ints first, Ints second, Ints third)
      : d(V::low_halves(halves_of_both)),
        dmin(V::low_halves(V::template right32<16>(halves_of_both))),
        a(first),
        b(second),
        c(third) {}

  // Half float times six bits: exact.
  template <int p>
  Floats scale() const {
    return V::multiply(d, V::to_floats(six_bits<p, 0>(a)));
  }
  template <int p>
  Floats minimum() const {
    return V::multiply(dmin, V::to_floats(six_bits<p, 4>(b)));
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
struct FormatQ4_K : SixBitScales<V> {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 256;
  static constexpr int kUnits = 36;
  static constexpr bool kOddHalf = false;
  static constexpr int kPart = 32;
  static constexpr bool kMinima = true;
  static constexpr int kOffset = 0;
  static constexpr int kChunks = 4;
  static constexpr int kSlots = 2;
  static constexpr int kSteps = 8;
  static constexpr int part(int chunk, int slot) { return 2 * chunk + slot; }

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints v = units[4 + 8 * chunk + i];
    visit(Int<0>{}, Int<2 * i>{}, bits<V, 0>(v, 15));
    visit(Int<1>{}, Int<2 * i>{}, bits<V, 4>(v, 15));
    visit(Int<0>{}, Int<2 * i + 1>{}, bits<V, 8>(v, 15));
    visit(Int<1>{}, Int<2 * i + 1>{}, V::template right16<12>(v));
  }

  FormatQ4_K(Units<V> units, const std::byte*)
      : SixBitScales<V>(units[0], units[1], units[2], units[3]) {}
};

template <typename V>
struct FormatQ6_K {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 256;
  static constexpr int kUnits = 52;
  static constexpr bool kOddHalf = true;
  static constexpr int kPart = 16;
  static constexpr bool kMinima = false;
  static constexpr int kOffset = 32;
  // A chunk: half of the four groups of 32 in one half of the block.
  static constexpr int kChunks = 4;
  static constexpr int kSlots = 4;
  static constexpr int kSteps = 4;
  static constexpr int part(int chunk, int slot) { return 8 * (chunk / 2) + 2 * slot + chunk % 2; }

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
  Floats scale() const {
    const Ints moved = V::template left32<24 - 8 * (p % 4)>(units[48 + p / 4]);
    return V::multiply(d, V::to_floats(V::template signed_right32<24>(moved)));
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

}  // namespace

}  // namespace orkestra::model
