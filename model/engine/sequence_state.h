// SequenceState: what a network remembers of one sequence of tokens. The recurrent layers' part has
// a fixed size and lies in one block; the attention layers' part is a PageList each. Copying one is
// a snapshot: the block is copied, pages are shared.
//
// StateLayout says what lies where, for one network. It owns the pools and must outlive the states.
// All of it belongs to the backend's thread.
#pragma once

#include <orkestra/model/arch/network.h>
#include <orkestra/model/engine/kv_pages.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace orkestra::model {

class StateLayout {
 public:
  // kv: how all attention layers keep keys and values; by default as half floats where the weights
  // that make them are quantised, which costs more accuracy, and as floats where not.
  explicit StateLayout(const Network& network, std::optional<KvType> kv = std::nullopt);

  // Of a recurrent layer, in the block: offsets in floats.
  struct Recurrent {
    std::int64_t conv = 0;  // [channels convolved, d_conv - 1]
    std::int64_t ssm = 0;   // [d_inner, d_state]
  };
  const Recurrent& recurrent(std::size_t layer) const { return recurrent_[layer]; }
  // Of an attention layer: which of the state's lists.
  std::size_t list(std::size_t layer) const { return list_[layer]; }

  // Of a list: how many keys a query of its layer sees, 0 = all.
  std::int64_t window(std::size_t list) const { return windows_[list]; }

  std::int64_t recurrent_floats() const { return recurrent_floats_; }
  std::size_t recurrent_bytes() const {
    return static_cast<std::size_t>(recurrent_floats_) * sizeof(float);
  }
  const std::vector<std::unique_ptr<PagePool>>& pools() const { return pools_; }  // one per list

 private:
  std::int64_t recurrent_floats_ = 0;
  std::vector<Recurrent> recurrent_;  // [n_layers]
  std::vector<std::size_t> list_;     // [n_layers]
  std::vector<std::unique_ptr<PagePool>> pools_;
  std::vector<std::int64_t> windows_;  // one per list
};

// Memory for the recurrent layers' block: on wide pages where the system has them, because a step
// of many sequences goes through all of their blocks once. As std::vector wants it.
struct StateMemory {
  using value_type = float;
  template <typename>
  struct rebind {  // there is memory for floats only
    using other = StateMemory;
  };
  float* allocate(std::size_t n);
  void deallocate(float* block, std::size_t n) noexcept;
  bool operator==(const StateMemory&) const = default;
};
using StateBlock = std::vector<float, StateMemory>;

struct SequenceState {
  explicit SequenceState(const StateLayout& layout);
  // Back to no tokens at all; what memory it has for more is kept.
  void clear();

  std::int64_t n_tokens = 0;
  StateBlock recurrent;             // [recurrent_floats]
  std::vector<PageList> attention;  // one per attention layer
};

}  // namespace orkestra::model
