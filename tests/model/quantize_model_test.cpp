// Whole files quantised: the mix, what is kept, the error it costs in logits beside llama.cpp's own
// file of the same weights, and refusals that leave nothing behind.

#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/quantize/quantize_model.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/golden_models.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>

using namespace orkestra;
using namespace orkestra::tests;
using model::GgufFile;
using model::Mix;
using model::TensorType;

namespace {

struct TemporaryFolder {
  TemporaryFolder() {
    path = std::filesystem::temp_directory_path() /
           ("orkestra-quantize-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, TensorType> types(const GgufFile& file) {
  std::map<std::string, TensorType> out;
  for (const auto& tensor : file.tensors()) out[tensor.name] = tensor.type;
  return out;
}

std::vector<float> logits_of(const std::filesystem::path& path) {
  const model::Network network = model::build_network(GgufFile::open(path));
  model::CpuBackend backend(network, model::reference_kernels(), 1);
  return all_logits(backend, golden_tokens());
}

}  // namespace

TEST_CASE(
    "a file quantised here mixes types and errs no more than llama.cpp's of the same weights") {
  const TemporaryFolder folder;
  struct Row {
    std::string from;
    std::string theirs;
    Mix mix;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"dense-h256-f16", "dense-h256-Q8_0", Mix::kQ8_0},
                                  {"dense-h256-f16", "dense-h256-Q4_K_M", Mix::kQ4_K_M}}) {
    INFO(row.theirs);
    const auto out = folder.path / "out.gguf";
    const auto file = GgufFile::open(golden_path(row.from + ".gguf"));
    const auto report = quantize_model(*file, out, {.mix = row.mix, .n_threads = 2});
    CHECK(types(*GgufFile::open(out)) == types(*GgufFile::open(golden_path(row.theirs + ".gguf"))));
    const auto exact = golden_logits(row.from + ".numpy.f32");
    const double ours = relative_error(logits_of(out), exact);
    // Their weights through the same float64 pass: what quantising alone costs.
    const double theirs = relative_error(golden_logits(row.theirs + ".numpy.f32"), exact);
    std::printf("  %-18s logits err %.4f, llama.cpp's file %.4f\n", row.theirs.c_str(), ours,
                theirs);
    CHECK(ours < 1.1 * theirs);
    CHECK(report.error > 0.0);
    CHECK(report.bytes_after < report.bytes_before);
  }
}

TEST_CASE("quantising gives the same bytes on one thread and on many, and keeps metadata") {
  const TemporaryFolder folder;
  const auto file = GgufFile::open(golden_path("dense-h256-f16.gguf"));
  const auto one = quantize_model(*file, folder.path / "a", {.mix = Mix::kQ5_K_M, .n_threads = 1});
  const auto many = quantize_model(*file, folder.path / "b", {.mix = Mix::kQ5_K_M, .n_threads = 3});
  CHECK(contents(folder.path / "a") == contents(folder.path / "b"));
  CHECK(one.error == many.error);
  const auto result = GgufFile::open(folder.path / "a");
  CHECK(result->integer("general.file_type") == 17);
  for (const auto& [key, value] : file->metadata()) {
    INFO(key);
    REQUIRE(result->metadata().count(key) == 1);
    if (key != "general.file_type") CHECK(result->metadata().find(key)->second == value);
  }
}

