// TensorBinder: takes tensors and hyperparameters out of a model file, holding each against what
// the architecture expects. Used while a Network is built; borrows both.
#pragma once

#include <orkestra/model/arch/network.h>

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// Bounds of hyperparameters: larger than any published model.
inline constexpr std::int64_t kMaxLayers = 4096;
inline constexpr std::int64_t kMaxWidth = std::int64_t{1} << 24;

class TensorBinder {
 public:
  TensorBinder(const GgufFile& file, Network& network) : file_(file), network_(network) {}

  const GgufFile& file() const { return file_; }
  bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }

  // A key of this architecture ("block_count") as an integer within [low, high].
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  // The same with a value for when it is missing.
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t low,
                          std::int64_t high) const;
  // The same for numbers; finite and from `low` to `high`.
  double number_or(std::string_view key, double fallback, double low, double high) const;
  // Per layer, 0 marking one without attention; a single number holds for all layers.
  std::vector<std::int64_t> kv_heads(std::int64_t n_layers) const;
  float epsilon() const;
  std::string key(std::string_view name) const;  // "jamba." + name

  // `rows` x `cols` weights for matrix products.
  Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const;
  // `count` matrices stacked in one 3-D tensor.
  std::vector<Matrix> matrices(const std::string& name, std::int64_t count, std::int64_t rows,
                               std::int64_t cols) const;
  // Floats of exactly this shape (file order: the first dimension is contiguous).
  const float* floats(const std::string& name, std::initializer_list<std::int64_t> shape);
  // n times the same value: ones for a norm without weights, zeros for a missing bias. One buffer
  // serves consecutive requests of one length and value.
  const float* constant(std::int64_t n, float value);

  // The parts every architecture here shares: embedding, final norm, output, context, epsilon.
  void bind_ends();
  Mamba1Mixer mamba1(const std::string& prefix, bool require_norms, bool plain_norms);
  Mamba2Mixer mamba2(const std::string& prefix);
  // Weights and widths; scale 1 / sqrt(head_dim), nothing normed, rotated or hidden.
  AttentionMixer attention(const std::string& prefix, std::int64_t n_kv_heads) const;
  // PREFIXffn_{gate,up,down}SUFFIX.weight
  DenseFfn dense(const std::string& prefix, std::int64_t d_ff, std::string_view suffix = "") const;
  MoeFfn moe(const std::string& prefix, std::int64_t d_ff) const;
  // Adds the rotation that the rope.* keys describe for heads of head_dim; its index. `base_key`:
  // "rope.freq_base", or another for layers that have their own and are not `scaled`.
  int rotation(std::int64_t head_dim, bool interleaved, std::string_view base_key,
               double base_fallback, bool scaled);
  // Refuses a file with biases that nothing took: running without them would give wrong logits.
  void refuse_unused_biases() const;

  [[noreturn]] void corrupt(const std::string& what) const;
  [[noreturn]] void unsupported(const std::string& what) const;

 private:
  const TensorView& tensor(const std::string& name,
                           std::initializer_list<std::int64_t> shape) const;
  float* convert(std::int64_t n);

  const GgufFile& file_;
  Network& network_;
  std::int64_t n_converted_ = 0;
  const float* constant_ = nullptr;
  std::int64_t n_constant_ = 0;
  std::set<std::string, std::less<>> biases_;  // taken
};

}  // namespace orkestra::model
