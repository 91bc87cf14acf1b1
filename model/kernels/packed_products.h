// Products of packed quantised weights (packing.h) with activations of 16 bits, over V, the vectors
// of an instruction set. Included by the quantised kernel files; everything has internal linkage.
//
// Output rows lie in the lanes, so every element is reduced by itself, in this order whatever the
// call's tokens and rows and whatever the width of a vector: for each group of 256 columns, for
// each part in the format's order, an exact integer sum, one FMA by the part's scale, one FMA by
// its minimum; then one FMA by the group's activation scale into the total.
//
// One token streams through the weights once, unpacking in registers. For several, the weights of
// two vectors of rows and 256 columns are unpacked into the cache and used for all tokens from
// there.
#pragma once

#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/packed_formats.h>

namespace orkestra::model {

namespace {

constexpr int kColumnGroup = avx2::kActivationGroup;
constexpr int kSumColumns = avx2::kSumBlock;
constexpr int kPackedRows = 16;
constexpr std::int64_t kTokenBlock = 128;  // tokens that share an unpacked panel

// Where the activations of one token begin.
struct Token {
  const std::int16_t* integers;
  const float* scales;
  const std::int32_t* sums;
};

inline Token token_of(const avx2::Activations& x, std::int64_t t) {
  const std::int64_t groups = (x.cols + kColumnGroup - 1) / kColumnGroup;
  return {x.integers + t * x.cols, x.scales + t * groups, x.sums + t * (x.cols / kSumColumns)};
}

// The sum of the integers of part `p`, `part` long, of the block whose sums begin at `sums`.
template <int part>
inline std::int32_t part_sum(const std::int32_t* sums, int p) {
  static_assert(part == kSumColumns || part == 2 * kSumColumns);
  return part == kSumColumns ? sums[p] : sums[2 * p] + sums[2 * p + 1];
}

template <typename Format>
constexpr std::int64_t block_bytes() {
  return kPackedRows * (4 * Format::kUnits + (Format::kOddHalf ? 2 : 0));
}

// kLanes rows of a packed block, from row `first` on.
template <typename V, typename Format>
inline Format opened(const std::byte* block, int first) {
  return Format(Units<V>{block + 4 * first}, block + 64 * Format::kUnits + 2 * first);
}

template <typename V>
inline typename V::Ints pair_of(const std::int16_t* x, int pair) {
  std::int32_t two;
  __builtin_memcpy(&two, x + 2 * pair, sizeof two);
  return V::ints(two);
}

// The first `n` of sixteen sums to y.
inline void store_rows(const float* sums, float* y, std::int64_t n) {
  if (n >= kPackedRows) {
    __builtin_memcpy(y, sums, kPackedRows * sizeof(float));
  } else {
    for (std::int64_t r = 0; r < n; ++r) y[r] = sums[r];
  }
}

// The sixteen rows of a group times one token.
template <typename V, typename Format>
struct RowsTimesToken {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kVectors = kPackedRows / V::kLanes;

  // sums[v] += the block's products, unscaled by the token's scale.
  [[gnu::always_inline]] static void add_block(const std::byte* block, const std::int16_t* x,
                                               const std::int32_t* x_sums, Floats* sums) {
    unrolled<0, Format::kChunks>([&](auto chunk) __attribute__((always_inline)) {
      constexpr int kChunk = decltype(chunk)::value;
      Ints exact[kVectors][Format::kSlots][V::kChains];
      for (int slot = 0; slot < Format::kSlots; ++slot) {
        const int correction =
            Format::kOffset == 0
                ? 0
                : -Format::kOffset * part_sum<Format::kPart>(x_sums, Format::part(kChunk, slot));
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
        constexpr int kPart = Format::part(kChunk, kSlot);
        for (int v = 0; v < kVectors; ++v) {
          const Format format = opened<V, Format>(block, V::kLanes * v);
          Ints sum = exact[v][kSlot][0];
          for (int chain = 1; chain < V::kChains; ++chain) {
            sum = V::add32(sum, exact[v][kSlot][chain]);
          }
          sums[v] = V::multiply_add(V::to_floats(sum), format.template scale<kPart>(), sums[v]);
          if constexpr (Format::kMinima) {
            const auto x_sum = static_cast<float>(part_sum<Format::kPart>(x_sums, kPart));
            sums[v] =
                V::subtract_product(sums[v], format.template minimum<kPart>(), V::floats(x_sum));
          }
        }
      });
    });
  }

