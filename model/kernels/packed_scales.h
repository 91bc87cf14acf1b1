// The scales and minima of some vectors of rows over a group of up to 256 columns, opened once for
// all tokens, and what a group's sums come to with them: the end of the order of sums that
// packed_products.h gives. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_operands.h>

namespace orkestra::model {

namespace {

// Which part of a group of columns is summed at each position.
template <typename Format>
struct PartAt {
  static constexpr int kInBlock = Format::kElements / Format::kPart;
  constexpr PartAt() {
    for (int p = 0; p < kColumnGroup / Format::kPart; ++p) {
      const int chunk = p % kInBlock / Format::kSlots;
      at[p] = p - p % kInBlock + Format::part(chunk, p % Format::kSlots);
    }
  }
  int at[kColumnGroup / Format::kPart] = {};
};
template <typename Format>
constexpr PartAt<Format> kPartAt;

template <typename V, typename Format, int kPanelRows>
struct alignas(64) GroupScales {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kPartsOfBlock = Format::kElements / Format::kPart;
  static constexpr int kMostParts = kColumnGroup / Format::kPart;

  // By the part's place in the group. Integer scales stand in both halves of a lane.
  std::int16_t factors[kMostParts][2 * kPanelRows];
  float scales[kMostParts][kPanelRows];  // of formats without integer scales
  float minima[kMostParts][kPanelRows];
  float d[kPanelRows];  // of formats with integer scales
  float dmin[kPanelRows];

  // Takes in kLanes rows, from `first_row` of a block on, as the panel's rows from `row` on.
  void open(const std::byte* block, int first_row, int row, int first_part) {
    const Format format = opened<V, Format>(block, first_row);
    unrolled<0, kPartsOfBlock>([&](auto p) __attribute__((always_inline)) {
      constexpr int kPart = decltype(p)::value;
      const int part = first_part + kPart;
      if constexpr (Format::kIntegerScales) {
        const Ints scale = format.template int_scale<kPart>();
        V::store(factors[part] + 2 * row,
                 V::either(V::both(scale, V::ints(0xFFFF)), V::template left32<16>(scale)));
      } else {
        V::store_floats(scales[part] + row, format.template scale<kPart>());
      }
      if constexpr (Format::kMinima && Format::kIntegerScales) {
        V::store_floats(minima[part] + row, V::to_floats(format.template int_minimum<kPart>()));
      } else if constexpr (Format::kMinima) {
        V::store_floats(minima[part] + row, format.template minimum<kPart>());
      }
    });
    if constexpr (Format::kIntegerScales) {
      V::store_floats(d + row, format.d);
      if constexpr (Format::kMinima) V::store_floats(dmin + row, format.dmin);
    }
  }

  Ints factor(int part, int row) const { return V::load(factors[part] + 2 * row); }

  // totals[t] += what the group comes to for the first kN tokens of `x` and kVectors vectors of
  // rows from `row` on, `sums` being the sums of their products. totals: [kN], `stride` apart.
  template <int kN, int kVectors>
  [[gnu::always_inline]] void finish(int row, int n_parts, const Group& x,
                                     Floats (&sums)[kN][kVectors], float* totals,
                                     std::int64_t stride) const {
    if constexpr (Format::kIntegerScales) {
#pragma GCC unroll 16
      for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          sums[t][v] = V::multiply(sums[t][v], V::load_floats(d + row + V::kLanes * v));
        }
      }
    }
    if constexpr (Format::kMinima) subtract_minima<kN, kVectors>(row, n_parts, x, sums);
#pragma GCC unroll 16
    for (int t = 0; t < kN; ++t) {
      const Floats scale = V::floats(x.scales[t]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        float* total = totals + t * stride + V::kLanes * v;
        V::store_floats(total, V::multiply_add(sums[t][v], scale, V::load_floats(total)));
      }
    }
  }

 private:
  template <int kN, int kVectors>
  [[gnu::always_inline]] void subtract_minima(int row, int n_parts, const Group& x,
                                              Floats (&sums)[kN][kVectors]) const {
    const float* x_sums = part_sums<Format::kPart>(x.sums, 0);
    Floats in_all[kN][kVectors];
#pragma GCC unroll 16
    for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) in_all[t][v] = V::floats(0.0F);
    }
    for (int position = 0; position < n_parts; ++position) {
      const int part = kPartAt<Format>.at[position];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Floats minimum = V::load_floats(minima[part] + row + V::kLanes * v);
#pragma GCC unroll 16
        for (int t = 0; t < kN; ++t) {
          in_all[t][v] =
              V::multiply_add(minimum, V::floats(x_sums[t * avx2::kSums + part]), in_all[t][v]);
        }
      }
    }
#pragma GCC unroll 16
    for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        if constexpr (Format::kIntegerScales) {
          sums[t][v] = V::subtract_product(sums[t][v], in_all[t][v],
                                           V::load_floats(dmin + row + V::kLanes * v));
        } else {
          sums[t][v] = V::subtract(sums[t][v], in_all[t][v]);
        }
      }
    }
  }
};

}  // namespace

}  // namespace orkestra::model
