// Packing: where every byte of a row ends up, for every type.

#include <orkestra/model/kernels/packing.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

// As packing.h describes it, byte by byte.
std::vector<std::byte> packed_slowly(const model::Matrix& w) {
  const model::BlockCut cut = model::block_cut(w.type);
  const std::size_t stride = model::row_bytes(w.type, w.cols);
  std::vector<std::byte> out;
  for (std::int64_t first = 0; first < w.rows; first += model::kRowGroup) {
    for (std::size_t block = 0; block < stride; block += cut.bytes) {
      const auto put = [&](std::size_t at, std::size_t n) {
        for (std::int64_t r = first; r < first + model::kRowGroup; ++r) {
          for (std::size_t i = at; i < at + n; ++i) {
            const std::size_t place = static_cast<std::size_t>(r) * stride + block + i;
            out.push_back(r < w.rows ? w.data[place] : std::byte{0});
          }
        }
      };
      for (std::size_t u = 0; u < cut.units; ++u) put(cut.first + u * cut.unit, cut.unit);
      if (cut.odd_half) put(cut.half, 2);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("packing puts the same unit of sixteen rows side by side, and zeros for missing rows") {
  Random random(13);
  for (const model::TensorTypeInfo& format : model::tensor_types()) {
    for (const std::int64_t rows : {1, 15, 16, 17, 50}) {
      for (const std::int64_t blocks : {1, 2, 3, 7, 8, 9, 21}) {
        const RandomMatrix w(format.type, rows, blocks * format.block_elements, random);
        INFO(format.name << " [" << rows << ", " << w.matrix.cols << "]");
        const std::vector<std::byte> expected = packed_slowly(w.matrix);
        REQUIRE(expected.size() == model::packed_bytes(w.matrix));
        std::vector<std::byte> got(expected.size());
        // Groups one by one, the last one first.
        for (std::int64_t g = (rows - 1) / model::kRowGroup; g >= 0; --g) {
          model::pack_rows(w.matrix, g, g + 1, got.data());
        }
        CHECK(got == expected);
      }
    }
  }
}
