// The only door to FAISS.
#include <orkestra/core/error.h>
#include <orkestra/retrieval/vector_index.h>

#include <faiss/IndexFlat.h>
#include <faiss/impl/FaissException.h>

#include <algorithm>

namespace orkestra::retrieval {
namespace {

// FAISS reports by exceptions of its own.
template <typename Work>
auto guarded(Work work) {
  try {
    return work();
  } catch (const faiss::FaissException& e) {
    throw Error(ErrorCode::kInternal, std::string("the vector index: ") + e.what());
  }
}

class FaissFlatIndex final : public VectorIndex {
 public:
  explicit FaissFlatIndex(std::size_t dimension)
      : dimension_(dimension), index_(static_cast<faiss::Index::idx_t>(dimension)) {}

  void add(std::span<const float> rows) override {
    guarded([&] {
      index_.add(static_cast<faiss::Index::idx_t>(rows.size() / dimension_), rows.data());
    });
  }

  std::size_t size() const override { return static_cast<std::size_t>(index_.ntotal); }

  std::vector<NearVector> search(std::span<const float> query, std::size_t count) override {
    count = std::min(count, size());
    if (count == 0) return {};
    std::vector<float> scores(count);
    std::vector<faiss::Index::idx_t> positions(count);
    guarded([&] {
      index_.search(1, query.data(), static_cast<faiss::Index::idx_t>(count), scores.data(),
                    positions.data());
    });
    std::vector<NearVector> out;
    for (std::size_t i = 0; i < count; ++i) {
      if (positions[i] < 0) continue;  // fewer were found
      out.push_back({static_cast<std::size_t>(positions[i]), scores[i]});
    }
    std::sort(out.begin(), out.end(), [](const NearVector& a, const NearVector& b) {
      return a.score != b.score ? a.score > b.score : a.position < b.position;
    });
    return out;
  }

  std::span<const float> row(std::size_t position) const override {
    return {index_.get_xb() + position * dimension_, dimension_};
  }

 private:
  std::size_t dimension_;
  faiss::IndexFlatIP index_;
};

}  // namespace

std::unique_ptr<VectorIndex> make_flat_index(std::size_t dimension) {
  return std::make_unique<FaissFlatIndex>(dimension);
}

}  // namespace orkestra::retrieval
