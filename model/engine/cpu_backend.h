// CpuBackend: the Backend over a Kernels table and a thread pool. Every output element is computed
// by one thread in one order, so results are bit-identical for any thread count and batch.
//
// cpu_backend.cpp has the states and the order of a step, cpu_saved_states.cpp their way to a file
// and back, cpu_products.cpp products with weights, and one file each the mixers and the
// feed-forward parts.
#pragma once

#include <orkestra/model/arch/network.h>
#include <orkestra/model/engine/backend.h>
#include <orkestra/model/engine/cpu_weights.h>
#include <orkestra/model/engine/sequence_state.h>
#include <orkestra/model/engine/thread_pool.h>
#include <orkestra/model/kernels/kernels.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model {

// "best", "reference", "avx2" or "avx512". Throws Error{kInvalid, kUnsupported}.
const Kernels& kernels_named(std::string_view name);
// "f32", "f16" or "q8_0"; none for "auto". Throws Error{kInvalid}.
std::optional<KvType> kv_type_named(std::string_view name);

class CpuBackend final : public Backend {
 public:
  // `network` is borrowed and must outlive the backend. kv: see StateLayout.
  CpuBackend(const Network& network, const Kernels& kernels, int n_threads,
             std::optional<KvType> kv = std::nullopt);

  StateHandle create_state() override;
  StateHandle copy_state(StateHandle state) override;
  void release_state(StateHandle state) override;
  std::size_t state_bytes(StateHandle state) const override;
  std::size_t bytes_in_use() const override;
  std::size_t copy_bytes(StateHandle state) const override;
  std::size_t growth_bytes(StateHandle state, std::size_t n_tokens) const override;
  std::string state_format() const override;
  void save_state(StateHandle state, std::optional<StateHandle> base,
                  const StateSink& write) const override;
  std::optional<StateHandle> load_state(std::int64_t n_tokens, std::optional<StateHandle> base,
                                        const StateSource& read,
                                        const std::function<bool(std::size_t)>& fits) override;
  void step(std::span<const StepChunk> chunks, std::vector<float>& logits) override;
  bool long_step(std::span<const StepChunk> chunks, std::vector<float>& logits,
                 const std::function<bool()>& between) override;

  // For measuring at depth: fills an empty state with pseudo-random numbers, always the same, as if
  // it had been fed n_tokens. What it goes on to compute means nothing, and takes the same time.
  void fabricate(StateHandle state, std::int64_t n_tokens);

 private:
  // One chunk of the step in progress: rows [first_row, first_row + n_rows) of the activations.
  struct Rows {
    SequenceState* state;
    std::int64_t first_row;
    std::int64_t n_rows;
  };
  // y[t, :] = w x[t, :].
  struct Product {
    const Matrix* w;
    float* y;
    std::int64_t y_stride;
  };
  // Work that one thread does at a time in attention: tokens [token_begin, token_end) of `rows`
  // over one KV head and keys [key_begin, key_end).
  struct AttentionTask {
    const Rows* rows;
    std::int64_t kv_head;
    std::int64_t token_begin;
    std::int64_t token_end;
    std::int64_t key_begin;
    std::int64_t key_end;
    std::int64_t partial;  // where in partials_ its result lies
  };

  SequenceState& find(StateHandle state) const;
  // A state that is not in use yet, with whatever it held last, and its handle.
  std::pair<SequenceState*, StateHandle> take_slot();
  // Fills in a new state; false when it does not fit. from: the base's state, where there is one.
  bool read_state(std::int64_t n_tokens, SequenceState& state, const SequenceState* from,
                  const StateSource& read, const std::function<bool(std::size_t)>& fits) const;
  void begin_step(std::span<const StepChunk> chunks);
  // Calls `between` with the workspace free for other steps.
  bool pause(const std::function<bool()>& between);
  void mix(const AttentionMixer& mixer, std::size_t layer);
  void mix(const Mamba1Mixer& mixer, std::size_t layer);
  void mix(const Mamba2Mixer& mixer, std::size_t layer);
  // Norms and rotates, where the mixer has it. x: [T, n_heads * head_dim], queries or keys.
  void place(const AttentionMixer& mixer, const float* weight, std::int64_t n_heads, float* x);
  // Fills turns_ with the angles' cosines and sines at every token's position.
  void turn();
  void remember(const AttentionMixer& mixer, std::size_t layer, const float* k, const float* v);
  void attend(const AttentionMixer& mixer, std::size_t layer, const float* q, float* out);
  void feed_forward(const DenseFfn& ffn);
  void feed_forward(const MoeFfn& ffn);
  // down(activation(gate x) * up x) for n_tokens rows of x -> y, both [n_tokens, d_model].
  void gated(const DenseFfn& ffn, const float* x, std::int64_t n_tokens, float* y);
  void route(const MoeFfn& ffn);
  void norm(const float* x, const float* weight, std::int64_t n_tokens, float* y);
  // Adds mixed_ to the residual, normed before when post_norm is given.
  void add_to_residual(const float* post_norm);
  void write_logits(std::span<const StepChunk> chunks, std::vector<float>& logits);