TEST_CASE("the mixes are llama-quantize's for dense and for eight experts") {
  const auto type_of = [](const std::vector<model::MixTensor>& tensors, std::int64_t n_experts,
                          std::size_t at) {
    return mixed_types(Mix::kQ4_K_M, tensors, 8, n_experts)[at];
  };
  const auto tensor = [](const std::string& name, std::int64_t cols) {
    return model::MixTensor{name, TensorType::kF32, {cols, 256}};
  };
  const std::vector<model::MixTensor> tensors{
      tensor("token_embd.weight", 256),         tensor("blk.1.attn_v.weight", 256),
      tensor("blk.5.attn_v.weight", 256),       tensor("blk.1.attn_output.weight", 256),
      tensor("blk.0.ffn_down.weight", 256),     tensor("blk.1.ffn_down.weight", 256),
      tensor("blk.0.ssm_dt.weight", 160),       tensor("blk.0.ssm_conv1d.weight", 4),
      tensor("blk.0.ffn_gate_inp.weight", 256), tensor("output.weight", 256),
      tensor("blk.0.ssm_x.weight", 20),         tensor("blk.1.attn_k.weight", 256)};
  const auto dense = mixed_types(Mix::kQ4_K_M, tensors, 8, 0);
  CHECK(dense == std::vector<TensorType>{TensorType::kQ4_K, TensorType::kQ4_K, TensorType::kQ6_K,
                                         TensorType::kQ4_K, TensorType::kQ6_K, TensorType::kQ4_K,
                                         TensorType::kQ5_0, TensorType::kF32, TensorType::kF32,
                                         TensorType::kQ6_K, TensorType::kF16, TensorType::kQ4_K});
  for (const Mix plain : {Mix::kQ4_0, Mix::kQ4_1, Mix::kQ5_0, Mix::kQ5_1}) {
    const TensorType type = model::info(plain).type;
    const auto types = mixed_types(plain, tensors, 8, 0);
    for (const std::size_t at : {0, 1, 2, 3, 4, 5, 6, 11}) CHECK(types[at] == type);
    CHECK(types[7] == TensorType::kF32);
    CHECK(types[9] == TensorType::kQ6_K);
  }
  CHECK(mixed_types(Mix::kBF16, tensors, 8, 8)[9] == TensorType::kBF16);
  CHECK(type_of(tensors, 8, 1) == TensorType::kQ8_0);
  CHECK(type_of(tensors, 8, 3) == TensorType::kQ5_K);
  CHECK(type_of(tensors, 8, 11) == TensorType::kQ8_0);
  // Without an output matrix the embedding is the output.
  CHECK(type_of({tensors[0]}, 0, 0) == TensorType::kQ6_K);
  CHECK(model::find_mix("q4_k_m") != nullptr);
  CHECK(model::find_mix("Q4") == nullptr);
}

TEST_CASE("what can't be quantised is refused by name and leaves nothing") {
  const TemporaryFolder folder;
  const auto out = folder.path / "out.gguf";
  const auto quantised = GgufFile::open(golden_path("dense-h256-Q8_0.gguf"));
  CHECK_THROWS_WITH(quantize_model(*quantised, out, {}),
                    Catch::Matchers::Contains("is quantised already (Q8_0)"));
  CHECK_NOTHROW(quantize_model(*quantised, out, {.allow_requantize = true}));
  std::filesystem::remove(out);

  const auto broken = [&](float bad) {
    model::GgufWriter writer;
    writer.set("general.architecture", "x");
    writer.set("x.block_count", std::uint32_t{1});
    constexpr std::array<std::int64_t, 2> kShape{256, 2};
    writer.add_tensor("blk.0.ffn_up.weight", TensorType::kF32, kShape);
    std::vector<float> values(512, 1.0F);
    values[300] = bad;
    writer.begin(folder.path / "in.gguf");
    writer.write(std::as_bytes(std::span(values)));
    writer.commit();
    return GgufFile::open(folder.path / "in.gguf");
  };
  CHECK_THROWS_WITH(
      quantize_model(*broken(std::numeric_limits<float>::quiet_NaN()), out, {}),
      Catch::Matchers::Contains("blk.0.ffn_up.weight: element 44 of row 1 is not a finite number"));
  CHECK_THROWS_WITH(quantize_model(*broken(1e30F), out, {.mix = Mix::kQ8_0}),
                    Catch::Matchers::Contains("of row 1 is too large for Q8_0"));
  CHECK_FALSE(std::filesystem::exists(out));
  std::filesystem::remove(folder.path / "in.gguf");
  CHECK(std::filesystem::is_empty(folder.path));
}
