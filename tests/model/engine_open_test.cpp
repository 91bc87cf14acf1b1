// Hostile hyperparameters: whole models with one value of the metadata or tensor table changed.

#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <cstdint>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

// Of a golden file, or of a converted checkpoint.
std::string file_bytes(const std::string& name) {
  const TemporaryFolder folder;
  std::filesystem::path path = golden_path(name + ".gguf");
  if (!std::filesystem::exists(path)) {
    path = folder.path() / "model.gguf";
    convert_model(checkpoint_path(name), path);
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// Where `key` is written as a counted string; the position after it.
std::size_t after(const std::string& bytes, const std::string& key) {
  const std::uint64_t length = key.size();
  const std::string counted(reinterpret_cast<const char*>(&length), sizeof(length));
  const std::size_t at = bytes.find(counted + key);
  if (at == std::string::npos) throw std::runtime_error("no " + key);
  return at + counted.size() + key.size();
}

struct Outcome {
  std::string code = "opened";
  std::string message;
};

Outcome open_bytes(const std::string& bytes) {
  const std::vector<char> aligned(bytes.begin(), bytes.end());
  try {
    build_network(GgufFile::parse(std::as_bytes(std::span(aligned)), "hostile"));
  } catch (const Error& error) {
    return {std::string(info(error.code()).name), error.message()};
  }
  return {};
}

std::string with_number(std::string bytes, const std::string& key, std::uint32_t value,
                        std::size_t skip = 4) {
  std::memcpy(bytes.data() + after(bytes, key) + skip, &value, sizeof(value));
  return bytes;
}

}  // namespace

TEST_CASE("a hyperparameter that makes no sense is refused by name") {
  constexpr std::size_t kFirstOfArray = 4 + 4 + 8;  // type, element type, count
  struct Row {
    const char* model;
    const char* key;
    std::uint32_t value;
    const char* says;
    std::size_t skip = 4;
  };
  const Row rows[] = {
      {"dense-h64-f32", "jamba.block_count", 0xFFFFFFFF, "jamba.block_count"},
      {"dense-h64-f32", "jamba.block_count", 0, "jamba.block_count is 0"},
      {"dense-h64-f32", "jamba.block_count", 4000, "head_count_kv must hold one integer for each"},
      {"dense-h64-f32", "jamba.attention.head_count", 0, "head_count is 0"},
      {"dense-h64-f32", "jamba.attention.head_count", 3, "can't share 2 KV heads"},
      {"dense-h64-f32", "jamba.attention.head_count", 8, "attn_k.weight has shape"},
      {"dense-h64-f32", "jamba.attention.head_count_kv", 2, "blk.0.attn_q.weight is missing",
       kFirstOfArray},
      {"dense-h64-f32", "jamba.attention.head_count_kv", 0xFFFFFFFF, "can't share", kFirstOfArray},
      {"dense-h64-f32", "jamba.embedding_length", 63, "token_embd.weight has shape [64, 512]"},
      {"dense-h64-f32", "jamba.embedding_length", 0, "embedding_length is 0"},
      {"dense-h64-f32", "jamba.feed_forward_length", 127, "ffn_gate.weight has shape"},
      {"dense-h64-f32", "jamba.context_length", 0, "context_length is 0"},
      {"dense-h64-f32", "jamba.ssm.state_size", 0, "ssm.state_size is 0"},
      {"dense-h64-f32", "jamba.ssm.state_size", 15, "ssm_x.weight has shape"},
      {"dense-h64-f32", "jamba.ssm.conv_kernel", 1, "ssm.conv_kernel is 1"},
      {"dense-h64-f32", "jamba.ssm.inner_size", 0x7FFFFFFF, "ssm.inner_size"},
      {"dense-h64-f32", "jamba.ssm.time_step_rank", 5, "ssm_x.weight has shape"},
      {"dense-h64-f32", "jamba.attention.layer_norm_rms_epsilon", 0x7FC00000, "epsilon is nan"},
      {"moe-h64-f32", "jamba.expert_count", 0, "expert_count is 0"},
      {"moe-h64-f32", "jamba.expert_count", 7, "ffn_gate_inp.weight has shape"},
      {"moe-h64-f32", "jamba.expert_used_count", 9, "expert_used_count is 9"},
      {"mamba-h64-f32", "mamba.block_count", 5, "blk.4.attn_norm.weight is missing"},
      {"mamba2", "mamba2.ssm.group_count", 3, "8 heads in 3 groups"},
      {"mamba2", "mamba2.ssm.group_count", 0, "ssm.group_count is 0"},
      {"mamba2", "mamba2.ssm.time_step_rank", 0, "ssm.time_step_rank is 0"},
      {"mamba2", "mamba2.ssm.time_step_rank", 7, "can't be shared by 7 heads"},
      {"mamba2", "mamba2.ssm.state_size", 4096, "ssm_in.weight has shape"},
      {"mamba2", "mamba2.ssm.inner_size", 0xFFFFFFFF, "ssm.inner_size"},
      {"granite-moe", "granitehybrid.expert_used_count", 9, "expert_used_count is 9"},
      {"granite-moe", "granitehybrid.embedding_scale", 0x7FC00000, "embedding_scale is nan"},
      {"granite-moe", "granitehybrid.residual_scale", 0xBF800000, "residual_scale is -1"},
      {"granite-moe", "granitehybrid.expert_shared_feed_forward_length", 63, "shexp.weight has"},
      {"llama", "llama.rope.dimension_count", 7, "rope.dimension_count must be even"},
      {"llama", "llama.rope.dimension_count", 14, "rope_freqs.weight has shape"},
      {"llama", "llama.rope.dimension_count", 0, "rope.dimension_count is 0"},
      {"llama", "llama.rope.dimension_count", 32, "rope.dimension_count is 32"},
      {"llama", "llama.rope.freq_base", 0, "rope.freq_base is 0"},
      {"llama", "llama.attention.head_count_kv", 3, "can't share 3 KV heads"},
      {"gemma3", "gemma3.attention.value_length", 0, "attention.value_length is 0"},
      {"gemma3", "gemma3.attention.sliding_window", 0xFFFFFFFF, "sliding_window"},
      {"gemma3", "gemma3.rope.scaling.factor", 0, "rope.scaling.factor is 0"},
      {"gemma3", "gemma3.rope.freq_base_swa", 0xFF800000, "freq_base_swa is -inf"},
  };
  for (const Row& row : rows) {
    const std::string good = file_bytes(row.model);
    REQUIRE(open_bytes(good).code == "opened");
    const Outcome outcome = open_bytes(with_number(good, row.key, row.value, row.skip));
    CAPTURE(row.key, row.value, outcome.message);
    CHECK(outcome.code == "corrupt");
    CHECK(outcome.message.find("hostile: ") == 0);
    CHECK(outcome.message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("a missing tensor and an unknown architecture are named") {
  std::string bytes = file_bytes("dense-h64-f32");
  bytes[after(bytes, "blk.2.ssm_out.weight") - 1] = 'x';
  CHECK(open_bytes(bytes).message == "hostile: tensor blk.2.ssm_out.weight is missing");

  bytes = file_bytes("dense-h64-f32");
  bytes[after(bytes, "jamba") - 1] = 'o';
  const Outcome outcome = open_bytes(bytes);
  CHECK(outcome.code == "unsupported");
  CHECK(outcome.message.find("\"jambo\"") != std::string::npos);
}

TEST_CASE("what would be left out of the computation is refused, not ignored") {
  std::string bytes = file_bytes("gemma3");
  const std::size_t at = after(bytes, "linear") - 6;
  Outcome outcome = open_bytes(std::string(bytes).replace(at, 6, "linyar"));
  CHECK(outcome.code == "unsupported");
  CHECK(outcome.message.find("rotation scaling \"linyar\"") != std::string::npos);

  bytes = file_bytes("mamba2");
  const std::string name = "blk.2.ssm_conv1d.bias";
  outcome = open_bytes(
      bytes.replace(after(bytes, name) - name.size(), name.size(), "blk.2.ssm_convxd.bias"));
  CHECK(outcome.code == "unsupported");
  CHECK(outcome.message.find("the bias blk.2.ssm_convxd.bias") != std::string::npos);
}
