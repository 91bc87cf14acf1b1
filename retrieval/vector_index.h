// VectorIndex: the nearest of many vectors by inner product. Vectors count from 0 in the order of
// adding. Used by one thread at a time. FAISS is the first implementation, exact (flat).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace orkestra::retrieval {

struct NearVector {
  std::size_t position = 0;
  float score = 0;
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  virtual void add(std::span<const float> rows) = 0;  // [n, dimension]
  virtual std::size_t size() const = 0;
  // The best `count`, best first, ties by position.
  virtual std::vector<NearVector> search(std::span<const float> query, std::size_t count) = 0;
  virtual std::span<const float> row(std::size_t position) const = 0;
};

std::unique_ptr<VectorIndex> make_flat_index(std::size_t dimension);

}  // namespace orkestra::retrieval
