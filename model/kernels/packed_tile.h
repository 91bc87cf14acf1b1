// A few tokens times some rows: the weights are unpacked in registers and used for all tokens of a
// tile from there, so nothing is stored but sums. For few tokens that beats a panel, whose storing
// they can't share out; it takes the 32 registers of AVX-512. The order of sums is in
// packed_products.h. Everything has internal linkage.
#pragma once

#include <orkestra/model/kernels/packed_scales.h>

namespace orkestra::model {

namespace {

template <typename V, typename Format>
struct TileTimesRows {
  using Ints = typename V::Ints;
  using Floats = typename V::Floats;
  static constexpr int kGroups = static_cast<int>(kRowBlock) / V::kLanes;  // vectors of a row block
  static constexpr int kPartsOfBlock = Format::kElements / Format::kPart;
  using Scales = GroupScales<V, Format, static_cast<int>(kRowBlock)>;

  // A tile of sixteen tokens goes through one vector of rows, with each number of the activations
  // an operand in memory; of up to eight through two vectors, so that a number is loaded once for
  // both. The former multiplies scales into weights half as often, but turns sums into floats
  // through memory more often: it pays where a run is long.
  static constexpr int kTile = Format::kIntegerScales && Format::kPart == 32 ? 16 : 8;
  static constexpr int vectors(int n_tokens) { return n_tokens > 8 ? 1 : 2; }
  // From here on a panel is faster.
  static constexpr std::int64_t kMostTokens = Format::kPart == 32 ? 32 : 8;

  // How many of the tokens left, at least two, are the next tile: never all but one.
  static constexpr std::int64_t tile_size(std::int64_t left) {
    if (kTile == 16 && left >= 16 && left != 17) return 16;
    if (left == 9) return 6;
    if (left >= 8) return 8;
    if (left == 5 || left == 7) return left / 2 + 1;
    return left;
  }

  // Slots of a chunk that are summed at the same time: those whose parts are one run's.
  static constexpr int kTogether =
      Format::kIntegerScales && Format::kRun >= Format::kSlots ? Format::kSlots : 1;
  static constexpr int kTurns = Format::kSlots / kTogether;
  static constexpr int kTurnsOfGroup = kColumnGroup / Format::kElements * Format::kChunks * kTurns;
  static constexpr int kStepsOfGroup = kTurnsOfGroup * Format::kSteps;
  static constexpr int kLinesOfGroup =
      kColumnGroup / Format::kElements * static_cast<int>(block_bytes<Format>()) / 64;
  // Lines that a step each doesn't cover, per turn.
  static constexpr int kMoreLines =
      kLinesOfGroup > kStepsOfGroup
          ? (kLinesOfGroup - kStepsOfGroup + kTurnsOfGroup - 1) / kTurnsOfGroup
          : 0;

  // Where a step fetches from what is wanted next: of the weights a line, and of the activations so
  // much that all steps of a row block fetch a tile.
  template <int kVectors>
  struct Ahead {
    const std::byte* weights[kVectors];
    const std::byte* x;

    [[gnu::always_inline]] void fetch_weights() {
      for (const std::byte*& line : weights) {
        __builtin_prefetch(line);
        line += 64;
      }
    }
    [[gnu::always_inline]] void fetch() {
      fetch_weights();
      __builtin_prefetch(x);
      x += 64 * 32 / kStepsOfGroup;
    }
  };

  // What add_tokens works on: `units` the blocks in hand of kVectors vectors of rows, which are the
  // row block's from `row` on; `part` the first part of the blocks in the group; `x` its integers.
  template <int kN, int kVectors>
  struct Tile {
    const Scales& scales;
    int row;
    const std::byte* units[kVectors];
    int part;
    const std::int16_t* x;
    Ahead<kVectors> ahead;
    Ints exact[kN][kVectors];
    using Unpacked = Ints[kVectors][Format::kSlots][Format::kPart / 2];

    // Unpacks the weights of step i + further, in slots [first, first + kTogether).
    template <int chunk, int first, int i>
    [[gnu::always_inline]] void unpack(int further, Unpacked& w) const {
      const Ints offset = V::pairs(Format::kOffset);
      unrolled<0, kVectors>([&](auto vector) __attribute__((always_inline)) {
        constexpr int v = decltype(vector)::value;
        Format::template step<chunk, i>(
            Units<V>{units[v] + 64 * further}, [&](auto slot, auto pair,
                                                   Ints weights) __attribute__((always_inline)) {
              constexpr int kSlot = decltype(slot)::value;
              if constexpr (kSlot >= first && kSlot < first + kTogether) {
                if constexpr (Format::kOffset != 0) weights = V::subtract16(weights, offset);
                if constexpr (Format::kIntegerScales) {
                  weights = V::multiply16(
                      weights, scales.factor(Format::part(chunk, kSlot), row + V::kLanes * v));
                }
                w[v][kSlot][decltype(pair)::value] = weights;
              }
            });
      });
    }

