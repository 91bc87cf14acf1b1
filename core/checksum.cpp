#include <orkestra/core/checksum.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace orkestra {
namespace {

// Odd, so that multiplying loses nothing; bits without a pattern.
constexpr std::uint64_t kFactor = 0x9ddfea08eb382d69U;

}  // namespace

// Each lane changes one to one with the word and with what it was before.
void Checksum::mix(const std::byte* block) {
  for (std::size_t i = 0; i < kLanes; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, block + i * sizeof word, sizeof word);
    lanes_[i] = std::rotl((lanes_[i] ^ word) * kFactor, 29);
  }
}

void Checksum::add(std::span<const std::byte> bytes) {
  std::size_t held = n_bytes_ % kBlock;
  n_bytes_ += bytes.size();
  if (held > 0) {
    const std::size_t n = std::min(bytes.size(), kBlock - held);
    std::copy_n(bytes.begin(), n, rest_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(n);
    held += n;
    if (held < kBlock) return;
    mix(rest_.data());
  }
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) mix(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

std::uint64_t Checksum::value() const {
  Checksum last = *this;
  const std::size_t held = n_bytes_ % kBlock;
  std::fill(last.rest_.begin() + static_cast<std::ptrdiff_t>(held), last.rest_.end(), std::byte{});
  if (held > 0) last.mix(last.rest_.data());
  std::uint64_t sum = n_bytes_;
  for (const std::uint64_t lane : last.lanes_) {
    sum = (sum ^ lane) * kFactor;
    sum ^= sum >> 32U;
  }
  return sum;
}

}  // namespace orkestra