  // All products of one input, spread over the threads by output rows.
  void multiply(std::initializer_list<Product> products, const float* x, std::int64_t n_tokens);
  // work(begin, end, part) on [0, n) split over the threads in multiples of `unit`, or inline when
  // `cost` (multiply-adds) is small.
  template <typename Work>
  void parallel(std::int64_t n, std::int64_t unit, std::int64_t cost, Work&& work) {
    if (cost < kInlineCost || pool_.n_parts() == 1) {
      work(std::int64_t{0}, n, 0);
      return;
    }
    pool_.run([&](int part) {
      const ThreadPool::Range range = pool_.share(n, unit, part);
      if (range.begin < range.end) work(range.begin, range.end, part);
    });
  }
  static float* grown(std::vector<float>& buffer, std::int64_t n) {
    if (buffer.size() < static_cast<std::size_t>(n)) buffer.resize(static_cast<std::size_t>(n));
    return buffer.data();
  }

  // Below this many multiply-adds, waking the other threads costs more than they save.
  static constexpr std::int64_t kInlineCost = 1 << 15;
  // Output rows, channels and floats are handed out in whole vectors, whatever the kernels' width.
  static constexpr std::int64_t kUnit = 32;

  const Kernels& kernels_;
  ThreadPool pool_;
  const CpuWeights weights_;
  const Network& network_;
  const StateLayout layout_;
  // A handle is a slot's number, and above it how often the slot was used: a handle that was
  // released finds nothing. A few released states keep their memory for the next ones.
  struct Slot {
    std::unique_ptr<SequenceState> state;
    std::int64_t uses = 0;
    bool in_use = false;
  };
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_slots_;  // those with a state last
  std::size_t n_spare_ = 0;              // free slots with a state

  // What a step needs from one layer to the next. T = tokens of the step.
  struct Progress {
    std::int64_t n_tokens = 0;
    std::vector<Rows> rows;
    std::vector<float> residual;  // [T, d_model]
    std::vector<float> turns;     // per rotation: [T, n_pairs] cosines, then as many sines
  };
  Progress paused_;  // of a step that is between two layers; else only its memory is of use

  // Workspace of one step; grows to the largest batch seen.
  std::int64_t n_tokens_ = 0;
  std::vector<Rows> rows_;
  std::vector<float> residual_;            // [T, d_model]
  std::vector<float> normed_;              // [T, d_model]
  std::vector<float> mixed_;               // [T, d_model]
  std::vector<float> wide_;                // [T, 2 * d_inner] (x, z) or [T, q rows + 2 * kv rows]
  std::vector<float> inner_;               // [T, d_inner] convolved x, or [T, n_heads * head_dim]
  std::vector<float> params_;              // [T, dt_rank + 2 * d_state]
  std::vector<float> dt_in_;               // [T, dt_rank]
  std::vector<float> dt_;                  // [T, d_inner]
  std::vector<float> scanned_;             // [T, d_inner]
  std::vector<float> gate_;                // [T, d_ff]
  std::vector<float> up_;                  // [T, d_ff]
  std::vector<float> router_;              // [T, n_experts] probabilities
  std::vector<std::int32_t> chosen_;       // [T, n_used] experts
  std::vector<std::int64_t> expert_rows_;  // rows routed to the expert in hand
  std::vector<float> expert_in_;           // [rows, d_model]
  std::vector<float> expert_out_;          // [rows, d_model]
  std::vector<AttentionTask> attention_tasks_;
  std::vector<float> turns_;     // per rotation: [T, n_pairs] cosines, then as many sines
  std::vector<float> partials_;  // one partial result of attention per task and row
  std::vector<float> attention_workspace_;  // [parts, attention_workspace(head_dim)]
  PreparedActivations prepared_;
};

}  // namespace orkestra::model
