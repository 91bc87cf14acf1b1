// Mamba-2 (Dao & Gu 2024): Mamba-2 layers only.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <utility>

namespace orkestra::model {

void build_mamba2(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    layer.mixer = binder.mamba2(prefix);
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
