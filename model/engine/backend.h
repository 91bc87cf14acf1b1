// Backend: a device that holds a network's weights, runs whole batches, and owns sequence states
// behind handles: nobody else sees a state's bytes, so they may live on another device.
//
// A backend belongs to one thread (the batch worker's).
#pragma once

#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orkestra::model {

// Names one sequence's state within its backend.
enum class StateHandle : std::int64_t {};

// The next tokens of one sequence. A state occurs in at most one chunk of a step.
struct StepChunk {
  StateHandle state{};
  std::span<const TokenId> tokens;  // at least one
  std::int64_t n_logits = 0;        // logits are wanted after the last n_logits of the tokens
};

// Bytes of saved states on their way out and in. A source fills all of the span or throws.
using StateSink = std::function<void(std::span<const std::byte>)>;
using StateSource = std::function<void(std::span<std::byte>)>;

class Backend {
 public:
  virtual ~Backend() = default;

  virtual StateHandle create_state() = 0;
  // A snapshot: from now on the two are independent. Costs a copy of the recurrent layers' part;
  // attention memory is shared until one of the two adds to it.
  virtual StateHandle copy_state(StateHandle state) = 0;
  virtual void release_state(StateHandle state) = 0;
  // What `state` remembers, memory it shares with its copies included.
  virtual std::size_t state_bytes(StateHandle state) const = 0;
  // Memory of all states together; what they share is counted once.
  virtual std::size_t bytes_in_use() const = 0;
  // At most how much bytes_in_use() grows when the state is copied, or fed n_tokens more.
  virtual std::size_t copy_bytes(StateHandle state) const = 0;
  virtual std::size_t growth_bytes(StateHandle state, std::size_t n_tokens) const = 0;

  // What the bytes of saved states mean: they go between backends of the same weights whose
  // formats are equal, and give the same logits there, bit for bit.
  virtual std::string state_format() const = 0;
  // Writes `state` but for what it has in common with `base`, which was written before it.
  virtual void save_state(StateHandle state, std::optional<StateHandle> base,
                          const StateSink& write) const = 0;
  // Reads what save_state wrote of a state of `n_tokens` tokens; `base`: the same one, read before.
  // Before it takes memory it asks whether so many bytes fit; none where they don't. Throws
  // Error{kCorrupt}, and what `read` throws; then nothing remains of the state.
  virtual std::optional<StateHandle> load_state(std::int64_t n_tokens,
                                                std::optional<StateHandle> base,
                                                const StateSource& read,
                                                const std::function<bool(std::size_t)>& fits) = 0;

  // Feeds every chunk to its state. logits: [sum of n_logits, n_vocab], in the order of chunks.
  // What a sequence gets depends on its own tokens only, bit for bit. Throws Error{kInvalid} for
  // a token outside the vocabulary before anything is changed; after any other exception the
  // states of this step are unusable and must be released.
  virtual void step(std::span<const StepChunk> chunks, std::vector<float>& logits) = 0;
  // The same, but calls `between` after every layer but the last, on this thread. It may do
  // anything that leaves the states of this step alone, make other steps included (with logits of
  // their own). When it returns false, or throws, the step is abandoned: its states are then
  // unusable and must be released. Returns whether the step was completed.
  virtual bool long_step(std::span<const StepChunk> chunks, std::vector<float>& logits,
                         const std::function<bool()>& between) = 0;
};

}  // namespace orkestra::model
