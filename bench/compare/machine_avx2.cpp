// Compiled for AVX2 and FMA where the target is x86-64: only C headers and intrinsics here, so that
// no inline function of anybody else is compiled for them, too.
#include <orkestra/bench/compare/machine.h>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace orkestra::bench {
namespace {

// Keeps a value in a register and the compiler from knowing it: nothing is folded or hoisted.
template <typename Vector>
inline void opaque(Vector& value) {
  asm volatile("" : "+x"(value));
}

}  // namespace

bool avx2_available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

std::uint64_t read_all(const std::byte* bytes, std::size_t n_bytes) {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t at = 0; at < n_bytes; at += 256) {
    const auto* block = reinterpret_cast<const __m256i*>(bytes + at);
    for (int i = 0; i < 8; ++i) sums[i] = _mm256_xor_si256(sums[i], _mm256_load_si256(block + i));
  }
  for (int i = 1; i < 8; ++i) sums[0] = _mm256_xor_si256(sums[0], sums[i]);
  alignas(32) std::uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), sums[0]);
  return words[0] ^ words[1] ^ words[2] ^ words[3];
}

float multiply_add_floats(std::int64_t rounds) {
  __m256 sums[12];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  __m256 x = _mm256_set1_ps(0.5F);
  __m256 y = _mm256_set1_ps(0.25F);
  for (std::int64_t round = 0; round < rounds; ++round) {
    opaque(x);
    opaque(y);
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(x, y, sum);
  }
  for (int i = 1; i < 12; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

std::int32_t multiply_add_integers(std::int64_t rounds) {
  // Eight chains: more would not fit the 16 registers beside the products.
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i x = _mm256_set1_epi16(3);
  const __m256i y = _mm256_set1_epi16(5);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      opaque(x);  // each product is computed, though all are alike
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(x, y));
    }
  }
  for (int i = 1; i < 8; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  return _mm256_extract_epi32(sums[0], 0);
}

}  // namespace orkestra::bench

#else

namespace orkestra::bench {

bool avx2_available() { return false; }
std::uint64_t read_all(const std::byte*, std::size_t) { return 0; }
float multiply_add_floats(std::int64_t) { return 0.0F; }
std::int32_t multiply_add_integers(std::int64_t) { return 0; }

}  // namespace orkestra::bench

#endif