    // Multiplies what step i + further unpacked with all tokens.
    template <int chunk, int first, int i>
    [[gnu::always_inline]] void multiply(int further, const Unpacked& w) {
      Format::template step<chunk, i>(
          Units<V>{units[0]}, [&](auto slot, auto pair, Ints) __attribute__((always_inline)) {
            constexpr int kSlot = decltype(slot)::value;
            constexpr int kPair = decltype(pair)::value;
            if constexpr (kSlot >= first && kSlot < first + kTogether) {
              constexpr int kAt = Format::part(chunk, kSlot) * Format::kPart + 2 * kPair;
#pragma GCC unroll 16
              for (int t = 0; t < kN; ++t) {
                const std::int16_t* two = x + kAt + 4 * further + t * kColumnGroup;
                if constexpr (kVectors == 1) {
                  exact[t][0] = V::dot_pair(exact[t][0], w[0][kSlot][kPair], two);
                } else {
                  const Ints value = V::fetch_pair(two);
#pragma GCC unroll 2
                  for (int v = 0; v < kVectors; ++v) {
                    exact[t][v] = V::dot(exact[t][v], w[v][kSlot][kPair], value);
                  }
                }
              }
            }
          });
    }

    // Adds slots [first, first + kTogether) of a chunk. Where registers allow it, the next step is
    // unpacked before the one in hand is multiplied: multiplying would hold that up.
    template <int chunk, int first>
    [[gnu::always_inline]] void add_slots() {
      Unpacked w;
      for (int i = 0; i < kMoreLines; ++i) ahead.fetch_weights();
      if constexpr (Format::kStepsAlike && kVectors == 1) {
        unpack<chunk, first, 0>(0, w);
#pragma GCC unroll 1
        for (int further = 0; further < Format::kSteps; ++further) {
          ahead.fetch();
          Unpacked next;
          unpack<chunk, first, 0>(further + 1 < Format::kSteps ? further + 1 : further, next);
          multiply<chunk, first, 0>(further, w);
          __builtin_memcpy(&w, &next, sizeof w);
        }
      } else if constexpr (Format::kStepsAlike) {
#pragma GCC unroll 1
        for (int further = 0; further < Format::kSteps; ++further) {
          ahead.fetch();
          unpack<chunk, first, 0>(further, w);
          multiply<chunk, first, 0>(further, w);
        }
      } else {
        unrolled<0, Format::kSteps>([&](auto i) __attribute__((always_inline)) {
          constexpr int kStep = decltype(i)::value;
          ahead.fetch();
          unpack<chunk, first, kStep>(0, w);
          multiply<chunk, first, kStep>(0, w);
        });
      }
    }

    // Adds a block.
    [[gnu::always_inline]] void add_block(Floats (&sums)[kN][kVectors]) {
      unrolled<0, Format::kChunks * kTurns>([&](auto turn) __attribute__((always_inline)) {
        constexpr int kChunk = decltype(turn)::value / kTurns;
        constexpr int kFirst = decltype(turn)::value % kTurns * kTogether;
        constexpr int kPosition = kChunk * Format::kSlots + kFirst;
        if constexpr (kPosition % Format::kRun == 0) {
#pragma GCC unroll 16
          for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 2
            for (int v = 0; v < kVectors; ++v) exact[t][v] = V::ints(0);
          }
        }
        add_slots<kChunk, kFirst>();
        if constexpr ((kPosition + kTogether) % Format::kRun == 0) {
          add_run(part + Format::part(kChunk, kFirst), sums);
          asm volatile("" : "+m"(sums));  // there are no registers for them
        }
      });
    }

