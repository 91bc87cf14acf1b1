// Mamba (Gu & Dao 2023): Mamba-1 layers only. Variants that set ssm.dt_b_c_rms (Falcon Mamba)
// norm dt, B and C without weights.

#include <orkestra/model/arch/architectures.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <string>
#include <utility>

namespace orkestra::model {

void build_mamba(TensorBinder& binder, Network& network) {
  binder.bind_ends();
  const std::int64_t n_layers = binder.integer("block_count", 1, kMaxLayers);
  const bool norms = binder.file().boolean(binder.key("ssm.dt_b_c_rms"), false);
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    const bool weighted = binder.has(prefix + "ssm_dt_norm.weight");
    Layer layer;
    layer.mixer_norm = binder.floats(prefix + "attn_norm.weight", {network.d_model});
    layer.mixer = binder.mamba1(prefix, weighted, norms);
    network.layers.push_back(std::move(layer));
  }
}

}  // namespace orkestra::model
