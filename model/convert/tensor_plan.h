// TensorPlan: what a converted file's tensors are and how each is made out of a checkpoint's. An
// architecture fills it; write() then streams them, a few rows at a time. Borrows the checkpoint
// and must not outlive it. One thread.
//
// A tensor is a list of row ranges of the checkpoint's tensors: so renaming, stacking experts,
// cutting a fused matrix and reordering a head's rows for RoPE are one mechanism. What changes
// values is named by Change.
#pragma once

#include <orkestra/model/convert/safetensors.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/model/format/gguf_writer.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

enum class Change : std::uint8_t {
  kNone,
  kNegativeExp,  // A = -exp(A_log): Mamba trains the logarithm
  kPlusOne,      // Gemma trains norms as the difference from one
};

using Shape = std::initializer_list<std::int64_t>;

class TensorPlan {
 public:
  // matrix_type: F32, F16 or BF16, for the weights of matrix products. All else is F32.
  TensorPlan(const Checkpoint& checkpoint, TensorType matrix_type)
      : checkpoint_(checkpoint), matrix_type_(matrix_type) {}

  const Checkpoint& checkpoint() const { return checkpoint_; }
  bool has(const std::string& from) const { return checkpoint_.find(from) != nullptr; }

  // In all of these `from` must have exactly the shape given, the checkpoint's way (the last
  // dimension is contiguous). Throw Error: kCorrupt (missing, another shape), naming the tensor.

  // [rows, cols] -> the same.
  void matrix(const std::string& to, const std::string& from, std::int64_t rows, std::int64_t cols);
  void vector(const std::string& to, const std::string& from, std::int64_t n,
              Change change = Change::kNone);
  // The same elements under another shape; to_shape is the file's way (the first is contiguous).
  void reshaped(const std::string& to, Shape to_shape, const std::string& from, Shape from_shape,
                Change change = Change::kNone);
  // Rows [first, first + count) of [rows, cols].
  void part(const std::string& to, const std::string& from, std::int64_t rows, std::int64_t cols,
            std::int64_t first, std::int64_t count);
  // One matrix per expert -> one tensor of three dimensions.
  void stacked(const std::string& to, const std::vector<std::string>& from, std::int64_t rows,
               std::int64_t cols);
  // Rows [first, first + count) of each of [experts, rows, cols] -> [experts, count, cols].
  void part_of_each(const std::string& to, const std::string& from, std::int64_t experts,
                    std::int64_t rows, std::int64_t cols, std::int64_t first, std::int64_t count);
  // [heads * head_dim, cols] with each head's rows put in the order of interleaved RoPE: the
  // checkpoint rotates row i of a head with row i + head_dim / 2, the file with the row beside it.
  void rotary(const std::string& to, const std::string& from, std::int64_t heads,
              std::int64_t head_dim, std::int64_t cols);
  // Computed values instead of a checkpoint's.
  void values(const std::string& to, std::vector<float> values);

  // The embedding and the output matrix of [n_vocab, d_model]; the output is left out when `tied`
  // or when it is the embedding bit for bit.
  void ends(const std::string& embedding, const std::string& output, std::int64_t n_vocab,
            std::int64_t d_model, bool tied);
  std::int64_t n_vocab() const { return n_vocab_; }  // as ends() was told
  // Rows of a tensor of two dimensions.
  std::int64_t rows_of(const std::string& from) const;

  void announce(GgufWriter& writer) const;
  using Progress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;
  // Returns the bytes of all tensors. Throws Error: kUnsupported (an element type, a value that F16
  // can't hold), kCancelled.
  std::uint64_t write(GgufWriter& writer, const Progress& progress, std::stop_token stop) const;

 private:
  struct RowRange {
    const SafeTensor* from;
    std::int64_t first;  // in rows of the output's row length
    std::int64_t count;
  };
  struct Output {
    std::string name;
    TensorType type;
    std::vector<std::int64_t> shape;  // the file's way
    std::vector<RowRange> rows;
    std::vector<float> values;  // when rows is empty
    Change change = Change::kNone;
  };

  const SafeTensor& take(const std::string& from, std::span<const std::int64_t> shape) const;
  Output& add(const std::string& to, std::vector<std::int64_t> shape);
  void write_tensor(const Output& output, GgufWriter& writer, const Progress& progress,
                    std::uint64_t& done, std::uint64_t total, const std::stop_token& stop) const;

  const Checkpoint& checkpoint_;
  TensorType matrix_type_;
  std::int64_t n_vocab_ = 0;
  std::vector<Output> outputs_;
};

}  // namespace orkestra::model
