// The quantised formats as the products see them: packed sixteen rows side by side (packing.h), a
// register holding the same unit of as many rows as a vector has lanes, one row in each 32-bit
// lane. Here the words and the formats of blocks of 32; packed_k_formats.h has those of 256.
// Included by the quantised kernel files only; everything has internal linkage (avx2.h says why).
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
//   kStepsAlike   whether step i is step 0 of the units from i on, with pairs from 2i on
// and of part p, for the rows of a vector, either floats (kIntegerScales is false):
//   scale<p>(), minimum<p>()
// or integers that the block's half floats `d` and `dmin` are factors of:
//   int_scale<p>(), int_minimum<p>()
//   kRun       parts in a row (chunk by chunk, slot by slot) whose scaled sums are added exactly
//
// Exactness. A lane of the integer sums takes all products of a part, or with integer scales of a
// run. Activations are within +-32767 (-32768 stands where NaN was converted; such a group's scale
// is NaN, whatever its sums are). Columns times largest weight times largest scale times 32767:
//   Q8_0, IQ4: 32 * 128       Q4_K: 64 * 15 * 63   Q2_K: 256 * 3 * 15   Q6_K: 16 * 32 * 128
//   others of 32: 32 * 31     Q5_K: 32 * 31 * 63   Q3_K: 256 * 4 * 32
// all at most 2^16, so under 2^31: the integer sums are exact in any order.
#pragma once

#include <orkestra/model/format/blocks.h>

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

// Bits [shift, shift + 1) of each 16-bit lane moved to bit `to`.
template <typename V, int shift, int to>
inline typename V::Ints bit(typename V::Ints v) {
  const typename V::Ints mask = V::pairs(1 << to);
  if constexpr (shift > to) return V::both(V::template right16<shift - to>(v), mask);
  if constexpr (shift < to) return V::both(V::template left16<to - shift>(v), mask);
  return V::both(v, mask);
}

// What all formats of blocks of 32 share: one part, one scale in front.
template <typename V, int units, bool odd_half, bool minima, int offset>
struct Block32 {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kElements = 32;
  static constexpr int kUnits = units;
  static constexpr bool kOddHalf = odd_half;
  static constexpr int kPart = 32;
  static constexpr bool kMinima = minima;
  static constexpr int kOffset = offset;
  static constexpr bool kIntegerScales = false;
  static constexpr int kRun = 1;
  static constexpr bool kStepsAlike = false;
  static constexpr int kChunks = 1;
  static constexpr int kSlots = 1;
  static constexpr int part(int, int) { return 0; }

  // Scale, and what is added to every weight, in the first unit; or the scale alone, apart.
  Block32(Units<V> all, const std::byte* odd_halves) {
    if constexpr (odd_half) {
      d = V::halves(odd_halves);
    } else {
      d = V::low_halves(all[0]);
      m = V::low_halves(V::template right32<16>(all[0]));
    }
  }
  template <int p>
  Floats scale() const {
    return d;
  }
  template <int p>
  Floats minimum() const {
    return V::subtract(V::floats(0.0F), m);
  }
  Floats d;
  Floats m;
};

template <typename V>
struct FormatQ8_0 : Block32<V, 8, true, false, 0> {
  using Block32<V, 8, true, false, 0>::Block32;
  using Ints = typename V::Ints;
  static constexpr int kSteps = 8;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    const Ints v = units[i];
    visit(Int<0>{}, Int<2 * i>{}, V::template signed_right16<8>(V::template left16<8>(v)));
    visit(Int<0>{}, Int<2 * i + 1>{}, V::template signed_right16<8>(v));
  }
};

