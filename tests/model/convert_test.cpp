// Checkpoints of every supported architecture become files with the right weights, whole or not at
// all; what can't be converted is refused by name.

#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/convert/convert.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;
namespace fs = std::filesystem;

namespace {

// A copy of a checkpoint to damage.
struct Copy {
  explicit Copy(const std::string& name) {
    fs::copy(checkpoint_path(name), folder.path() / "model");
  }
  fs::path file(const std::string& name) const { return folder.path() / "model" / name; }
  Json config() const {
    std::ifstream in(file("config.json"));
    return Json::parse(in);
  }
  void write_config(const Json& config) const { std::ofstream(file("config.json")) << config; }
  // The error of converting it; the target must not have come to be.
  std::string refusal(ErrorCode code, const ConvertOptions& options = {}) const {
    const fs::path out = folder.path() / "out.gguf";
    try {
      convert_model(folder.path() / "model", out, options);
    } catch (const Error& e) {
      CHECK(e.code() == code);
      CHECK(!fs::exists(out));
      return e.message();
    }
    FAIL("it was converted");
    return {};
  }
  TemporaryFolder folder;
};

bool mentions(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a checkpoint is found whole in one file and in shards") {
  const auto one = Checkpoint::open(checkpoint_path("mixtral"));
  CHECK(one->names().size() == 59);
  const auto shards = Checkpoint::open(checkpoint_path("llama"));
  REQUIRE(shards->find("model.layers.2.mlp.up_proj.weight") != nullptr);
  const SafeTensor& tensor = *shards->find("model.layers.2.mlp.up_proj.weight");
  CHECK(tensor.shape == std::vector<std::int64_t>{96, 64});
  CHECK(tensor.type == "BF16");
  std::vector<float> values(96 * 64);
  read_floats(tensor, 0, 96 * 64, values.data());
  CHECK(shards->find("model.layers.3.mlp.up_proj.weight") == nullptr);
}

TEST_CASE("the converted type is that of matrices, everything else stays F32") {
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
    const ConvertedCheckpoint converted("granite-moe", type);
    const auto& file = *converted.file();
    CHECK(file.find_tensor("blk.0.ssm_in.weight")->type == type);
    CHECK(file.find_tensor("blk.1.ffn_gate_exps.weight")->type == type);
    for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ssm_a", "blk.0.ssm_norm.weight",
                             "blk.0.ssm_conv1d.weight", "blk.1.ffn_gate_inp.weight"}) {
      CAPTURE(name);
      CHECK(file.find_tensor(name)->type == TensorType::kF32);
    }
    CHECK(file.text("general.architecture") == "granitehybrid");
    CHECK(file.find_tensor("output.weight") == nullptr);  // tied
  }
}

TEST_CASE("keys and shapes are those llama.cpp's converter writes") {
  const ConvertedCheckpoint converted("granite-moe", TensorType::kF16);
  const auto& file = *converted.file();
  CHECK(file.integer("granitehybrid.ssm.time_step_rank") == 8);
  CHECK(file.integer("granitehybrid.ssm.group_count") == 1);
  CHECK(file.integer("granitehybrid.expert_shared_feed_forward_length") == 64);
  CHECK(file.number("granitehybrid.attention.scale") == 0.125);
  CHECK(file.boolean("granitehybrid.rope.scaling.finetuned", true) == false);
  CHECK(file.integer("general.file_type") == 1);
  const auto shape = [&](const char* name) { return file.find_tensor(name)->shape; };
  using Extents = std::vector<std::int64_t>;
  CHECK(shape("blk.0.ssm_conv1d.weight") == Extents{4, 160});
  CHECK(shape("blk.0.ssm_a") == Extents{1, 8});
  CHECK(shape("blk.0.ssm_norm.weight") == Extents{128, 1});
  CHECK(shape("blk.1.ffn_down_exps.weight") == Extents{32, 64, 8});
  const ConvertedCheckpoint llama("llama", TensorType::kF16);
  CHECK(llama.file()->find_tensor("rope_freqs.weight")->shape == Extents{8});
  CHECK(llama.file()->integer("llama.rope.dimension_count") == 16);
}

TEST_CASE("the tokenizer and the chat template go into the file") {
  const ConvertedCheckpoint llama("llama", TensorType::kF16);
  CHECK(llama.file()->text("tokenizer.ggml.model") == "gpt2");
  CHECK(llama.file()->text("tokenizer.ggml.pre") == "llama-bpe");
  CHECK(llama.file()->text("tokenizer.chat_template") == "{{ messages[0]['content'] }}");
  const auto tokenizer = make_tokenizer(*llama.file());
  CHECK(tokenizer->size() == 512);  // as many as the embedding has rows
  CHECK(tokenizer->piece(tokenizer->eos()) == "<|end|>");
  CHECK(tokenizer->decode(tokenizer->encode("Hello <|end|>")) == "Hello <|end|>");
  const ConvertedCheckpoint jamba("jamba", TensorType::kF16);
  CHECK(jamba.file()->text("tokenizer.ggml.model") == "llama");
  CHECK(make_tokenizer(*jamba.file())->add_bos());
}

TEST_CASE("a tokenizer that fits no model stops the conversion") {
  {
    const Copy copy("llama");
    fs::remove(copy.file("tokenizer.json"));
    CHECK(mentions(copy.refusal(ErrorCode::kNotFound), "neither tokenizer.json nor"));
  }
  {
    const Copy copy("llama");
    std::ofstream(copy.file("tokenizer.json")) << "{";
    CHECK(mentions(copy.refusal(ErrorCode::kInvalid), "tokenizer.json: not valid JSON"));
  }
}