    // The exact sums into the float sums. part: of the scale, where a run is one part.
    [[gnu::always_inline]] void add_run(int its_part, Floats (&sums)[kN][kVectors]) {
#pragma GCC unroll 16
      for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          const Floats sum = V::to_floats(exact[t][v]);
          if constexpr (Format::kIntegerScales) {
            sums[t][v] = V::add(sums[t][v], sum);
          } else {
            const float* scale = scales.scales[its_part] + row + V::kLanes * v;
            sums[t][v] = V::multiply_add(sum, V::load_floats(scale), sums[t][v]);
          }
        }
      }
    }
  };

  // A row block's vectors over a group of columns.
  struct Weights {
    Scales scales;
    int n_vectors;                    // filled up to an even number
    std::int64_t n_blocks;            // of each
    const std::byte* units[kGroups];  // where they begin
    const std::byte* next[kGroups];   // and what is wanted after them
  };

  // totals[t] += scale * (rows times token), for the first kN tokens of the group and the vectors
  // from `vector` on. x_ahead: the activations wanted next.
  template <int kN, int kVectors>
  [[gnu::noinline]] static void add_tokens(const Weights& weights, int vector, const Group& x,
                                           const std::byte* x_ahead, float* totals) {
    Floats sums[kN][kVectors];
#pragma GCC unroll 16
    for (int t = 0; t < kN; ++t) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[t][v] = V::floats(0.0F);
    }
    asm volatile("" : "+m"(sums));
    Tile<kN, kVectors> tile{.scales = weights.scales,
                            .row = V::kLanes * vector,
                            .units = {},
                            .part = 0,
                            .x = x.integers,
                            .ahead = {},
                            .exact = {}};
    for (int v = 0; v < kVectors; ++v) {
      tile.units[v] = weights.units[vector + v];
      tile.ahead.weights[v] = weights.next[vector + v];
    }
    tile.ahead.x = x_ahead + 64 * 32 / kVectors * vector;
    for (std::int64_t b = 0; b < weights.n_blocks; ++b) {
      tile.add_block(sums);
      tile.part += kPartsOfBlock;
      tile.x += Format::kElements;
      for (const std::byte*& block : tile.units) block += block_bytes<Format>();
    }
    weights.scales.template finish<kN, kVectors>(tile.row, tile.part, x, sums, totals + tile.row,
                                                 kRowBlock);
  }

  template <int kN>
  static void add_tile(std::int64_t n, const Weights& weights, const Group& x,
                       const std::byte* x_ahead, float* totals) {
    if (n == kN) {
      for (int vector = 0; vector < weights.n_vectors; vector += vectors(kN)) {
        add_tokens<kN, vectors(kN)>(weights, vector, x, x_ahead, totals);
      }
    } else if constexpr (kN > 2) {
      constexpr int kNext = kN == 16 ? 8 : kN == 8 ? 6 : kN == 6 ? 4 : kN - 1;
      add_tile<kNext>(n, weights, x, x_ahead, totals);
    }
  }

  // Rows [row_begin, row_end), at most kRowBlock, times all tokens, at most kMostTokens.
  static void run(const Matrix& w, std::int64_t row_begin, std::int64_t row_end,
                  const avx2::Activations& x, float* y, std::int64_t y_stride) {
    Weights weights;
    weights.n_vectors =
        static_cast<int>((row_end - row_begin + 2 * V::kLanes - 1) / (2 * V::kLanes) * 2);
    alignas(64) float totals[kMostTokens * kRowBlock] = {};
    const std::int64_t group_bytes = w.cols / Format::kElements * block_bytes<Format>();
    for (std::int64_t k = 0; k < w.cols; k += kColumnGroup) {
      const std::int64_t width = group_width(w.cols, k);
      weights.n_blocks = width / Format::kElements;
      for (int v = 0; v < weights.n_vectors; ++v) {
        // Rows from row_end on get what others have.
        const std::int64_t row = row_begin + V::kLanes * v;
        const std::int64_t from = row < row_end ? row : row_begin;
        const std::byte* block = w.data + from / kPackedRows * group_bytes +
                                 k / Format::kElements * block_bytes<Format>();
        const int first_row = static_cast<int>(from % kPackedRows);
        weights.units[v] = block + 4 * first_row;
        weights.next[v] = block_after<Format>(w, block, k, width) + 4 * first_row;
        for (int b = 0; b < weights.n_blocks; ++b, block += block_bytes<Format>()) {
          weights.scales.open(block, first_row, V::kLanes * v, b * kPartsOfBlock);
        }
      }
      for (std::int64_t t = 0; t < x.n_tokens;) {
        const std::int64_t n = tile_size(x.n_tokens - t);
        const std::int64_t next = t + n < x.n_tokens ? t + n : 0;
        const Group wanted = group_of(x, next > 0 ? k : k + kColumnGroup, next);
        add_tile<kTile>(n, weights, group_of(x, k, t),
                        reinterpret_cast<const std::byte*>(wanted.integers),
                        totals + t * kRowBlock);
        t += n;
      }
    }
    store_totals(totals, w.rows, row_begin, row_end, 0, x.n_tokens, y, y_stride);
  }
};

}  // namespace

}  // namespace orkestra::model
