// Which type each tensor of a model gets when the whole is quantised to one target. The mixtures
// and names are llama.cpp's (llama-quantize), so that a file of ours and one of theirs can be
// compared tensor by tensor.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

enum class Mix { kF16, kBF16, kQ8_0, kQ6_K, kQ5_K_M, kQ5_1, kQ5_0, kQ4_K_M, kQ4_1, kQ4_0 };

struct MixInfo {
  Mix mix;
  std::string_view name;    // "Q4_K_M"
  TensorType type;          // of most matrices
  std::uint32_t file_type;  // the number that general.file_type has
};

std::span<const MixInfo> mixes();
const MixInfo& info(Mix mix);
// Case does not matter. nullptr when there is none of that name.
const MixInfo* find_mix(std::string_view name);

struct MixTensor {
  std::string name;
  TensorType type;                  // as it is now: what is not to be quantised keeps it
  std::vector<std::int64_t> shape;  // ggml order
};

// The type of each tensor, in the order given. n_layers: the model's block_count. n_experts: its
// expert_count, 0 when it has none.
std::vector<TensorType> mixed_types(Mix mix, std::span<const MixTensor> tensors,
                                    std::int64_t n_layers, std::int64_t n_experts);

}  // namespace orkestra::model
