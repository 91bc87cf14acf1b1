// CpuWeights: a network with its weight matrices in the layout that a table of kernels multiplies
// with. For kernels that pack, every matrix is copied once, rearranged, into one block of memory,
// and the file's pages are let go behind it; for others the matrices stay in the file.
//
// Owns the block; the network it was made from must outlive it. Immutable.
#pragma once

#include <orkestra/model/arch/network.h>
#include <orkestra/model/engine/thread_pool.h>
#include <orkestra/model/kernels/kernels.h>

#include <cstddef>

namespace orkestra::model {

class CpuWeights {
 public:
  // Throws Error{kExhausted} when the memory can't be had.
  CpuWeights(const Network& network, const Kernels& kernels, ThreadPool& pool);
  ~CpuWeights();
  CpuWeights(const CpuWeights&) = delete;
  CpuWeights& operator=(const CpuWeights&) = delete;

  // As the one given; the token embedding, which is read row by row, is always the file's.
  const Network& network() const { return network_; }

 private:
  Network network_;
  std::byte* block_ = nullptr;
  std::size_t block_bytes_ = 0;
};

}  // namespace orkestra::model
