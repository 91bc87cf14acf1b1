#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/quantize/mix.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace orkestra::model {

namespace {

constexpr std::array<MixInfo, 10> kMixes{{
    {Mix::kF16, "F16", TensorType::kF16, 1},
    {Mix::kBF16, "BF16", TensorType::kBF16, 32},
    {Mix::kQ8_0, "Q8_0", TensorType::kQ8_0, 7},
    {Mix::kQ6_K, "Q6_K", TensorType::kQ6_K, 18},
    {Mix::kQ5_K_M, "Q5_K_M", TensorType::kQ5_K, 17},
    {Mix::kQ5_1, "Q5_1", TensorType::kQ5_1, 9},
    {Mix::kQ5_0, "Q5_0", TensorType::kQ5_0, 8},
    {Mix::kQ4_K_M, "Q4_K_M", TensorType::kQ4_K, 15},
    {Mix::kQ4_1, "Q4_1", TensorType::kQ4_1, 3},
    {Mix::kQ4_0, "Q4_0", TensorType::kQ4_0, 2},
}};

bool contains(std::string_view name, std::string_view part) {
  return name.find(part) != std::string_view::npos;
}

// Vectors, norms, the router and the small convolution stay as they are: they are a thousandth of
// the file and everything goes through them.
bool is_quantised(const MixTensor& tensor) {
  const std::string_view name = tensor.name;
  return tensor.shape.size() >= 2 && name.ends_with("weight") && !contains(name, "_norm.weight") &&
         !contains(name, "ffn_gate_inp.weight") && !contains(name, "ssm_conv1d") &&
         !contains(name, "shortconv.conv.weight");
}

// The layer in "blk.7.attn_v.weight"; -1 outside layers.
std::int64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  std::int64_t layer = -1;
  if (name.starts_with(kPrefix)) {
    name.remove_prefix(kPrefix.size());
    std::from_chars(name.data(), name.data() + name.size(), layer);
  }
  return layer;
}

// The first and the last eighth, and every third in between: errors made early are carried
// furthest, those made late are mended by nothing.
bool deserves_more_bits(std::int64_t i, std::int64_t n) {
  return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

// What a row length that is no multiple of the type's block is stored as.
TensorType fitting(TensorType type, std::int64_t cols) {
  if (cols % info(type).block_elements == 0) return type;
  const TensorType smaller = type == TensorType::kQ4_K   ? TensorType::kQ5_0
                             : type == TensorType::kQ5_K ? TensorType::kQ5_1
                                                         : TensorType::kQ8_0;
  return cols % info(smaller).block_elements == 0 ? smaller : TensorType::kF16;
}

}  // namespace

std::span<const MixInfo> mixes() { return kMixes; }

const MixInfo& info(Mix mix) {
  return *std::find_if(kMixes.begin(), kMixes.end(),
                       [&](const MixInfo& row) { return row.mix == mix; });
}

const MixInfo* find_mix(std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  for (const MixInfo& row : kMixes) {
    if (std::equal(name.begin(), name.end(), row.name.begin(), row.name.end(),
                   [&](char a, char b) { return upper(a) == b; })) {
      return &row;
    }
  }
  return nullptr;
}

std::vector<TensorType> mixed_types(Mix mix, std::span<const MixTensor> tensors,
                                    std::int64_t n_layers, std::int64_t n_experts) {
  const TensorType base = info(mix).type;
  const bool medium = mix == Mix::kQ4_K_M || mix == Mix::kQ5_K_M;
  const bool tied = std::none_of(tensors.begin(), tensors.end(),
                                 [](const MixTensor& t) { return t.name == "output.weight"; });
  std::vector<std::int64_t> value_layers;  // layers with an attn_v, in order
  for (const MixTensor& t : tensors) {
    if (contains(t.name, "attn_v.weight") || contains(t.name, "attn_qkv.weight")) {
      value_layers.push_back(layer_of(t.name));
    }
  }
  std::sort(value_layers.begin(), value_layers.end());

  const auto type_of = [&](const MixTensor& tensor) {
    const std::string_view name = tensor.name;
    const std::int64_t cols = tensor.shape[0];
    if (mix == Mix::kF16 || mix == Mix::kBF16) return base;
    if (name == "output.weight" || (tied && name == "token_embd.weight")) {
      const bool fits = cols % info(base).block_elements == 0;
      return base == TensorType::kQ8_0 || !fits ? TensorType::kQ8_0 : TensorType::kQ6_K;
    }
    if (contains(name, "attn_v.weight") || contains(name, "attn_qkv.weight")) {
      // Eight experts cost so much that eight bits here are not noticed.
      if (n_experts == 8) return TensorType::kQ8_0;
      const auto rank = std::lower_bound(value_layers.begin(), value_layers.end(), layer_of(name)) -
                        value_layers.begin();
      const auto n = static_cast<std::int64_t>(value_layers.size());
      return medium && deserves_more_bits(rank, n) ? TensorType::kQ6_K : base;
    }
    if (contains(name, "attn_k.weight")) return n_experts == 8 ? TensorType::kQ8_0 : base;
    if (contains(name, "ffn_down")) {
      return medium && deserves_more_bits(layer_of(name), n_layers) ? TensorType::kQ6_K : base;
    }
    if (contains(name, "attn_output.weight")) {
      return n_experts == 8 && mix == Mix::kQ4_K_M ? TensorType::kQ5_K : base;
    }
    return base;
  };

  std::vector<TensorType> types;
  types.reserve(tensors.size());
  for (const MixTensor& tensor : tensors) {
    types.push_back(is_quantised(tensor) ? fitting(type_of(tensor), tensor.shape[0]) : tensor.type);
  }
  return types;
}

}  // namespace orkestra::model
