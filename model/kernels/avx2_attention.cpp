#include <orkestra/model/kernels/avx2.h>
#include <orkestra/model/kernels/paged_attention.h>

namespace orkestra::model::avx2 {

namespace {

inline float exp1(float x) {
  return _mm_cvtss_f32(_mm256_castps256_ps128(exp8(_mm256_set1_ps(x))));
}

struct AttentionVector {
  using Floats = __m256;
  static constexpr std::int64_t kLanes = 8;
  static constexpr int kTile = 6;  // rows whose sums (of two vectors) fit the 16 registers

  static Floats zero() { return _mm256_setzero_ps(); }
  static Floats all(float x) { return _mm256_set1_ps(x); }
  static Floats load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Floats x) { _mm256_storeu_ps(p, x); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats exp(Floats x) { return exp8(x); }
  static float largest(Floats x) {
    __m128 top = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  }
  static __m256 add_eights(__m256 sum, Floats x) { return _mm256_add_ps(sum, x); }
  // -infinity in lanes outside [first, last).
  static Floats only(Floats x, std::int64_t first, std::int64_t last) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i inside =
        _mm256_and_si256(_mm256_cmpgt_epi32(lanes, _mm256_set1_epi32(static_cast<int>(first) - 1)),
                         _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(last)), lanes));
    return _mm256_blendv_ps(all(-__builtin_inff()), x, _mm256_castsi256_ps(inside));
  }
  // Half floats at `p`; the one at `p` in every lane; bytes.
  static Floats halves(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Floats half(const std::byte* p) {
    return _mm256_cvtph_ps(_mm_set1_epi16(*reinterpret_cast<const short*>(p)));
  }
  static Floats bytes(const std::byte* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
};

}  // namespace

void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial) {
  attend_in_turn<AttentionVector>(args, row_begin, row_end, key_begin, key_end, partial);
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
