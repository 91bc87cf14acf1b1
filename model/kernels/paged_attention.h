// Attention over pages of keys and values, each page read once for all rows that want it
// (online softmax: Milakov & Gimelshein 2018, Dao et al. 2022): one text over the vector types
// of avx2_attention.cpp and avx512_attention.cpp. Included by those files only; everything has
// internal linkage (avx2.h says why).
//
// A row's result depends on its own query and keys only: scores sum over the head's dimensions in
// order, one key a lane; pages follow each other by position; within a page weights are added in
// eight sums and values key by key. Vectors of 8 and of 16 lanes give the same bits.
#pragma once

#include <immintrin.h>
#include <orkestra/model/kernels/avx2_math.h>
#include <orkestra/model/kernels/kv_layout.h>

namespace orkestra::model {

namespace {

constexpr float kNoScore = -3e38F;  // the largest of no scores: finite, so that differences are

// Rows that share registers: at most V::kTile, in the order of positions.
template <typename V>
struct AttentionTile {
  int n_rows;
  float* q;                         // [head_dim, n_rows]
  float* scores;                    // [n_rows, kPageTokens]
  std::int64_t position[V::kTile];  // of the row's token
  float* partial[V::kTile];
  float largest[V::kLanes];  // score of each row so far
  float shrink[V::kLanes];   // what its earlier values are to be scaled by
  std::int64_t first;        // the keys of the page that any row of the tile sees: [first, last)
  std::int64_t last;
};

// 2 * V::kLanes lanes of a page's keys or values, as two vectors for each element.
struct Strips {
  const std::byte* from[2];    // as they are kept
  const std::byte* scales[2];  // of Q8_0
  float* floats[2];            // where they are or will be floats, an element every kStrip
};

// Elements that are floats already.
template <typename V>
struct Filled {
  const Strips& strips;
  typename V::Floats get(std::int64_t i, int n) const {
    return V::load(strips.floats[n] + i * kStrip);
  }
};

// Elements that become floats when they are first used, and stay there for who comes next.
template <typename V, bool kKeys, KvType kType>
struct Filling {
  const Strips& strips;
  typename V::Floats get(std::int64_t i, int n) const {
    typename V::Floats x;
    if constexpr (kType == KvType::kF16) {
      x = V::halves(strips.from[n] + i * kStrip * 2);
    } else {
      const typename V::Floats scale = kKeys
                                           ? V::halves(strips.scales[n] + i / kKvBlock * kStrip * 2)
                                           : V::half(strips.scales[n] + i * 2);
      x = V::multiply(V::bytes(strips.from[n] + i * kStrip), scale);
    }
    V::store(strips.floats[n] + i * kStrip, x);
    return x;
  }
};

// What is read next is fetched while this is computed: `step` bytes for each element.
struct Ahead {
  const std::byte* from;
  std::int64_t step;
  void fetch(std::int64_t i) const {
    const auto* at = reinterpret_cast<const char*>(from + i * step);
    _mm_prefetch(at, _MM_HINT_T0);
    _mm_prefetch(at + step / 2, _MM_HINT_T0);
  }
};

// scores[r, key] = q . k for 2 * V::kLanes keys from `at` on.
template <typename V, int kRows, typename Keys>
inline void score(const AttentionTile<V>& tile, const Keys& keys, std::int64_t head_dim,
                  std::int64_t at, const Ahead& ahead) {
  typename V::Floats sums[kRows][2];
  for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = V::zero();
  const float* q = tile.q;
  for (std::int64_t i = 0; i < head_dim; ++i) {
    ahead.fetch(i);
    const typename V::Floats first = keys.get(i, 0);
    const typename V::Floats second = keys.get(i, 1);
    for (int r = 0; r < kRows; ++r) {
      const typename V::Floats element = V::all(q[r]);
      sums[r][0] = V::multiply_add(element, first, sums[r][0]);
      sums[r][1] = V::multiply_add(element, second, sums[r][1]);
    }
    q += kRows;
  }
  for (int r = 0; r < kRows; ++r) {
    V::store(tile.scores + r * kPageTokens + at, sums[r][0]);
    V::store(tile.scores + r * kPageTokens + at + V::kLanes, sums[r][1]);
  }
}

// Scales a row's scores; those outside [first, last) count for nothing. The largest of them and of
// `largest`.
template <typename V>
inline float scale_row(float* scores, float scale, std::int64_t first, std::int64_t last,
                       float largest) {
  typename V::Floats top = V::all(-__builtin_inff());
  for (std::int64_t at = 0; at < kPageTokens; at += V::kLanes) {
    typename V::Floats x = V::multiply(V::load(scores + at), V::all(scale));
    if (first > 0 || last < kPageTokens) x = V::only(x, first - at, last - at);
    V::store(scores + at, x);
    top = V::max(top, x);
  }
  const float found = V::largest(top);
  return found > largest ? found : largest;
}

// Scores to weights, relative to the largest; returns their sum.
template <typename V>
inline float weigh_row(float* scores, float largest) {
  __m256 sum = _mm256_setzero_ps();
  for (std::int64_t at = 0; at < kPageTokens; at += V::kLanes) {
    const typename V::Floats weight = V::exp(V::subtract(V::load(scores + at), V::all(largest)));
    V::store(scores + at, weight);
    sum = V::add_eights(sum, weight);
  }
  return avx2::sum_lanes(sum);
}

// A page's scores to weights. A row's largest score and sum of weights so far are behind its
// partial values.
template <typename V>
inline void weigh(const AttentionArgs& args, std::int64_t page_first, std::int64_t end,
                  AttentionTile<V>& tile) {
  const std::int64_t width = padded(args.head_dim);
  tile.first = kPageTokens;
  tile.last = 0;
  V::store(tile.shrink, V::zero());
  for (int r = 0; r < tile.n_rows; ++r) {
    const std::int64_t position = tile.position[r];
    std::int64_t first = args.window > 0 ? position - args.window + 1 - page_first : 0;
    std::int64_t last = (position + 1 < end ? position + 1 : end) - page_first;
    first = first < 0 ? 0 : first > kPageTokens ? kPageTokens : first;
    last = last < 0 ? 0 : last > kPageTokens ? kPageTokens : last;
    tile.largest[r] = scale_row<V>(tile.scores + r * kPageTokens, args.scale, first, last,
                                   tile.partial[r][width]);
    tile.shrink[r] = tile.partial[r][width] - tile.largest[r];
    tile.first = first < tile.first ? first : tile.first;
    tile.last = last > tile.last ? last : tile.last;
  }
  V::store(tile.shrink, V::exp(V::load(tile.shrink)));
  for (int r = 0; r < tile.n_rows; ++r) {
    const float sum = weigh_row<V>(tile.scores + r * kPageTokens, tile.largest[r]);
    tile.partial[r][width] = tile.largest[r];
    tile.partial[r][width + 1] = tile.partial[r][width + 1] * tile.shrink[r] + sum;
  }
}

// partial[r] = shrink[r] * partial[r] + sum of weight * v, for kVectors vectors of dimensions from
// `at` on.
template <typename V, int kRows, int kVectors, typename Values>
inline void add_values(const AttentionTile<V>& tile, const Values& values, std::int64_t at,
                       const Ahead& ahead) {
  typename V::Floats sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int n = 0; n < kVectors; ++n) {
      sums[r][n] =
          V::multiply(V::load(tile.partial[r] + at + n * V::kLanes), V::all(tile.shrink[r]));
    }
  }
  for (std::int64_t j = tile.first; j < tile.last; ++j) {
    ahead.fetch(j);
    typename V::Floats value[kVectors];
    for (int n = 0; n < kVectors; ++n) value[n] = values.get(j, n);
    for (int r = 0; r < kRows; ++r) {
      const typename V::Floats weight = V::all(tile.scores[r * kPageTokens + j]);
      for (int n = 0; n < kVectors; ++n) {
        sums[r][n] = V::multiply_add(weight, value[n], sums[r][n]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int n = 0; n < kVectors; ++n) {
      V::store(tile.partial[r] + at + n * V::kLanes, sums[r][n]);
    }
  }
}

// The number of rows as a constant: work.template rows<kRows>() for the tile's.
template <int kRows, typename Work>
inline void with_rows(int n_rows, const Work& work) {
  if constexpr (kRows > 1) {
    if (n_rows < kRows) return with_rows<kRows - 1>(n_rows, work);
  }
  work.template rows<kRows>();
}

template <typename V, typename Keys>
struct ScoreWork {
  const AttentionTile<V>& tile;
  Keys keys;
  std::int64_t head_dim;
  std::int64_t at;
  const Ahead& ahead;
  template <int kRows>
  void rows() const {
    score<V, kRows>(tile, keys, head_dim, at, ahead);
  }
};

template <typename V, int kVectors, typename Values>
struct ValuesWork {
  const AttentionTile<V>& tile;
  Values values;
  std::int64_t at;
  const Ahead& ahead;
  template <int kRows>
  void rows() const {
    add_values<V, kRows, kVectors>(tile, values, at, ahead);
  }
};

inline std::int64_t bytes_of(KvType type) {
  return type == KvType::kF32 ? 4 : type == KvType::kF16 ? 2 : 1;
}

// The 2 * V::kLanes lanes that begin at lane `at` of the head's keys or values; a missing second
// strip is not pointed to.
template <typename V, bool kKeys>
inline Strips strips(const AttentionArgs& args, const std::byte* from, std::int64_t at,
                     float* scratch) {
  const std::int64_t n = kKeys ? args.head_dim : kPageTokens;
  const std::int64_t width = kKeys ? kPageTokens : padded(args.head_dim);
  const std::int64_t n_blocks = (args.head_dim + kKvBlock - 1) / kKvBlock;
  Strips result{};
  for (int v = 0; v < 2 && at + v * V::kLanes < width; ++v) {
    const std::int64_t index = (at + v * V::kLanes) / kStrip;
    const std::int64_t lane = (at + v * V::kLanes) % kStrip;
    const std::int64_t scale = kKeys ? index * n_blocks * kStrip + lane : index / 2 * kPageTokens;
    result.from[v] = from + (index * n * kStrip + lane) * bytes_of(args.type);
    result.scales[v] = from + width * n + scale * 2;
    result.floats[v] = args.type == KvType::kF32
                           ? reinterpret_cast<float*>(const_cast<std::byte*>(result.from[v]))
                           : scratch + (index - at / kStrip) * n * kStrip + lane;
  }
  return result;
}

// The first tile that is scored makes the keys floats, the others find them so.
template <typename V>
inline void score_tiles(const AttentionArgs& args, const Strips& keys, std::int64_t at,
                        const Ahead& ahead, const AttentionTile<V>* tiles, std::int64_t n_tiles) {
  const auto score_with = [&]<typename Keys>(const AttentionTile<V>& tile, const Keys& source) {
    with_rows<V::kTile>(tile.n_rows, ScoreWork<V, Keys>{tile, source, args.head_dim, at, ahead});
  };
  for (std::int64_t i = 0; i < n_tiles; ++i) {
    if (i > 0 || args.type == KvType::kF32) {
      score_with(tiles[i], Filled<V>{keys});
    } else if (args.type == KvType::kF16) {
      score_with(tiles[i], Filling<V, true, KvType::kF16>{keys});
    } else {
      score_with(tiles[i], Filling<V, true, KvType::kQ8_0>{keys});
    }
  }
}

template <typename V, int kVectors>
inline void add_tiles(const AttentionArgs& args, const Strips& values, std::int64_t at,
                      const Ahead& ahead, const AttentionTile<V>* tiles, std::int64_t n_tiles) {
  using Halves = Filling<V, false, KvType::kF16>;
  using Bytes = Filling<V, false, KvType::kQ8_0>;
  // The first tile makes those values floats that it sees; what only others see is made so before.
  bool ready = args.type == KvType::kF32;
  for (std::int64_t i = 1; i < n_tiles && !ready; ++i) {
    ready = tiles[i].first < tiles[0].first || tiles[i].last > tiles[0].last;
  }
  if (ready && args.type != KvType::kF32) {
    for (int n = 0; n < kVectors; ++n) {
      for (std::int64_t j = 0; j < kPageTokens; ++j) {
        args.type == KvType::kF16 ? Halves{values}.get(j, n) : Bytes{values}.get(j, n);
      }
    }
  }
  const auto add_with = [&]<typename Values>(const AttentionTile<V>& tile, const Values& source) {
    with_rows<V::kTile>(tile.n_rows, ValuesWork<V, kVectors, Values>{tile, source, at, ahead});
  };
  for (std::int64_t i = 0; i < n_tiles; ++i) {
    if (i > 0 || ready) {
      add_with(tiles[i], Filled<V>{values});
    } else if (args.type == KvType::kF16) {
      add_with(tiles[i], Halves{values});
    } else {
      add_with(tiles[i], Bytes{values});
    }
  }
}

// next: the page after it.
template <typename V>
void attend_page(const AttentionArgs& args, std::int64_t page_first, const std::byte* next,
                 std::int64_t end, AttentionTile<V>* tiles, std::int64_t n_tiles, float* scratch) {
  constexpr std::int64_t kBoth = 2 * V::kLanes;
  const std::byte* page = args.pages[page_first / kPageTokens];
  const std::int64_t width = padded(args.head_dim);
  const std::int64_t step = kBoth * bytes_of(args.type);
  for (std::int64_t at = 0; at < kPageTokens; at += kBoth) {
    const bool is_last = at + kBoth == kPageTokens;
    const Ahead ahead{
        is_last ? page + args.v_at : page + args.k_at + (at / kBoth + 1) * args.head_dim * step,
        step};
    score_tiles<V>(args, strips<V, true>(args, page + args.k_at, at, scratch), at, ahead, tiles,
                   n_tiles);
  }
  for (std::int64_t i = 0; i < n_tiles; ++i) weigh(args, page_first, end, tiles[i]);
  for (std::int64_t at = 0; at < width; at += kBoth) {
    const Strips values = strips<V, false>(args, page + args.v_at, at, scratch);
    const bool is_last = at + kBoth >= width;
    const Ahead ahead{
        is_last ? next + args.k_at : page + args.v_at + (at / kBoth + 1) * kPageTokens * step,
        is_last ? 2 * step : step};
    if (at + kBoth <= width) {
      add_tiles<V, 2>(args, values, at, ahead, tiles, n_tiles);
    } else {
      add_tiles<V, 1>(args, values, at, ahead, tiles, n_tiles);
    }
  }
}

// Rows [row_begin, row_end), at most kAttentionRows; partial: theirs.
template <typename V>
void attend_rows(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
                 std::int64_t key_begin, std::int64_t key_end, float* partial) {
  constexpr std::int64_t kMostTiles = (kAttentionRows + V::kTile - 1) / V::kTile;
  const std::int64_t width = padded(args.head_dim);
  const std::int64_t n_rows = row_end - row_begin;
  // Tiles of nearly equal size: no register idles in the last one.
  const std::int64_t n_tiles = (n_rows + V::kTile - 1) / V::kTile;
  AttentionTile<V> tiles[kMostTiles];
  float* scores = args.workspace + kAttentionRows * args.head_dim;
  float* scratch = scores + kAttentionRows * kPageTokens;
  for (std::int64_t i = 0; i < n_tiles; ++i) {
    AttentionTile<V>& tile = tiles[i];
    const std::int64_t begin = n_rows * i / n_tiles;
    tile.n_rows = static_cast<int>(n_rows * (i + 1) / n_tiles - begin);
    tile.q = args.workspace + begin * args.head_dim;
    tile.scores = scores + begin * kPageTokens;
    for (std::int64_t r = 0; r < tile.n_rows; ++r) {
      const std::int64_t row = row_begin + begin + r;
      const float* q =
          args.q + row / args.n_heads * args.q_stride + row % args.n_heads * args.head_dim;
      for (std::int64_t j = 0; j < args.head_dim; ++j) tile.q[j * tile.n_rows + r] = q[j];
      tile.position[r] = args.first + row / args.n_heads;
      tile.partial[r] = partial + (begin + r) * partial_size(args.head_dim);
      for (std::int64_t j = 0; j < width; j += V::kLanes) V::store(tile.partial[r] + j, V::zero());
      tile.partial[r][width] = kNoScore;
      tile.partial[r][width + 1] = 0.0F;
    }
  }
  for (std::int64_t page = key_begin; page < key_end; page += kPageTokens) {
    // Tiles are in the order of positions: those that see the page follow each other.
    std::int64_t begin = 0;
    while (begin < n_tiles && tiles[begin].position[tiles[begin].n_rows - 1] < page) ++begin;
    std::int64_t end = begin;
    while (end < n_tiles &&
           (args.window == 0 || page + kPageTokens > tiles[end].position[0] - args.window + 1)) {
      ++end;
    }
    if (begin == end) continue;
    const std::int64_t next = page + kPageTokens < key_end ? page + kPageTokens : page;
    attend_page<V>(args, page, args.pages[next / kPageTokens], key_end, tiles + begin, end - begin,
                   scratch);
  }
}

template <typename V>
void attend_in_turn(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t key_begin, std::int64_t key_end, float* partial) {
  for (std::int64_t row = row_begin; row < row_end; row += kAttentionRows) {
    const std::int64_t end = row + kAttentionRows < row_end ? row + kAttentionRows : row_end;
    attend_rows<V>(args, row, end, key_begin, key_end, partial);
    partial += (end - row) * partial_size(args.head_dim);
  }
}

}  // namespace

}  // namespace orkestra::model
