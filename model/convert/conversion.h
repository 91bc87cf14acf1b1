// The architectures' side of `model convert`: each function reads its hyperparameters from
// config.json, writes them under the keys llama.cpp uses, and plans the tensors under its names. So
// files made here run there and the other way round.
#pragma once

#include <orkestra/model/convert/model_config.h>
#include <orkestra/model/convert/tensor_plan.h>
#include <orkestra/model/format/gguf_writer.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace orkestra::model {

// Larger than any published model; keeps products of two within 64 bits.
inline constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxBlocks = 4096;

struct Conversion {
  const ModelConfig& config;
  TensorPlan& plan;
  GgufWriter& writer;
  std::string architecture;  // general.architecture: the prefix of its keys

  // Sets ARCHITECTURE.name. Integers must fit 32 bits without a sign, as config's bounds see to.
  void set(std::string_view name, std::int64_t value) const {
    writer.set(key(name), static_cast<std::uint32_t>(value));
  }
  void set_number(std::string_view name, double value) const {
    writer.set(key(name), static_cast<float>(value));
  }
  void set_flag(std::string_view name, bool value) const { writer.set(key(name), value); }
  void set_list(std::string_view name, std::span<const std::int32_t> values) const {
    writer.set(key(name), values);
  }
  std::string key(std::string_view name) const { return architecture + "." + std::string(name); }
};

// Fill the writer's metadata (all but general.* and tokenizer.*) and the plan. Throw
// Error{kCorrupt, kUnsupported} naming the file and the key or tensor.
void convert_jamba(Conversion& conversion);
void convert_mamba(Conversion& conversion);
void convert_mamba2(Conversion& conversion);
void convert_granite_hybrid(Conversion& conversion);
void convert_llama(Conversion& conversion);
void convert_gemma3(Conversion& conversion);

// Parts several of them share (convert_parts.cpp).

// embedding_length, block_count, context_length, epsilon. Returns the number of layers.
std::int64_t convert_frame(const Conversion& conversion, std::int64_t d_model,
                           std::int64_t context_length, double epsilon);
// The keys and the tensors of a Mamba-2 mixer.
struct Mamba2Shape {
  std::int64_t d_inner = 0;
  std::int64_t d_state = 0;
  std::int64_t d_conv = 0;
  std::int64_t n_heads = 0;
  std::int64_t n_groups = 0;
};
void convert_mamba2_keys(const Conversion& conversion, const Mamba2Shape& shape);
void convert_mamba2_mixer(TensorPlan& plan, const std::string& to, const std::string& from,
                          std::int64_t d_model, const Mamba2Shape& shape);
// blk.N.ffn_{gate,up,down}_exps out of one matrix per expert. `name(expert, part)` is the
// checkpoint's name for part 0 (gate), 1 (up), 2 (down).
void convert_experts(const Conversion& conversion, const std::string& prefix,
                     std::int64_t n_experts, std::int64_t d_ff, std::int64_t d_model,
                     const std::function<std::string(std::int64_t, int)>& name);
// The scaled frequencies of Llama 3's rotation as divisors, when config.json asks for them; linear
// scaling as keys. Throws Error{kUnsupported} for other kinds.
void convert_rope_scaling(const Conversion& conversion, std::int64_t head_dim, double base);

}  // namespace orkestra::model