// Nibbles of a block of 32 from unit `first` on: the low ones are its first half.
template <typename V, int first, int i, typename Visit>
[[gnu::always_inline]] inline void visit_nibbles(Units<V> units, Visit&& visit) {
  const typename V::Ints v = units[first + i];
  visit(Int<0>{}, Int<2 * i>{}, bits<V, 0>(v, 15));
  visit(Int<0>{}, Int<2 * i + 1>{}, bits<V, 8>(v, 15));
  visit(Int<0>{}, Int<8 + 2 * i>{}, bits<V, 4>(v, 15));
  visit(Int<0>{}, Int<9 + 2 * i>{}, V::template right16<12>(v));
}

// The same with a fifth bit each: that of element k in bit k of unit first - 1.
template <typename V, int first, int i, typename Visit>
[[gnu::always_inline]] inline void visit_five_bits(Units<V> units, Visit&& visit) {
  using Ints = typename V::Ints;
  const Ints high = units[first - 1];
  // Bits n and n + 2 of each lane, moved to bit 4 of its two halves.
  const auto fifth = [&](auto n) __attribute__((always_inline)) {
    const Ints moved = V::template right32<decltype(n)::value>(high);
    const Ints low = V::template left32<4>(V::both(moved, V::ints(1)));
    const Ints upper = V::template left32<18>(V::both(moved, V::ints(4)));
    return V::either(low, upper);
  };
  visit_nibbles<V, first, i>(
      units, [&](auto slot, auto pair, Ints w) __attribute__((always_inline)) {
        constexpr int kPair = decltype(pair)::value;
        constexpr int kBit = 16 * (kPair / 8) + 4 * (kPair % 8 / 2) + kPair % 2;
        visit(slot, pair, V::either(w, fifth(Int<kBit>{})));
      });
}

// Nibbles that stand for the values of `table`.
template <typename V, int first, int i, typename Visit>
[[gnu::always_inline]] inline void visit_table(Units<V> units, Visit&& visit) {
  using Ints = typename V::Ints;
  const Ints v = units[first + i];
  const auto pairs = [&](Ints nibbles, auto pair) __attribute__((always_inline)) {
    constexpr int kPair = decltype(pair)::value;
    const Ints values = V::lookup(kIq4Values, V::both(nibbles, V::pairs(0x0F0F)));
    visit(Int<0>{}, Int<kPair>{}, V::template signed_right16<8>(V::template left16<8>(values)));
    visit(Int<0>{}, Int<kPair + 1>{}, V::template signed_right16<8>(values));
  };
  pairs(v, Int<2 * i>{});
  pairs(V::template right16<4>(v), Int<8 + 2 * i>{});
}

template <typename V>
struct FormatQ4_0 : Block32<V, 4, true, false, 8> {
  using Block32<V, 4, true, false, 8>::Block32;
  static constexpr int kSteps = 4;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_nibbles<V, 0, i>(units, visit);
  }
};

template <typename V>
struct FormatQ4_1 : Block32<V, 5, false, true, 0> {
  using Block32<V, 5, false, true, 0>::Block32;
  static constexpr int kSteps = 4;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_nibbles<V, 1, i>(units, visit);
  }
};

template <typename V>
struct FormatQ5_0 : Block32<V, 5, true, false, 16> {
  using Block32<V, 5, true, false, 16>::Block32;
  static constexpr int kSteps = 4;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_five_bits<V, 1, i>(units, visit);
  }
};

template <typename V>
struct FormatQ5_1 : Block32<V, 6, false, true, 0> {
  using Block32<V, 6, false, true, 0>::Block32;
  static constexpr int kSteps = 4;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_five_bits<V, 2, i>(units, visit);
  }
};

template <typename V>
struct FormatIQ4_NL : Block32<V, 4, true, false, 0> {
  using Block32<V, 4, true, false, 0>::Block32;
  static constexpr int kSteps = 4;

  template <int chunk, int i, typename Visit>
  [[gnu::always_inline]] static void step(Units<V> units, Visit&& visit) {
    visit_table<V, 0, i>(units, visit);
  }
};

}  // namespace

}  // namespace orkestra::model