TEST_CASE("what can't be converted is refused by name") {
  {
    const Copy copy("llama");
    Json config = copy.config();
    config["architectures"] = {"GPT2LMHeadModel"};
    copy.write_config(config);
    CHECK(mentions(copy.refusal(ErrorCode::kUnsupported), "GPT2LMHeadModel"));
  }
  {
    const Copy copy("llama");
    Json config = copy.config();
    config["rope_scaling"]["rope_type"] = "yarn";
    copy.write_config(config);
    CHECK(mentions(copy.refusal(ErrorCode::kUnsupported), "yarn"));
  }
  {
    const Copy copy("llama");
    Json config = copy.config();
    config["intermediate_size"] = 128;
    copy.write_config(config);
    CHECK(mentions(copy.refusal(ErrorCode::kCorrupt), "mlp.gate_proj.weight has shape [96, 64]"));
  }
  {
    const Copy copy("llama");
    Json config = copy.config();
    config.erase("num_attention_heads");
    copy.write_config(config);
    CHECK(mentions(copy.refusal(ErrorCode::kCorrupt), "\"num_attention_heads\" is missing"));
  }
  {
    const Copy copy("llama");
    fs::remove(copy.file("model-00002-of-00002.safetensors"));
    CHECK(mentions(copy.refusal(ErrorCode::kNotFound), "model-00002-of-00002.safetensors"));
  }
  {
    const Copy copy("mamba");
    fs::resize_file(copy.file("model.safetensors"),
                    fs::file_size(copy.file("model.safetensors")) - 1);
    CHECK(mentions(copy.refusal(ErrorCode::kCorrupt), "cut short"));
  }
  {
    const Copy copy("mamba");
    fs::rename(copy.file("model.safetensors"), copy.file("pytorch_model.bin"));
    CHECK(mentions(copy.refusal(ErrorCode::kUnsupported), "pickled"));
  }
}

TEST_CASE("an index can't lead out of its folder") {
  for (const char* name : {"../model/model-00001-of-00002.safetensors", "/etc/passwd", "..", ""}) {
    const Copy copy("llama");
    std::ofstream(copy.file("model.safetensors.index.json"))
        << Json{{"weight_map", {{"model.norm.weight", name}}}};
    CHECK(mentions(copy.refusal(ErrorCode::kInvalid), "not the name of a file"));
  }
}

TEST_CASE("a stopped conversion leaves nothing behind") {
  const Copy copy("llama");
  std::stop_source source;
  ConvertOptions options;
  options.stop = source.get_token();
  std::uint64_t seen = 0;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(done <= total);
    CHECK(done > seen);
    seen = done;
    source.request_stop();
  };
  copy.refusal(ErrorCode::kCancelled, options);
  CHECK(seen > 0);
  CHECK(std::distance(fs::directory_iterator(copy.folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a value beyond F16 is named, not made infinite") {
  const Copy copy("mamba");
  const fs::path weights = copy.file("model.safetensors");
  std::fstream file(weights, std::ios::binary | std::ios::in | std::ios::out);
  const auto checkpoint = Checkpoint::open(checkpoint_path("mamba"));
  const auto* first = checkpoint->find("backbone.embeddings.weight");
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string needle(reinterpret_cast<const char*>(first->data.data()), 64);
  const std::size_t at = bytes.find(needle);
  REQUIRE(at != std::string::npos);
  file.seekp(static_cast<std::streamoff>(at));
  file.write("\x80\x4B", 2);  // 2^24 in BF16
  file.close();
  CHECK(mentions(copy.refusal(ErrorCode::kUnsupported), "--type bf16"));
  ConvertOptions options;
  options.type = TensorType::kBF16;
  convert_model(copy.folder.path() / "model", copy.folder.path() / "out.gguf", options);
}

TEST_CASE("logits of converted checkpoints agree with the float64 forward passes") {
  for (const char* name : kCheckpoints) {
    // The checkpoints hold BF16 matrices, so neither type loses anything.
    for (const TensorType type : {TensorType::kF32, TensorType::kBF16}) {
      const ConvertedCheckpoint converted(name, type);
      const Network network = build_network(converted.file());
      for (const Kernels* kernels : all_kernels()) {
        CpuBackend backend(network, *kernels, 2);
        const double error =
            relative_error(all_logits(backend, golden_tokens()), checkpoint_logits(name));
        std::printf("  %-12s %-9s error %.2e\n", name, std::string(kernels->name).c_str(), error);
        CAPTURE(name, kernels->name, error);
        CHECK(error <= 1e-5);
      }
    }
  }
}

TEST_CASE("experts that no token of a step chooses, and dense layers between, change nothing") {
  // One token chooses 2 of 4 or 3 of 8 experts; 48 tokens reach all of them.
  for (const char* name : {"jamba", "mixtral", "granite-moe"}) {
    const Network network = checkpoint_network(name, TensorType::kF32);
    std::size_t mixtures = 0;
    for (const Layer& layer : network.layers) {
      mixtures += std::holds_alternative<MoeFfn>(layer.ffn) ? 1 : 0;
    }
    CHECK(mixtures > 0);
    if (std::string(name) == "jamba") CHECK(mixtures == network.layers.size() / 2);
    for (const Kernels* kernels : all_kernels()) {
      for (const std::size_t step : {1, 3, 47}) {
        CpuBackend backend(network, *kernels, 2);
        CAPTURE(name, kernels->name, step);
        CHECK(relative_error(all_logits(backend, golden_tokens(), step), checkpoint_logits(name)) <=
              1e-5);
      }
    }
  }
}
