// The generator of random models: what it writes is a model whose logits are sane, the same for the
// same seed, at every type.

#include <orkestra/bench/random_model/random_blocks.h>
#include <orkestra/bench/random_model/shapes.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/kernels_data.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace orkestra;

namespace {

struct TemporaryFile {
  explicit TemporaryFile(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("orkestra-random-" + std::to_string(::getpid()) + name)) {}
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::filesystem::path path;
};

constexpr bench::Shape kSmallMoe{"small-moe", 4, 4, 1, 256, 256, 4, 2, 16, 512, 4, 2, true, 512};

}  // namespace

TEST_CASE("a random model opens at every mix and its logits are sane") {
  for (const bench::Shape& shape : {*bench::find_shape("jamba-tiny"), kSmallMoe}) {
    for (const model::MixInfo& mix : model::mixes()) {
      INFO(shape.name << " " << mix.name);
      const TemporaryFile file(".gguf");
      bench::write_random_model(shape, {.mix = mix.mix}, file.path);
      const model::LoadedModel loaded(model::GgufFile::open(file.path));
      model::CpuBackend backend(loaded.network(), model::best_kernels(), 1);
      const std::vector<model::TokenId> tokens{1, 300, 77, 401, 299, 300};
      const model::StepChunk chunk{
          .state = backend.create_state(), .tokens = tokens, .n_logits = 6};
      std::vector<float> logits;
      backend.step({&chunk, 1}, logits);
      REQUIRE(logits.size() == static_cast<std::size_t>(6 * shape.n_vocab));
      double squares = 0.0;
      for (const float logit : logits) squares += static_cast<double>(logit) * logit;
      const double deviation = std::sqrt(squares / static_cast<double>(logits.size()));
      CHECK(deviation > 0.1);
      CHECK(deviation < 50.0);
    }
  }
}

TEST_CASE("the seed decides the bytes") {
  const TemporaryFile a("a.gguf");
  const TemporaryFile b("b.gguf");
  const TemporaryFile c("c.gguf");
  const bench::Shape& shape = *bench::find_shape("jamba-tiny");
  const auto result = bench::write_random_model(shape, {.seed = 5}, a.path);
  bench::write_random_model(shape, {.seed = 5}, b.path);
  bench::write_random_model(shape, {.seed = 6}, c.path);
  CHECK(a.bytes() == b.bytes());
  CHECK(a.bytes() != c.bytes());
  CHECK(result.n_parameters == 3576720);
  CHECK(a.bytes().size() > result.tensor_bytes);
}

TEST_CASE("random blocks have the spread that was asked for") {
  using model::TensorType;
  bench::RandomBits random(3);
  for (const TensorType type :
       {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0, TensorType::kQ5_0,
        TensorType::kQ5_1, TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K}) {
    INFO(model::info(type).name);
    constexpr std::int64_t kCols = 65536;
    std::vector<std::byte> bytes(model::row_bytes(type, kCols));
    bench::fill_random(type, 0.02F, random, bytes);
    std::vector<float> values(kCols);
    model::dequantize_row({type, 1, kCols, bytes.data()}, 0, values.data());
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
      sum += value;
      squares += static_cast<double>(value) * value;
    }
    CHECK(std::abs(sum / kCols) < 0.001);
    CHECK(std::abs(std::sqrt(squares / kCols) - 0.02) < 0.002);
  }
}
