// Some vectors of rows times many tokens: the weights of 256 columns are unpacked into the cache,
// with their integer scales multiplied in, and used for all tokens from there. The order of sums is
// in packed_products.h. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_operands.h>

namespace orkestra::model {

namespace {

constexpr std::int64_t kTokenBlock = 512;  // tokens that share an unpacked panel
constexpr std::int64_t kRowBlock = 64;     // rows whose totals lie side by side

// Which part of a group of columns an unpacked panel holds at each position.
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

template <typename V, typename Format>
struct PanelTimesTokens {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kVectors = V::kPanelVectors;
  static constexpr int kRows = kVectors * V::kLanes;
  static constexpr int kPairs = Format::kPart / 2;
  static constexpr int kPartsOfBlock = Format::kElements / Format::kPart;
  static constexpr int kMostParts = kColumnGroup / Format::kPart;

  // Up to 256 columns, unpacked; parts in the format's order.
  struct alignas(64) Panel {
    std::int16_t weights[kColumnGroup * kRows];  // [pair][row][2]
    float scales[kMostParts][kRows];             // of formats without integer scales
    float minima[kMostParts][kRows];
    float d[kRows];  // of formats with integer scales
    float dmin[kRows];
    int n_parts;
  };

  // Unpacks kLanes rows of one block as vector `v` of the panel.
  static void unpack_block(const std::byte* block, int first_row, int v, int first_part,
                           Panel& panel) {
    const Units<V> units{block + 4 * first_row};
    const Format format = opened<V, Format>(block, first_row);
    const Ints offset = V::pairs(Format::kOffset);
    const int row = V::kLanes * v;
    unrolled<0, Format::kChunks>([&](auto chunk) __attribute__((always_inline)) {
      constexpr int kChunk = decltype(chunk)::value;
      const int position = first_part + kChunk * Format::kSlots;
      Ints factors[Format::kSlots];  // in both halves of a lane
      unrolled<0, Format::kSlots>([&](auto slot) __attribute__((always_inline)) {
        constexpr int kSlot = decltype(slot)::value;
        constexpr int kPart = Format::part(kChunk, kSlot);
        if constexpr (Format::kIntegerScales) {
          const Ints scale = format.template int_scale<kPart>();
          factors[kSlot] =
              V::either(V::both(scale, V::ints(0xFFFF)), V::template left32<16>(scale));
        } else {
          V::store_floats(panel.scales[position + kSlot] + row, format.template scale<kPart>());
        }
        if constexpr (Format::kMinima && Format::kIntegerScales) {
          V::store_floats(panel.minima[position + kSlot] + row,
                          V::to_floats(format.template int_minimum<kPart>()));
        } else if constexpr (Format::kMinima) {
          V::store_floats(panel.minima[position + kSlot] + row, format.template minimum<kPart>());
        }
      });
      unrolled<0, Format::kSteps>([&](auto i) __attribute__((always_inline)) {
        Format::template step<kChunk, decltype(i)::value>(
            units, [&](auto slot, auto pair, Ints w) __attribute__((always_inline)) {
              constexpr int kSlot = decltype(slot)::value;
              const int at = (position + kSlot) * kPairs + decltype(pair)::value;
              if constexpr (Format::kOffset != 0) w = V::subtract16(w, offset);
              if constexpr (Format::kIntegerScales) w = V::multiply16(w, factors[kSlot]);
              V::store(panel.weights + 2 * (kRows * at + row), w);
            });
      });
    });
    if constexpr (Format::kIntegerScales) {
      V::store_floats(panel.d + row, format.d);
      if constexpr (Format::kMinima) V::store_floats(panel.dmin + row, format.dmin);
    }
  }

  // Unpacks `width` columns from `k` on of rows [row, row + kRows); rows from row_end on get what
  // others have.
  static void unpack(const Matrix& w, std::int64_t row, std::int64_t row_end, std::int64_t k,
                     std::int64_t width, Panel& panel) {
    const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t first = row + V::kLanes * v < row_end ? row + V::kLanes * v : row;
      const std::byte* block = w.data + first / kPackedRows * group_bytes +
                               k / Format::kElements * block_bytes<Format>();
      panel.n_parts = 0;
      // The next columns' blocks, which are wanted when all tokens are through.
      for (std::int64_t line = 0; line < width / Format::kElements * block_bytes<Format>();
           line += 64) {
        __builtin_prefetch(block + width / Format::kElements * block_bytes<Format>() + line, 0, 2);
      }
      for (std::int64_t b = 0; b < width; b += Format::kElements) {
        unpack_block(block, static_cast<int>(first % kPackedRows), v, panel.n_parts, panel);
        block += block_bytes<Format>();
        panel.n_parts += kPartsOfBlock;
      }
    }
  }

