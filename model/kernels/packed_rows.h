// The sixteen rows of a packed group times one token: the weights stream by once and are unpacked
// in registers. The order of sums is in packed_products.h. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_operands.h>

namespace orkestra::model {

namespace {

template <typename V, typename Format>
struct RowsTimesToken {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kVectors = kPackedRows / V::kLanes;

  // What a group of columns comes to, before the block's factors and the token's scale.
  struct Sums {
    Floats products[kVectors];
    Floats minima[kVectors];
    Ints run[kVectors];  // exact so far
  };

  // The exact sum of a part of vector `v`, into the sums. x_sums: of the block's parts.
  template <int position, int part>
  [[gnu::always_inline]] static void add_part(const Format& format, Ints exact, const float* x_sums,
                                              int v, Sums& sums) {
    if constexpr (Format::kIntegerScales) {
      const Ints scaled = V::multiply32(exact, format.template int_scale<part>());
      sums.run[v] = position % Format::kRun == 0 ? scaled : V::add32(sums.run[v], scaled);
      if constexpr (position % Format::kRun == Format::kRun - 1) {
        sums.products[v] = V::add(sums.products[v], V::to_floats(sums.run[v]));
      }
    } else {
      sums.products[v] =
          V::multiply_add(V::to_floats(exact), format.template scale<part>(), sums.products[v]);
    }
    if constexpr (Format::kMinima) {
      const Floats x_sum = V::floats(x_sums[part]);
      Floats minimum;
      if constexpr (Format::kIntegerScales) {
        minimum = V::to_floats(format.template int_minimum<part>());
      } else {
        minimum = format.template minimum<part>();
      }
      sums.minima[v] = V::multiply_add(minimum, x_sum, sums.minima[v]);
    }
  }

  [[gnu::always_inline]] static void add_block(const std::byte* block, const std::int16_t* x,
                                               const float* x_sums, Sums& sums) {
    unrolled<0, Format::kChunks>([&](auto chunk) __attribute__((always_inline)) {
      constexpr int kChunk = decltype(chunk)::value;
      Ints exact[kVectors][Format::kSlots][V::kChains];
      for (int slot = 0; slot < Format::kSlots; ++slot) {
        const int correction =
            Format::kOffset == 0
                ? 0
                : -Format::kOffset * static_cast<int>(x_sums[Format::part(kChunk, slot)]);
        for (int v = 0; v < kVectors; ++v) {
          exact[v][slot][0] = V::ints(correction);
          for (int chain = 1; chain < V::kChains; ++chain) exact[v][slot][chain] = V::ints(0);
        }
      }
      unrolled<0, Format::kSteps>([&](auto i) __attribute__((always_inline)) {
        unrolled<0, kVectors>([&](auto vector) __attribute__((always_inline)) {
          constexpr int kVector = decltype(vector)::value;
          Format::template step<kChunk, decltype(i)::value>(
              Units<V>{block + 4 * V::kLanes * kVector}, [&](auto slot, auto pair,
                                                             Ints
                                                                 w) __attribute__((always_inline)) {
                constexpr int kSlot = decltype(slot)::value;
                constexpr int kPair = decltype(pair)::value;
                constexpr int kFirst = Format::part(kChunk, kSlot) * Format::kPart;
                Ints& sum = exact[kVector][kSlot][kPair % V::kChains];
                sum = V::dot(sum, w, pair_of<V>(x + kFirst, kPair));
              });
        });
      });
      unrolled<0, Format::kSlots>([&](auto slot) __attribute__((always_inline)) {
        constexpr int kSlot = decltype(slot)::value;
        for (int v = 0; v < kVectors; ++v) {
          Ints sum = exact[v][kSlot][0];
          for (int chain = 1; chain < V::kChains; ++chain) {
            sum = V::add32(sum, exact[v][kSlot][chain]);
          }
          add_part<kChunk * Format::kSlots + kSlot, Format::part(kChunk, kSlot)>(
              opened<V, Format>(block, V::kLanes * v), sum, x_sums, v, sums);
        }
      });
    });
    if constexpr (Format::kIntegerScales) {
      static_assert(Format::kElements == kColumnGroup);
      for (int v = 0; v < kVectors; ++v) {
        const Format format = opened<V, Format>(block, V::kLanes * v);
        sums.products[v] = V::multiply(sums.products[v], format.d);
        if constexpr (Format::kMinima) {
          sums.products[v] = V::subtract_product(sums.products[v], sums.minima[v], format.dmin);
        }
      }
    }
  }

  // y: [16]
  static void run(const std::byte* rows, const avx2::Activations& x, std::int64_t t, float* y) {
    constexpr std::int64_t kAhead = 4096;  // bytes; the processor's own prefetch stops at pages
    Floats total[kVectors];
    for (Floats& sum : total) sum = V::floats(0.0F);
    for (std::int64_t k = 0; k < x.cols; k += kColumnGroup) {
      const Group group = group_of(x, k, t);
      const std::int64_t width = group_width(x.cols, k);
      Sums sums;
      for (int v = 0; v < kVectors; ++v) {
        sums.products[v] = sums.minima[v] = V::floats(0.0F);
        sums.run[v] = V::ints(0);
      }
      for (std::int64_t b = 0; b < width; b += Format::kElements) {
        for (std::int64_t line = 0; line < block_bytes<Format>(); line += 64) {
          __builtin_prefetch(rows + kAhead + line);
        }
        add_block(rows, group.integers + b, part_sums<Format::kPart>(group.sums, b), sums);
        rows += block_bytes<Format>();
      }
      const Floats scale = V::floats(*group.scales);
      for (int v = 0; v < kVectors; ++v) {
        Floats sum = sums.products[v];
        if constexpr (Format::kMinima && !Format::kIntegerScales) {
          sum = V::subtract(sum, sums.minima[v]);
        }
        total[v] = V::multiply_add(sum, scale, total[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) V::store_floats(y + V::kLanes * v, total[v]);
  }
};

}  // namespace

}  // namespace orkestra::model