  // y: [16]
  static void run(const std::byte* rows, std::int64_t cols, const Token& x, float* y) {
    constexpr std::int64_t kAhead = 4096;  // bytes; the processor's own prefetch stops at pages
    Floats total[kVectors];
    for (Floats& t : total) t = V::floats(0.0F);
    for (std::int64_t k = 0; k < cols; k += kColumnGroup) {
      const std::int64_t end = k + kColumnGroup < cols ? k + kColumnGroup : cols;
      Floats sums[kVectors];
      for (Floats& sum : sums) sum = V::floats(0.0F);
      for (std::int64_t b = k; b < end; b += Format::kElements) {
        for (std::int64_t line = 0; line < block_bytes<Format>(); line += 64) {
          __builtin_prefetch(rows + kAhead + line);
        }
        add_block(rows, x.integers + b, x.sums + b / kSumColumns, sums);
        rows += block_bytes<Format>();
      }
      const Floats scale = V::floats(x.scales[k / kColumnGroup]);
      for (int v = 0; v < kVectors; ++v) total[v] = V::multiply_add(sums[v], scale, total[v]);
    }
    for (int v = 0; v < kVectors; ++v) V::store_floats(y + V::kLanes * v, total[v]);
  }
};

// Two vectors of rows times many tokens.
template <typename V, typename Format>
struct PanelTimesTokens {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kVectors = 2;
  static constexpr int kRows = kVectors * V::kLanes;
  static constexpr int kPanels = 64 / kRows;  // whose totals lie side by side
  static constexpr int kPairs = Format::kPart / 2;
  static constexpr int kPartsOfBlock = Format::kElements / Format::kPart;

  // Up to 256 columns, unpacked; parts in the format's order.
  struct alignas(64) Panel {
    std::int16_t weights[kColumnGroup * kRows];  // [pair][row][2]
    float scales[kColumnGroup / kSumColumns][kRows];
    float minima[kColumnGroup / kSumColumns][kRows];
    int n_parts;
  };

  // Unpacks kLanes rows of one block as vector `v` of the panel.
  static void unpack_block(const std::byte* block, int first_row, int v, int first_part,
                           Panel& panel) {
    const Units<V> units{block + 4 * first_row};
    const Format format = opened<V, Format>(block, first_row);
    const Ints offset = V::pairs(Format::kOffset);
    unrolled<0, Format::kChunks>([&](auto chunk) __attribute__((always_inline)) {
      constexpr int kChunk = decltype(chunk)::value;
      const int position = first_part + kChunk * Format::kSlots;
      unrolled<0, Format::kSteps>([&](auto i) __attribute__((always_inline)) {
        Format::template step<kChunk, decltype(i)::value>(
            units, [&](auto slot, auto pair, Ints w) __attribute__((always_inline)) {
              const int at = (position + decltype(slot)::value) * kPairs + decltype(pair)::value;
              V::store(panel.weights + 2 * (kRows * at + V::kLanes * v),
                       Format::kOffset == 0 ? w : V::subtract16(w, offset));
            });
      });
      unrolled<0, Format::kSlots>([&](auto slot) __attribute__((always_inline)) {
        constexpr int kSlot = decltype(slot)::value;
        constexpr int kPart = Format::part(kChunk, kSlot);
        V::store_floats(panel.scales[position + kSlot] + V::kLanes * v,
                        format.template scale<kPart>());
        if constexpr (Format::kMinima) {
          V::store_floats(panel.minima[position + kSlot] + V::kLanes * v,
                          format.template minimum<kPart>());
        }
      });
    });
  }

