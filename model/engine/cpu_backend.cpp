// States, and the order of one step.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/cpu_backend.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::int64_t kMostSlots = 1 << 20;
// Enough for the copies that guesses keep for a step; too few to weigh much.
constexpr std::size_t kMostSpareStates = 3;

}  // namespace

const Kernels& kernels_named(std::string_view name) {
  if (name == "best") return best_kernels();
  if (name == "reference") return reference_kernels();
  if (name == "avx2") {
    if (const Kernels* kernels = avx2_kernels()) return *kernels;
    throw Error(ErrorCode::kUnsupported,
                "kernels \"avx2\": this processor lacks AVX2, FMA or F16C; use \"best\"");
  }
  if (name == "avx512") {
    if (const Kernels* kernels = avx512_kernels()) return *kernels;
    throw Error(
        ErrorCode::kUnsupported,
        "kernels \"avx512\": this processor lacks AVX-512 F, BW, VL, DQ or VNNI; use \"best\"");
  }
  throw Error(ErrorCode::kInvalid, "kernels \"" + std::string(name.substr(0, 64)) +
                                       "\": choose best, reference, avx2 or avx512");
}

std::optional<KvType> kv_type_named(std::string_view name) {
  if (name == "auto") return std::nullopt;
  if (name == "f32") return KvType::kF32;
  if (name == "f16") return KvType::kF16;
  if (name == "q8_0") return KvType::kQ8_0;
  throw Error(ErrorCode::kInvalid, "keys and values as \"" + std::string(name.substr(0, 64)) +
                                       "\": choose auto, f32, f16 or q8_0");
}

CpuBackend::CpuBackend(const Network& network, const Kernels& kernels, int n_threads,
                       std::optional<KvType> kv)
    : kernels_(kernels),
      pool_(n_threads),
      weights_(network, kernels, pool_),
      network_(weights_.network()),
      layout_(network_, kv) {}

SequenceState& CpuBackend::find(StateHandle handle) const {
  const auto value = static_cast<std::int64_t>(handle);
  const auto index = static_cast<std::size_t>(value & (kMostSlots - 1));
  if (value < 0 || index >= slots_.size() || !slots_[index].in_use ||
      slots_[index].uses != value / kMostSlots) {
    throw Error(ErrorCode::kInternal, "backend: no state has this handle");
  }
  return *slots_[index].state;
}

std::pair<SequenceState*, StateHandle> CpuBackend::take_slot() {
  if (free_slots_.empty()) {
    if (slots_.size() == kMostSlots) {
      throw Error(ErrorCode::kExhausted, "backend: a million states are in use");
    }
    slots_.emplace_back();
    free_slots_.reserve(slots_.capacity());
    free_slots_.push_back(slots_.size() - 1);
  }
  const std::size_t index = free_slots_.back();
  Slot& slot = slots_[index];
  if (slot.state) {
    --n_spare_;
  } else {
    slot.state = std::make_unique<SequenceState>(layout_);
  }
  free_slots_.pop_back();
  slot.in_use = true;
  ++slot.uses;
  const std::int64_t handle = slot.uses * kMostSlots + static_cast<std::int64_t>(index);
  return {slot.state.get(), static_cast<StateHandle>(handle)};
}

StateHandle CpuBackend::create_state() {
  const auto [state, handle] = take_slot();
  state->clear();
  return handle;
}

StateHandle CpuBackend::copy_state(StateHandle origin) {
  find(origin);  // throws before anything is taken
  const auto [state, handle] = take_slot();
  try {
    *state = find(origin);
  } catch (...) {
    release_state(handle);
    throw;
  }
  return handle;
}

void CpuBackend::release_state(StateHandle handle) {
  const auto index = static_cast<std::size_t>(static_cast<std::int64_t>(handle) & (kMostSlots - 1));
  SequenceState& state = find(handle);
  Slot& slot = slots_[index];
  slot.in_use = false;
  if (n_spare_ < kMostSpareStates) {
    for (PageList& list : state.attention) list.clear();
    ++n_spare_;
    free_slots_.push_back(index);
  } else {
    slot.state.reset();
    free_slots_.insert(free_slots_.begin(), index);
  }
}

std::size_t CpuBackend::state_bytes(StateHandle state) const {
  std::size_t bytes = sizeof(SequenceState) + layout_.recurrent_bytes();
  for (const PageList& list : find(state).attention) {
    bytes += list.n_held() * list.pool().page_bytes() + list.size() * sizeof(std::byte*);
  }
  return bytes;
}

std::size_t CpuBackend::bytes_in_use() const {
  std::size_t bytes =
      (slots_.size() - free_slots_.size()) * (sizeof(SequenceState) + layout_.recurrent_bytes());
  for (const auto& pool : layout_.pools()) bytes += pool->bytes_in_use();
  return bytes;
}

std::size_t CpuBackend::copy_bytes(StateHandle) const {
  return sizeof(SequenceState) + layout_.recurrent_bytes();
}

