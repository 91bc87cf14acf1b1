#include <orkestra/model/engine/sequence_state.h>
#include <orkestra/model/format/tensor_type.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace orkestra::model {

namespace {

KvType kv_type_for(TensorType weights) {
  return info(weights).block_elements > 1 ? KvType::kF16 : KvType::kF32;
}

constexpr std::size_t kWidePage = std::size_t{2} << 20U;

// Only whole wide pages lie on such, so that a block takes no more than its size.
std::size_t alignment(std::size_t bytes) { return bytes < kWidePage ? 64 : kWidePage; }

}  // namespace

float* StateMemory::allocate(std::size_t n) {
  const std::size_t bytes = n * sizeof(float);
  void* block = ::operator new (bytes, std::align_val_t{alignment(bytes)});
  const std::size_t wide = bytes / kWidePage * kWidePage;
  if (wide > 0) ::madvise(block, wide, MADV_HUGEPAGE);  // a wish, not a need
  return static_cast<float*>(block);
}

void StateMemory::deallocate(float* block, std::size_t n) noexcept {
  ::operator delete (block, std::align_val_t{alignment(n * sizeof(float))});
}

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
