// Attention over pages of keys and values, each page read once for all rows that want it
// (online softmax: Milakov & Gimelshein 2018, Dao et al. 2022).
//
// A row's result depends on its own query and keys only: scores sum over the head's dimensions in
// order, one key a lane; pages follow each other by position; within a page weights are added lane
// by lane and values key by key.

#include <immintrin.h>
#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/avx2_math.h>

namespace orkestra::model::avx2 {

namespace {

constexpr std::int64_t kPageVectors = kPageTokens / kLanes;
constexpr int kTile = 6;            // rows whose sums are in registers together
constexpr float kNoScore = -3e38F;  // the largest of no scores: finite, so that differences are

// Some rows of one call.
struct Rows {
  const float* q[kTile];         // [head_dim]
  std::int64_t position[kTile];  // of the token
  float* partial[kTile];
};

inline float exp1(float x) {
  return _mm_cvtss_f32(_mm256_castps256_ps128(exp8(_mm256_set1_ps(x))));
}

inline float largest_lane(__m256 v) {
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
}

// scores[r][key] = scale * (q . k) for the whole page.
template <int kRows>
inline void score_page(const AttentionArgs& args, const Rows& rows, const float* k,
                       float (*scores)[kPageTokens]) {
  const __m256 scale = _mm256_set1_ps(args.scale);
  for (std::int64_t j = 0; j < kPageTokens; j += 2 * kLanes) {
    __m256 sums[kRows][2];
    for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
    for (std::int64_t i = 0; i < args.head_dim; ++i) {
      const __m256 first = _mm256_loadu_ps(k + i * kPageTokens + j);
      const __m256 second = _mm256_loadu_ps(k + i * kPageTokens + j + kLanes);
      for (int r = 0; r < kRows; ++r) {
        const __m256 q = _mm256_set1_ps(rows.q[r][i]);
        sums[r][0] = _mm256_fmadd_ps(q, first, sums[r][0]);
        sums[r][1] = _mm256_fmadd_ps(q, second, sums[r][1]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      _mm256_store_ps(scores[r] + j, _mm256_mul_ps(sums[r][0], scale));
      _mm256_store_ps(scores[r] + j + kLanes, _mm256_mul_ps(sums[r][1], scale));
    }
  }
}

// Scores to weights, for keys [first, last) of the page; the others weigh nothing. Updates the
// row's largest score and sum of weights; returns what its earlier values must be scaled by.
inline float weigh_row(float* scores, std::int64_t first, std::int64_t last, float* state) {
  const __m256 nothing = _mm256_set1_ps(-__builtin_inff());
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i low = _mm256_set1_epi32(static_cast<int>(first) - 1);
  const __m256i high = _mm256_set1_epi32(static_cast<int>(last));
  __m256 row[kPageVectors];
  __m256 top = nothing;
  for (std::int64_t v = 0; v < kPageVectors; ++v) {
    const __m256i key = _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<int>(v * kLanes)));
    const __m256i inside =
        _mm256_and_si256(_mm256_cmpgt_epi32(key, low), _mm256_cmpgt_epi32(high, key));
    row[v] =
        _mm256_blendv_ps(nothing, _mm256_load_ps(scores + v * kLanes), _mm256_castsi256_ps(inside));
    top = _mm256_max_ps(top, row[v]);
  }
  const float found = largest_lane(top);
  const float largest = found > state[0] ? found : state[0];
  const float shrink = exp1(state[0] - largest);
  __m256 sum = _mm256_setzero_ps();
  for (std::int64_t v = 0; v < kPageVectors; ++v) {
    const __m256 weight = exp8(_mm256_sub_ps(row[v], _mm256_set1_ps(largest)));
    _mm256_store_ps(scores + v * kLanes, weight);
    sum = _mm256_add_ps(sum, weight);
  }
  state[0] = largest;
  state[1] = state[1] * shrink + sum_lanes(sum);
  return shrink;
}

// values[r] = shrink[r] * values[r] + sum of weight * v over keys [first, last) of the page.
template <int kRows, int kVectors>
inline void add_values(const Rows& rows, const float (*weights)[kPageTokens], const float* shrink,
                       const float* v, std::int64_t width, std::int64_t at, std::int64_t first,
                       std::int64_t last) {
  __m256 sums[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int n = 0; n < kVectors; ++n) {
      sums[r][n] = _mm256_mul_ps(_mm256_loadu_ps(rows.partial[r] + at + n * kLanes),
                                 _mm256_set1_ps(shrink[r]));
    }
  }
  for (std::int64_t j = first; j < last; ++j) {
    __m256 value[kVectors];
    for (int n = 0; n < kVectors; ++n) value[n] = _mm256_loadu_ps(v + j * width + at + n * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const __m256 weight = _mm256_set1_ps(weights[r][j]);
      for (int n = 0; n < kVectors; ++n) {
        sums[r][n] = _mm256_fmadd_ps(weight, value[n], sums[r][n]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int n = 0; n < kVectors; ++n) {
      _mm256_storeu_ps(rows.partial[r] + at + n * kLanes, sums[r][n]);
    }
  }
}

// One page for kRows rows. begin, end: the keys of the page that the call is about.
template <int kRows>
void attend_page(const AttentionArgs& args, const Rows& rows, std::int64_t page_first,
                 std::int64_t end) {
  const float* page = args.pages[page_first / kPageTokens];
  const std::int64_t width = padded(args.head_dim);
  alignas(32) float scores[kRows][kPageTokens];
  float shrink[kRows];
  score_page<kRows>(args, rows, page + args.k_at, scores);
  std::int64_t lowest = kPageTokens;
  std::int64_t highest = 0;
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t position = rows.position[r];
    std::int64_t first = args.window > 0 ? position - args.window + 1 - page_first : 0;
    std::int64_t last = (position + 1 < end ? position + 1 : end) - page_first;
    first = first < 0 ? 0 : first > kPageTokens ? kPageTokens : first;
    last = last < 0 ? 0 : last > kPageTokens ? kPageTokens : last;
    shrink[r] = weigh_row(scores[r], first, last, rows.partial[r] + width);
    lowest = first < lowest ? first : lowest;
    highest = last > highest ? last : highest;
  }
  std::int64_t at = 0;
  for (; at + 2 * kLanes <= width; at += 2 * kLanes) {
    add_values<kRows, 2>(rows, scores, shrink, page + args.v_at, width, at, lowest, highest);
  }
  if (at < width) {
    add_values<kRows, 1>(rows, scores, shrink, page + args.v_at, width, at, lowest, highest);
  }
}

void attend_page(int n_rows, const AttentionArgs& args, const Rows& rows, std::int64_t page_first,
                 std::int64_t end) {
  switch (n_rows) {
    case 1:
      return attend_page<1>(args, rows, page_first, end);
    case 2:
      return attend_page<2>(args, rows, page_first, end);
    case 3:
      return attend_page<3>(args, rows, page_first, end);
    case 4:
      return attend_page<4>(args, rows, page_first, end);
    case 5:
      return attend_page<5>(args, rows, page_first, end);
    default:
      return attend_page<kTile>(args, rows, page_first, end);
  }
}

}  // namespace

void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial) {
  const std::int64_t width = padded(args.head_dim);
  const std::int64_t n_rows = row_end - row_begin;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    float* row = partial + r * partial_size(args.head_dim);
    for (std::int64_t i = 0; i < width; i += kLanes) _mm256_storeu_ps(row + i, _mm256_setzero_ps());
    row[width] = kNoScore;
    row[width + 1] = 0.0F;
  }
  // Tiles of nearly equal size: no register idles in the last one.
  const std::int64_t n_tiles = (n_rows + kTile - 1) / kTile;
  for (std::int64_t page = key_begin; page < key_end; page += kPageTokens) {
    for (std::int64_t tile = 0; tile < n_tiles; ++tile) {
      const std::int64_t begin = n_rows * tile / n_tiles;
      const std::int64_t end = n_rows * (tile + 1) / n_tiles;
      Rows rows;
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t row = row_begin + r;
        const std::int64_t token = row / args.n_heads;
        rows.q[r - begin] = args.q + token * args.q_stride + row % args.n_heads * args.head_dim;
        rows.position[r - begin] = args.first + token;
        rows.partial[r - begin] = partial + r * partial_size(args.head_dim);
      }
      // Rows are in the order of positions: the last one sees the most keys.
      const std::int64_t last = rows.position[end - begin - 1];
      const std::int64_t first_seen = args.window > 0 ? rows.position[0] - args.window + 1 : 0;
      if (page > last || page + kPageTokens <= first_seen) continue;
      attend_page(static_cast<int>(end - begin), args, rows, page, key_end);
    }
  }
}

void merge_attention(float* into, const float* from, std::int64_t n_rows, std::int64_t head_dim) {
  const std::int64_t width = padded(head_dim);
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const float largest = into[width] > from[width] ? into[width] : from[width];
    const float a = exp1(into[width] - largest);
    const float b = exp1(from[width] - largest);
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(into + i), _mm256_set1_ps(a));
      _mm256_storeu_ps(into + i,
                       _mm256_fmadd_ps(_mm256_loadu_ps(from + i), _mm256_set1_ps(b), scaled));
    }
    into[width] = largest;
    into[width + 1] = into[width + 1] * a + from[width + 1] * b;
    into += partial_size(head_dim);
    from += partial_size(head_dim);
  }
}

}  // namespace orkestra::model::avx2
