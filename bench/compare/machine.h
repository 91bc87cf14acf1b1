// The three loops whose speed bounds an engine on a CPU with AVX2. Each does its work on the thread
// that calls it; machine.cpp runs one on each thread and takes the time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace orkestra::bench {

// False where this processor, or this build, has no AVX2 and FMA; then nothing below may be called.
bool avx2_available();

// Reads n_bytes (a multiple of 256) at a 32-byte boundary once. Returns a value made of all of
// them, so that no read can be left out.
std::uint64_t read_all(const std::byte* bytes, std::size_t n_bytes);

// `rounds` of 12 independent fused multiply-adds on 8 floats each: 192 operations a round.
float multiply_add_floats(std::int64_t rounds);
inline constexpr std::int64_t kFloatOperations = 12LL * 8 * 2;

// `rounds` of 8 independent products of 16 pairs of 16-bit integers, added up in 32 bits (vpmaddwd
// and vpaddd): 256 operations a round.
std::int32_t multiply_add_integers(std::int64_t rounds);
inline constexpr std::int64_t kIntegerOperations = 8LL * 16 * 2;

}  // namespace orkestra::bench
