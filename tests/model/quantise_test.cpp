// Quantisers: the error they leave, held against llama.cpp's on the same numbers, and against what
// the codes and scales allow; odd blocks; rounding trips.

#include <orkestra/model/format/gguf.h>
#include <orkestra/model/quantize/quantise.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>

#include <cstdio>

using namespace orkestra;
using namespace orkestra::tests;
using model::TensorType;

namespace {

std::vector<float> there_and_back(TensorType type, const std::vector<float>& x) {
  const auto cols = static_cast<std::int64_t>(x.size());
  std::vector<std::byte> bytes(model::row_bytes(type, cols));
  model::quantise_row(type, x.data(), cols, bytes.data());
  std::vector<float> out(x.size());
  model::dequantize_row({type, 1, cols, bytes.data()}, 0, out.data());
  return out;
}

std::vector<float> floats(const model::TensorView& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

}  // namespace

TEST_CASE("a quantised row is at least as near as llama.cpp's") {
  const auto file =
      model::GgufFile::open(std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden/blocks/blocks.gguf");
  const std::vector<float> original = floats(*file->find_tensor("original"));
  for (const TensorType type : kQuantisedTypes) {
    const std::string name(model::info(type).name);
    const double theirs = relative_error(floats(*file->find_tensor(name + ".values")), original);
    const double ours = relative_error(there_and_back(type, original), original);
    std::printf("  %-6s relative error %.5f, llama.cpp %.5f\n", name.c_str(), ours, theirs);
    INFO(name << " " << ours << " " << theirs);
    CHECK(ours > 0.0);
    CHECK(ours <= theirs * 1.001);
  }
}

TEST_CASE("what a type holds exactly comes back exactly") {
  Random random(11);
  for (const TensorType type :
       {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0}) {
    INFO(model::info(type).name);
    const RandomMatrix w(type, 1, 256, random);
    std::vector<float> values(256);
    model::dequantize_row(w.matrix, 0, values.data());
    if (type == TensorType::kQ8_0) {
      for (std::size_t i = 0; i < 256; ++i) values[i] = static_cast<float>(i % 32) - 15.5F;
      values[31] = values[63] = 15.5F;
      values[0] = 127.0F;
      for (float& value : values) value = std::floor(value) / 128.0F;
      values[0] = values[32] = values[64] = values[96] = 127.0F / 128.0F;
      values[128] = values[160] = values[192] = values[224] = -127.0F / 128.0F;
    }
    CHECK(there_and_back(type, values) == values);
  }
}

TEST_CASE("blocks of zeros, of one value, of one outlier and of tiny values keep their meaning") {
  for (const TensorType type : kQuantisedTypes) {
    INFO(model::info(type).name);
    CHECK(there_and_back(type, std::vector<float>(256, 0.0F)) == std::vector<float>(256, 0.0F));
    for (const float value : {1.0F, -1.0F, 0.03F}) {
      const std::vector<float> same(256, value);
      CHECK(relative_error(there_and_back(type, same), same) < 0.05);
    }
    std::vector<float> outlier(256, 0.0F);
    outlier[77] = -2.0F;
    CHECK(relative_error(there_and_back(type, outlier), outlier) < 0.05);
    for (const float value : there_and_back(type, std::vector<float>(256, 1e-38F))) {
      CHECK(std::abs(value) < 1e-7F);
    }
  }
}

TEST_CASE("a row is its blocks: neighbours do not matter") {
  Random random(12);
  const std::vector<float> x = random_floats(768, random);
  for (const TensorType type : kQuantisedTypes) {
    INFO(model::info(type).name);
    const std::vector<float> whole = there_and_back(type, x);
    for (std::size_t at = 0; at < x.size(); at += 256) {
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(at);
      const std::vector<float> part = there_and_back(type, {begin, begin + 256});
      CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)));
    }
  }
}

TEST_CASE("each bit fewer costs about half the precision") {
  Random random(13);
  const std::vector<float> x = random_floats(16384, random, 0.02F);
  struct Row {
    TensorType type;
    double most;  // measured, and a little
  };
  for (const Row& row : std::initializer_list<Row>{{TensorType::kQ8_0, 0.0056},
                                                   {TensorType::kQ6_K, 0.0175},
                                                   {TensorType::kQ5_K, 0.0355},
                                                   {TensorType::kQ5_1, 0.037},
                                                   {TensorType::kQ5_0, 0.043},
                                                   {TensorType::kQ4_K, 0.0715},
                                                   {TensorType::kQ4_1, 0.077},
                                                   {TensorType::kQ4_0, 0.087},
                                                   {TensorType::kIQ4_NL, 0.077},
                                                   {TensorType::kIQ4_XS, 0.077},
                                                   {TensorType::kQ3_K, 0.155},
                                                   {TensorType::kQ2_K, 0.28}}) {
    const double error = relative_error(there_and_back(row.type, x), x);
    INFO(model::info(row.type).name << " " << error);
    CHECK(error < row.most);
    CHECK(error > row.most / 2);
  }
}
