// Checksum: 64 bits over a stream of bytes, however it is cut into pieces. Every change within one
// aligned word of 8 bytes is noticed, any other with all but certainty; it keeps nobody from making
// other bytes of the same sum. Tens of gigabytes a second: for data too large for SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace orkestra {

class Checksum {
 public:
  void add(std::span<const std::byte> bytes);
  // Of all bytes so far.
  std::uint64_t value() const;

 private:
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kBlock = kLanes * sizeof(std::uint64_t);

  void mix(const std::byte* block);

  std::array<std::uint64_t, kLanes> lanes_{1, 2, 3, 4, 5, 6, 7, 8};
  std::array<std::byte, kBlock> rest_{};  // bytes that don't fill a block yet
  std::uint64_t n_bytes_ = 0;
};

}  // namespace orkestra