  // Unpacks columns [k, k_end) of rows [row, row + kRows); rows from row_end on get what others
  // have.
  static void unpack(const Matrix& w, std::int64_t row, std::int64_t row_end, std::int64_t k,
                     std::int64_t k_end, Panel& panel) {
    const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t first = row + V::kLanes * v < row_end ? row + V::kLanes * v : row;
      const std::byte* block = w.data + first / kPackedRows * group_bytes +
                               k / Format::kElements * block_bytes<Format>();
      panel.n_parts = 0;
      for (std::int64_t b = k; b < k_end; b += Format::kElements) {
        unpack_block(block, static_cast<int>(first % kPackedRows), v, panel.n_parts, panel);
        block += block_bytes<Format>();
        panel.n_parts += kPartsOfBlock;
      }
    }
  }

  // totals[t] += scale * (panel times token), for kN tokens. totals: kN rows, `stride` apart.
  template <int kN>
  static void add_tokens(const Panel& panel, std::int64_t k, const Token* tokens, float* totals,
                         std::int64_t stride) {
    // In memory on purpose: the registers are for the integer sums.
    alignas(64) float sums[kN][kRows];
    for (int t = 0; t < kN; ++t) {
      for (int v = 0; v < kVectors; ++v) {
        V::store_floats(sums[t] + V::kLanes * v, V::floats(0.0F));
      }
    }
    for (int position = 0; position < panel.n_parts; ++position) {
      const int in_block = position % kPartsOfBlock;
      const int part =
          position - in_block + Format::part(in_block / Format::kSlots, in_block % Format::kSlots);
      const std::int64_t first = k + part * Format::kPart;
      Ints exact[kN][kVectors];
      for (int t = 0; t < kN; ++t) {
        for (int v = 0; v < kVectors; ++v) exact[t][v] = V::ints(0);
      }
      const std::int16_t* weights = panel.weights + 2 * kRows * kPairs * position;
#pragma GCC unroll 4
      for (int pair = 0; pair < kPairs; ++pair, weights += 2 * kRows) {
        const Ints w0 = V::load(weights);
        const Ints w1 = V::load(weights + 2 * V::kLanes);
        for (int t = 0; t < kN; ++t) {
          const Ints x = pair_of<V>(tokens[t].integers + first, pair);
          exact[t][0] = V::dot(exact[t][0], w0, x);
          exact[t][1] = V::dot(exact[t][1], w1, x);
        }
      }
      for (int t = 0; t < kN; ++t) {
        Floats x_sum{};
        if constexpr (Format::kMinima) {
          x_sum = V::floats(
              static_cast<float>(part_sum<Format::kPart>(tokens[t].sums + k / kSumColumns, part)));
        }
        for (int v = 0; v < kVectors; ++v) {
          float* at = sums[t] + V::kLanes * v;
          const float* scale = panel.scales[position] + V::kLanes * v;
          Floats sum =
              V::multiply_add(V::to_floats(exact[t][v]), V::load_floats(scale), V::load_floats(at));
          if constexpr (Format::kMinima) {
            const float* minimum = panel.minima[position] + V::kLanes * v;
            sum = V::subtract_product(sum, V::load_floats(minimum), x_sum);
          }
          V::store_floats(at, sum);
        }
      }
      asm volatile("" ::: "memory");
    }
    for (int t = 0; t < kN; ++t) {
      const Floats scale = V::floats(tokens[t].scales[k / kColumnGroup]);
      for (int v = 0; v < kVectors; ++v) {
        float* total = totals + t * stride + V::kLanes * v;
        V::store_floats(total, V::multiply_add(V::load_floats(sums[t] + V::kLanes * v), scale,
                                               V::load_floats(total)));
      }
    }
  }

