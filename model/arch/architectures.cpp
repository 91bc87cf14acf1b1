#include <orkestra/core/error.h>
#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace orkestra::model {
namespace {

struct Architecture {
  std::string_view name;
  void (*build)(TensorBinder&, Network&);
};

constexpr std::array<Architecture, 6> kArchitectures{{
    {"gemma3", build_gemma3},
    {"granitehybrid", build_granite_hybrid},
    {"jamba", build_jamba},
    {"llama", build_llama},
    {"mamba", build_mamba},
    {"mamba2", build_mamba2},
}};

// What a sequence's state may take. Widths are bounded by the file's own size for most tensors, but
// a few bytes of hyperparameters could make a state larger than any memory. Real models: recurrent
// states below 64 Mi floats, 8192 floats of keys.
constexpr std::int64_t kMaxRecurrentFloats = std::int64_t{1} << 29;
constexpr std::int64_t kMaxKeyWidth = std::int64_t{1} << 18;

void check_state(const Network& network, const TensorBinder& binder) {
  std::int64_t floats = 0;
  for (const Layer& layer : network.layers) {
    if (const auto* mamba = std::get_if<Mamba1Mixer>(&layer.mixer)) {
      floats += mamba->d_inner * (mamba->d_state + mamba->d_conv);
    } else if (const auto* mamba2 = std::get_if<Mamba2Mixer>(&layer.mixer)) {
      floats += mamba2->d_inner * mamba2->d_state + mamba2->d_mixed() * mamba2->d_conv;
    } else if (const auto* attention = std::get_if<AttentionMixer>(&layer.mixer)) {
      if (attention->n_kv_heads * attention->head_dim > kMaxKeyWidth) {
        binder.unsupported("a layer's keys of " +
                           std::to_string(attention->n_kv_heads * attention->head_dim) +
                           " numbers a token are more than this build supports");
      }
    }
  }
  if (floats > kMaxRecurrentFloats) {
    binder.unsupported("a state of " + std::to_string(floats) +
                       " numbers a sequence is more than this build supports");
  }
}

}  // namespace

Network build_network(std::shared_ptr<const GgufFile> file) {
  const std::string_view name = file->text("general.architecture");
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name != name) continue;
    Network network;
    network.architecture = name;
    network.file = std::move(file);
    TensorBinder binder(*network.file, network);
    architecture.build(binder, network);
    binder.refuse_unused_biases();
    check_state(network, binder);
    return network;
  }
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  throw Error(ErrorCode::kUnsupported, file->name() + ": architecture \"" +
                                           std::string(name.substr(0, 64)) +
                                           "\" is not one this build can run (" + known + ")");
}

}  // namespace orkestra::model
