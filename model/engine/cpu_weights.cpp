#include <orkestra/core/error.h>
#include <orkestra/model/engine/cpu_weights.h>
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/kernels/packing.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>

namespace orkestra::model {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// What is packed at once by one thread: small enough that file pages are let go steadily.
constexpr std::size_t kChunkBytes = 1 << 20;

}  // namespace

CpuWeights::CpuWeights(const Network& network, const Kernels& kernels, ThreadPool& pool)
    : network_(network) {
  std::vector<Matrix*> matrices = product_matrices(network_);
  std::erase_if(matrices, [&](const Matrix* m) { return !kernels.packs(m->type); });
  if (matrices.empty()) return;
  for (const Matrix* matrix : matrices) block_bytes_ += aligned(packed_bytes(*matrix));
  void* block =
      ::mmap(nullptr, block_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) {
    throw Error(ErrorCode::kExhausted, "the model's weights need " +
                                           std::to_string(block_bytes_ >> 20U) +
                                           " MiB of memory, which can't be had");
  }
  block_ = static_cast<std::byte*>(block);
  // Fewer page table entries to walk while every weight streams by; a wish, not a need.
  ::madvise(block, block_bytes_, MADV_HUGEPAGE);

  std::byte* out = block_;
  for (Matrix* matrix : matrices) {
    const Matrix source = *matrix;
    const std::int64_t groups = (source.rows + kRowGroup - 1) / kRowGroup;
    const std::size_t row = row_bytes(source.type, source.cols);
    const auto per_chunk =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(kChunkBytes / (row * kRowGroup)));
    pool.run([&](int part) {
      const ThreadPool::Range range = pool.share(groups, 1, part);
      for (std::int64_t g = range.begin; g < range.end; g += per_chunk) {
        const std::int64_t end = std::min(range.end, g + per_chunk);
        pack_rows(source, g, end, out);
        const auto first = static_cast<std::size_t>(g * kRowGroup);
        const auto last = static_cast<std::size_t>(std::min(source.rows, end * kRowGroup));
        network.file->forget({source.data + first * row, (last - first) * row});
      }
    });
    matrix->data = out;
    out += aligned(packed_bytes(source));
  }
}

CpuWeights::~CpuWeights() {
  if (block_ != nullptr) ::munmap(block_, block_bytes_);
}

}  // namespace orkestra::model
