#include <orkestra/core/checksum.h>
#include <orkestra/core/hash.h>
#include <orkestra/model/engine/weights_fingerprint.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

namespace orkestra::model {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{8} << 20U;

std::uint64_t checksum_of(const GgufFile& file, std::span<const std::byte> data) {
  Checksum sum;
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), kPieceBytes));
    sum.add(piece);
    file.forget(piece);
    data = data.subspan(piece.size());
  }
  return sum.value();
}

}  // namespace

std::string weights_fingerprint(const GgufFile& file, int n_threads) {
  const auto& tensors = file.tensors();
  std::vector<std::uint64_t> sums(tensors.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < tensors.size(); i = next++) {
      sums[i] = checksum_of(file, tensors[i].data);
    }
  };
  const int n = n_threads > 0 ? n_threads : static_cast<int>(std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < n; ++i) others.emplace_back(work);
    work();
  }
  const auto header = file.header_bytes();
  std::string named(reinterpret_cast<const char*>(header.data()), header.size());
  const std::size_t at = named.size();
  named.resize(at + sums.size() * sizeof(std::uint64_t));
  std::memcpy(named.data() + at, sums.data(), sums.size() * sizeof(std::uint64_t));
  return sha256_hex(named);
}

}  // namespace orkestra::model
