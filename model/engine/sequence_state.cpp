#include <orkestra/model/engine/sequence_state.h>
#include <orkestra/model/format/tensor_type.h>

#include <algorithm>

namespace orkestra::model {

namespace {

KvType kv_type_for(TensorType weights) {
  return info(weights).block_elements > 1 ? KvType::kF16 : KvType::kF32;
}

}  // namespace

StateLayout::StateLayout(const Network& network, std::optional<KvType> kv) {
  for (const Layer& layer : network.layers) {
    Recurrent recurrent;
    std::size_t list = 0;
    if (const auto* mamba = std::get_if<Mamba1Mixer>(&layer.mixer)) {
      recurrent.conv = recurrent_floats_;
      recurrent_floats_ += mamba->d_inner * (mamba->d_conv - 1);
      recurrent.ssm = recurrent_floats_;
      recurrent_floats_ += mamba->d_inner * mamba->d_state;
    } else if (const auto* mamba2 = std::get_if<Mamba2Mixer>(&layer.mixer)) {
      recurrent.conv = recurrent_floats_;
      recurrent_floats_ += mamba2->d_mixed() * (mamba2->d_conv - 1);
      recurrent.ssm = recurrent_floats_;
      recurrent_floats_ += mamba2->d_inner * mamba2->d_state;
    } else if (const auto* attention = std::get_if<AttentionMixer>(&layer.mixer)) {
      list = pools_.size();
      pools_.push_back(std::make_unique<PagePool>(kv.value_or(kv_type_for(attention->k.type)),
                                                  attention->n_kv_heads, attention->head_dim));
      windows_.push_back(attention->window);
    }
    recurrent_.push_back(recurrent);
    list_.push_back(list);
  }
}

SequenceState::SequenceState(const StateLayout& layout)
    : recurrent(static_cast<std::size_t>(layout.recurrent_floats()), 0.0F) {
  attention.reserve(layout.pools().size());
  for (const auto& pool : layout.pools()) attention.emplace_back(*pool);
}

void SequenceState::clear() {
  n_tokens = 0;
  std::fill(recurrent.begin(), recurrent.end(), 0.0F);
  for (PageList& list : attention) list.clear();
}

}  // namespace orkestra::model