  template <int kN>
  static void add_rest(std::int64_t n, const Panel& panel, std::int64_t k, const Token* tokens,
                       float* totals, std::int64_t stride) {
    if (n == kN) return add_tokens<kN>(panel, k, tokens, totals, stride);
    if constexpr (kN > 1) add_rest<kN - 1>(n, panel, k, tokens, totals, stride);
  }

  // Rows [row_begin, row_end), at most 64, times tokens [begin, end), at most kTokenBlock.
  static void run(const Matrix& w, std::int64_t row_begin, std::int64_t row_end,
                  const avx2::Activations& x, std::int64_t begin, std::int64_t end, float* y,
                  std::int64_t y_stride) {
    constexpr std::int64_t kStride = kPanels * kRows;
    Panel panel;
    alignas(64) float totals[kTokenBlock * kStride];
    __builtin_memset(totals, 0, sizeof(float) * static_cast<std::size_t>((end - begin) * kStride));
    for (std::int64_t k = 0; k < w.cols; k += kColumnGroup) {
      const std::int64_t k_end = k + kColumnGroup < w.cols ? k + kColumnGroup : w.cols;
      for (std::int64_t row = row_begin; row < row_end; row += kRows) {
        unpack(w, row, row_end, k, k_end, panel);
        for (std::int64_t t = begin; t < end; t += V::kTile) {
          const std::int64_t n = end - t < V::kTile ? end - t : V::kTile;
          Token tokens[V::kTile];
          for (std::int64_t i = 0; i < n; ++i) tokens[i] = token_of(x, t + i);
          add_rest<V::kTile>(n, panel, k, tokens,
                             totals + (t - begin) * kStride + (row - row_begin), kStride);
        }
      }
    }
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t row = row_begin; row < row_end; row += kPackedRows) {
        store_rows(totals + (t - begin) * kStride + (row - row_begin), y + t * y_stride + row,
                   w.rows - row);
      }
    }
  }
};

template <typename V, typename Format>
void multiply_rows(const Matrix& w, const avx2::Activations& x, float* y, std::int64_t y_stride,
                   std::int64_t row_begin, std::int64_t row_end) {
  if (x.n_tokens == 1) {
    const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
    for (std::int64_t row = row_begin; row < row_end; row += kPackedRows) {
      float sums[kPackedRows];
      RowsTimesToken<V, Format>::run(w.data + row / kPackedRows * group_bytes, w.cols,
                                     token_of(x, 0), sums);
      store_rows(sums, y + row, w.rows - row);
    }
    return;
  }
  for (std::int64_t t = 0; t < x.n_tokens; t += kTokenBlock) {
    const std::int64_t t_end = t + kTokenBlock < x.n_tokens ? t + kTokenBlock : x.n_tokens;
    for (std::int64_t row = row_begin; row < row_end; row += 64) {
      PanelTimesTokens<V, Format>::run(w, row, row + 64 < row_end ? row + 64 : row_end, x, t, t_end,
                                       y, y_stride);
    }
  }
}

// Products of any quantised type.
template <typename V>
void multiply_quantised(const Matrix& w, const avx2::Activations& x, float* y,
                        std::int64_t y_stride, std::int64_t row_begin, std::int64_t row_end) {
  switch (w.type) {
    case TensorType::kQ8_0:
      return multiply_rows<V, FormatQ8_0<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ5_0:
      return multiply_rows<V, FormatQ5_0<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ4_K:
      return multiply_rows<V, FormatQ4_K<V>>(w, x, y, y_stride, row_begin, row_end);
    case TensorType::kQ6_K:
      return multiply_rows<V, FormatQ6_K<V>>(w, x, y, y_stride, row_begin, row_end);
    default:
      return;  // not this function's: x86_kernels.cpp
  }
}

}  // namespace

}  // namespace orkestra::model