std::size_t CpuBackend::growth_bytes(StateHandle handle, std::size_t n_tokens) const {
  const SequenceState& state = find(handle);
  const std::int64_t end = state.n_tokens + static_cast<std::int64_t>(n_tokens);
  std::size_t bytes = 0;
  for (const PageList& list : state.attention) {
    bytes += list.pages_taken(state.n_tokens, end) * list.pool().page_bytes();
  }
  return bytes;
}

void CpuBackend::begin_step(std::span<const StepChunk> chunks) {
  rows_.clear();
  n_tokens_ = 0;
  for (const StepChunk& chunk : chunks) {
    if (chunk.tokens.empty() || chunk.n_logits < 0 ||
        chunk.n_logits > static_cast<std::int64_t>(chunk.tokens.size())) {
      throw Error(ErrorCode::kInternal, "backend: a chunk without tokens, or more logits than it");
    }
    for (const TokenId token : chunk.tokens) {
      if (token < 0 || token >= network_.n_vocab) {
        throw Error(ErrorCode::kInvalid, "token " + std::to_string(token) +
                                             " is outside the vocabulary of " +
                                             std::to_string(network_.n_vocab));
      }
    }
    SequenceState& state = find(chunk.state);
    for (const Rows& earlier : rows_) {
      if (earlier.state == &state) {
        throw Error(ErrorCode::kInternal, "backend: one state in two chunks of a step");
      }
    }
    const auto n = static_cast<std::int64_t>(chunk.tokens.size());
    rows_.push_back({.state = &state, .first_row = n_tokens_, .n_rows = n});
    n_tokens_ += n;
  }
}

void CpuBackend::step(std::span<const StepChunk> chunks, std::vector<float>& logits) {
  long_step(chunks, logits, nullptr);
}

bool CpuBackend::pause(const std::function<bool()>& between) {
  const auto exchange = [this] {
    std::swap(paused_.n_tokens, n_tokens_);
    paused_.rows.swap(rows_);
    paused_.residual.swap(residual_);
    paused_.turns.swap(turns_);
  };
  struct Restore {
    const decltype(exchange)& restore;
    ~Restore() { restore(); }
  };
  exchange();
  const Restore at_end{exchange};
  return between();
}

bool CpuBackend::long_step(std::span<const StepChunk> chunks, std::vector<float>& logits,
                           const std::function<bool()>& between) {
  begin_step(chunks);
  if (chunks.empty()) {
    logits.clear();
    return true;
  }

  const std::int64_t d = network_.d_model;
  grown(residual_, n_tokens_ * d);
  grown(normed_, n_tokens_ * d);
  grown(mixed_, n_tokens_ * d);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::size_t t = 0; t < chunks[i].tokens.size(); ++t) {
      const std::int64_t row = rows_[i].first_row + static_cast<std::int64_t>(t);
      float* h = residual_.data() + row * d;
      dequantize_row(network_.token_embedding, chunks[i].tokens[t], h);
      if (network_.embedding_scale == 1.0F) continue;
      for (std::int64_t j = 0; j < d; ++j) h[j] *= network_.embedding_scale;
    }
  }
  turn();

  for (std::size_t i = 0; i < network_.layers.size(); ++i) {
    const Layer& layer = network_.layers[i];
    norm(residual_.data(), layer.mixer_norm, n_tokens_, normed_.data());
    std::visit([&](const auto& mixer) { mix(mixer, i); }, layer.mixer);
    add_to_residual(layer.mixer_post_norm);
    if (!std::holds_alternative<std::monostate>(layer.ffn)) {
      norm(residual_.data(), layer.ffn_norm, n_tokens_, normed_.data());
      if (const auto* dense = std::get_if<DenseFfn>(&layer.ffn)) feed_forward(*dense);
      if (const auto* moe = std::get_if<MoeFfn>(&layer.ffn)) feed_forward(*moe);
      add_to_residual(layer.ffn_post_norm);
    }
    if (between && i + 1 < network_.layers.size() && !pause(between)) return false;
  }

  for (const Rows& rows : rows_) rows.state->n_tokens += rows.n_rows;
  write_logits(chunks, logits);
  return true;
}

void CpuBackend::write_logits(std::span<const StepChunk> chunks, std::vector<float>& logits) {
  const std::int64_t d = network_.d_model;
  std::int64_t n = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const std::int64_t first = rows_[i].first_row + rows_[i].n_rows - chunks[i].n_logits;
    std::copy_n(residual_.data() + first * d, chunks[i].n_logits * d, mixed_.data() + n * d);
    n += chunks[i].n_logits;
  }
  // Not cleared before: filling megabytes with zeros would be a step's longest write.
  logits.resize(static_cast<std::size_t>(n * network_.n_vocab));
  if (n == 0) return;
  norm(mixed_.data(), network_.output_norm, n, normed_.data());
  multiply({{&network_.output, logits.data(), network_.n_vocab}}, normed_.data(), n);
  if (network_.logit_scale != 1.0F) {
    for (float& x : logits) x *= network_.logit_scale;
  }
  if (network_.logit_cap > 0.0F) {
    const double cap = network_.logit_cap;
    for (float& x : logits) x = static_cast<float>(cap * std::tanh(x / cap));
  }
}

}  // namespace orkestra::model