  // totals[t] += scale * (panel times token), for the first kN tokens of the group. totals: kN
  // rows, kRowBlock apart.
  template <int kN>
  static void add_tokens(const Panel& panel, const Group& x, float* totals) {
    Floats sums[kN][kVectors];
    for (int t = 0; t < kN; ++t) {
      for (int v = 0; v < kVectors; ++v) sums[t][v] = V::floats(0.0F);
    }
    if constexpr (!V::kSumsInRegisters) asm volatile("" : "+m"(sums));
    const std::int16_t* weights = panel.weights;
    for (int position = 0; position < panel.n_parts;) {
      Ints exact[kN][kVectors];
      for (int t = 0; t < kN; ++t) {
        for (int v = 0; v < kVectors; ++v) exact[t][v] = V::ints(0);
      }
      for (int i = 0; i < Format::kRun; ++i, ++position) {
        const std::int16_t* first = x.integers + kPartAt<Format>.at[position] * Format::kPart;
#pragma GCC unroll 16
        for (int pair = 0; pair < kPairs; ++pair, weights += 2 * kRows) {
          Ints w[kVectors];
          for (int v = 0; v < kVectors; ++v) w[v] = V::fetch(weights + 2 * V::kLanes * v);
          for (int t = 0; t < kN; ++t) {
            const Ints value = V::fetch_pair(first + t * kColumnGroup + 2 * pair);
            for (int v = 0; v < kVectors; ++v) exact[t][v] = V::dot(exact[t][v], w[v], value);
          }
        }
      }
      for (int t = 0; t < kN; ++t) {
        for (int v = 0; v < kVectors; ++v) {
          const Floats sum = V::to_floats(exact[t][v]);
          if constexpr (Format::kIntegerScales) {
            sums[t][v] = V::add(sums[t][v], sum);
          } else {
            const float* scale = panel.scales[position - 1] + V::kLanes * v;
            sums[t][v] = V::multiply_add(sum, V::load_floats(scale), sums[t][v]);
          }
        }
      }
      if constexpr (!V::kSumsInRegisters) asm volatile("" : "+m"(sums));
    }
    if constexpr (Format::kIntegerScales) {
      for (int t = 0; t < kN; ++t) {
        for (int v = 0; v < kVectors; ++v) {
          sums[t][v] = V::multiply(sums[t][v], V::load_floats(panel.d + V::kLanes * v));
        }
      }
    }
    if constexpr (Format::kMinima) subtract_minima<kN>(panel, x, sums);
    for (int t = 0; t < kN; ++t) {
      const Floats scale = V::floats(x.scales[t]);
      for (int v = 0; v < kVectors; ++v) {
        float* total = totals + t * kRowBlock + V::kLanes * v;
        V::store_floats(total, V::multiply_add(sums[t][v], scale, V::load_floats(total)));
      }
    }
  }

  template <int kN>
  [[gnu::always_inline]] static void subtract_minima(const Panel& panel, const Group& x,
                                                     Floats (&sums)[kN][kVectors]) {
    const float* x_sums = part_sums<Format::kPart>(x.sums, 0);
    Floats minima[kN][kVectors];
    for (int t = 0; t < kN; ++t) {
      for (int v = 0; v < kVectors; ++v) minima[t][v] = V::floats(0.0F);
    }
    for (int position = 0; position < panel.n_parts; ++position) {
      const int part = kPartAt<Format>.at[position];
      for (int v = 0; v < kVectors; ++v) {
        const Floats minimum = V::load_floats(panel.minima[position] + V::kLanes * v);
        for (int t = 0; t < kN; ++t) {
          minima[t][v] =
              V::multiply_add(minimum, V::floats(x_sums[t * avx2::kSums + part]), minima[t][v]);
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      for (int t = 0; t < kN; ++t) {
        if constexpr (Format::kIntegerScales) {
          sums[t][v] = V::subtract_product(sums[t][v], minima[t][v],
                                           V::load_floats(panel.dmin + V::kLanes * v));
        } else {
          sums[t][v] = V::subtract(sums[t][v], minima[t][v]);
        }
      }
    }
  }

  template <int kN>
  static void add_rest(std::int64_t n, const Panel& panel, const Group& x, float* totals) {
    if (n == kN) return add_tokens<kN>(panel, x, totals);
    if constexpr (kN > 1) add_rest<kN - 1>(n, panel, x, totals);
  }

  // Rows [row_begin, row_end), at most kRowBlock, times tokens [begin, end), at most kTokenBlock.
  static void run(const Matrix& w, std::int64_t row_begin, std::int64_t row_end,
                  const avx2::Activations& x, std::int64_t begin, std::int64_t end, float* y,
                  std::int64_t y_stride) {
    Panel panel;
    alignas(64) float totals[kTokenBlock * kRowBlock];
    __builtin_memset(totals, 0,
                     sizeof(float) * static_cast<std::size_t>((end - begin) * kRowBlock));
    for (std::int64_t k = 0; k < w.cols; k += kColumnGroup) {
      for (std::int64_t row = row_begin; row < row_end; row += kRows) {
        unpack(w, row, row_end, k, group_width(w.cols, k), panel);
        for (std::int64_t t = begin; t < end; t += V::kTile) {
          const std::int64_t n = end - t < V::kTile ? end - t : V::kTile;
          add_rest<V::kTile>(n, panel, group_of(x, k, t),
                             totals + (t - begin) * kRowBlock + (row - row_begin));
        }
      }
    }
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t row = row_begin; row < row_end; row += kPackedRows) {
        store_rows(totals + (t - begin) * kRowBlock + (row - row_begin), y + t * y_stride + row,
                   w.rows - row);
      }
    }
  }
};

}  // namespace

}  // namespace orkestra::model
