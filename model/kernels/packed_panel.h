// Some vectors of rows times many tokens: the weights of 256 columns are unpacked into the cache,
// with their integer scales multiplied in, and used for all tokens from there. The order of sums is
// in packed_products.h. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_scales.h>

namespace orkestra::model {

namespace {

template <typename V, typename Format>
struct PanelTimesTokens {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kVectors = V::kPanelVectors;
  static constexpr int kRows = kVectors * V::kLanes;
  static constexpr int kPairs = Format::kPart / 2;
  static constexpr int kPartsOfBlock = Format::kElements / Format::kPart;

  // Weights that will be wanted when all tokens are through: fetched line by line meanwhile, since
  // all at once would keep everything else waiting.
  struct Ahead {
    const std::byte* at[kVectors];
    std::int64_t left;  // bytes of each

    [[gnu::always_inline]] void fetch() {
      if (left <= 0) return;
      left -= 64;
      for (const std::byte*& line : at) {
        __builtin_prefetch(line, 0, 2);
        line += 64;
      }
    }
  };

  // Up to 256 columns, unpacked; parts in the format's order.
  struct alignas(64) Panel {
    std::int16_t weights[kColumnGroup * kRows];  // [pair][row][2]
    GroupScales<V, Format, kRows> scales;
    int n_parts;
    Ahead ahead;
  };

  // Unpacks kLanes rows of one block as vector `v` of the panel.
  static void unpack_block(const std::byte* block, int first_row, int v, int first_part,
                           Panel& panel) {
    const Units<V> units{block + 4 * first_row};
    const Ints offset = V::pairs(Format::kOffset);
    const int row = V::kLanes * v;
    panel.scales.open(block, first_row, row, first_part);
    unrolled<0, Format::kChunks>([&](auto chunk) __attribute__((always_inline)) {
      constexpr int kChunk = decltype(chunk)::value;
      const int position = first_part + kChunk * Format::kSlots;
      Ints factors[Format::kSlots];
      if constexpr (Format::kIntegerScales) {
        for (int slot = 0; slot < Format::kSlots; ++slot) {
          factors[slot] = panel.scales.factor(first_part + Format::part(kChunk, slot), row);
        }
      }
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
      panel.ahead.at[v] = block_after<Format>(w, block, k, width);
      panel.ahead.left = width / Format::kElements * block_bytes<Format>();
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
  static void add_tokens(Panel& panel, const Group& x, float* totals) {
    Floats sums[kN][kVectors];
    for (int t = 0; t < kN; ++t) {
      for (int v = 0; v < kVectors; ++v) sums[t][v] = V::floats(0.0F);
    }
    if constexpr (!V::kSumsInRegisters) asm volatile("" : "+m"(sums));
    const std::int16_t* weights = panel.weights;
    for (int position = 0; position < panel.n_parts;) {
      panel.ahead.fetch();
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
            const float* scale =
                panel.scales.scales[kPartAt<Format>.at[position - 1]] + V::kLanes * v;
            sums[t][v] = V::multiply_add(sum, V::load_floats(scale), sums[t][v]);
          }
        }
      }
      if constexpr (!V::kSumsInRegisters) asm volatile("" : "+m"(sums));
    }
    panel.scales.template finish<kN, kVectors>(0, panel.n_parts, x, sums, totals, kRowBlock);
  }

  template <int kN>
  static void add_rest(std::int64_t n, Panel& panel, const Group& x, float* totals) {
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
        std::int64_t n = 0;
        for (std::int64_t t = begin; t < end; t += n) {
          // A last token by itself would wait for its own sums.
          n = end - t == V::kTile + 1 ? V::kTile - 1 : end - t < V::kTile ? end - t : V::kTile;
          add_rest<V::kTile>(n, panel, group_of(x, k, t),
                             totals + (t - begin) * kRowBlock + (row - row_begin));
        }
        while (panel.ahead.left > 0) panel.ahead.fetch();
      }
    }
    store_totals(totals, w.rows, row_begin, row_end, begin, end, y, y_stride);
  }
};

}  // namespace

}  // namespace orkestra::model
