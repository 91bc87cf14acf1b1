#include <orkestra/model/kernels/avx512.h>
#include <orkestra/model/kernels/avx512_math.h>
#include <orkestra/model/kernels/paged_attention.h>

namespace orkestra::model::avx512 {

namespace {

struct AttentionVector {
  using Floats = __m512;
  static constexpr std::int64_t kLanes = 16;
  static constexpr int kTile = 12;  // rows whose sums (of two vectors) fit the 32 registers

  static Floats zero() { return _mm512_setzero_ps(); }
  static Floats all(float x) { return _mm512_set1_ps(x); }
  static Floats load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Floats x) { _mm512_storeu_ps(p, x); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static __m256 low(Floats x) { return _mm512_castps512_ps256(x); }
  static __m256 high(Floats x) { return _mm512_extractf32x8_ps(x, 1); }
  static float largest(Floats x) {
    const __m256 eight = _mm256_max_ps(low(x), high(x));
    __m128 top = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
  }
  static __m256 add_eights(__m256 sum, Floats x) {
    return _mm256_add_ps(_mm256_add_ps(sum, low(x)), high(x));
  }
  // -infinity in lanes outside [first, last).
  static Floats only(Floats x, std::int64_t first, std::int64_t last) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 from =
        _mm512_cmpge_epi32_mask(lanes, _mm512_set1_epi32(static_cast<int>(first)));
    const __mmask16 inside =
        _mm512_mask_cmplt_epi32_mask(from, lanes, _mm512_set1_epi32(static_cast<int>(last)));
    return _mm512_mask_blend_ps(inside, all(-__builtin_inff()), x);
  }
  static Floats exp(Floats x) { return Lanes16::exp(x); }
  // Half floats at `p`; the one at `p` in every lane; bytes.
  static Floats halves(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Floats half(const std::byte* p) {
    return _mm512_cvtph_ps(_mm256_set1_epi16(*reinterpret_cast<const short*>(p)));
  }
  static Floats bytes(const std::byte* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
};

}  // namespace

void attend(const AttentionArgs& args, std::int64_t row_begin, std::int64_t row_end,
            std::int64_t key_begin, std::int64_t key_end, float* partial) {
  attend_in_turn<AttentionVector>(args, row_begin, row_end, key_begin, key_end, partial);
}

}  // namespace orkestra::model::avx512
