// TensorBinder: takes tensors and hyperparameters out of a model file, holding each against what
// the architecture expects. Used while a Network is built; borrows both.
#pragma once

#include <orkestra/model/arch/network.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

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
  float epsilon() const;
  std::string key(std::string_view name) const;  // "jamba." + name

  // `rows` x `cols` weights for matrix products.
  Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const;
  // `count` matrices stacked in one 3-D tensor.
  std::vector<Matrix> matrices(const std::string& name, std::int64_t count, std::int64_t rows,
                               std::int64_t cols) const;
  // Floats of exactly this shape (file order: the first dimension is contiguous).
  const float* floats(const std::string& name, std::initializer_list<std::int64_t> shape);
  // n ones, for a norm without weights. One buffer serves consecutive requests of one length.
  const float* ones(std::int64_t n);

  // The parts every architecture here shares: embedding, final norm, output, context, epsilon.
  void bind_ends();
  Mamba1Mixer mamba1(const std::string& prefix, bool require_norms, bool plain_norms);

  [[noreturn]] void corrupt(const std::string& what) const;

 private:
  const TensorView& tensor(const std::string& name,
                           std::initializer_list<std::int64_t> shape) const;
  float* convert(std::int64_t n);

  const GgufFile& file_;
  Network& network_;
  std::int64_t n_converted_ = 0;
  const float* ones_ = nullptr;
  std::int64_t n_ones_ = 0;
};

}  // namespace orkestra::model
