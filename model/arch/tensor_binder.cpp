#include <orkestra/core/error.h>
#include <orkestra/model/arch/tensor_binder.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace orkestra::model {
namespace {

// Larger than any published model; keeps every product of two dimensions within 64 bits.
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 24;
// Floats copied out of the file: far above what norms, biases and SSM parameters need.
constexpr std::int64_t kMaxConverted = std::int64_t{1} << 26;

std::string shape_text(std::initializer_list<std::int64_t> shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

}  // namespace

void TensorBinder::corrupt(const std::string& what) const {
  throw Error(ErrorCode::kCorrupt, file_.name() + ": " + what);
}

void TensorBinder::unsupported(const std::string& what) const {
  throw Error(ErrorCode::kUnsupported, file_.name() + ": " + what);
}

std::string TensorBinder::key(std::string_view name) const {
  return network_.architecture + "." + std::string(name);
}

std::int64_t TensorBinder::integer(std::string_view name, std::int64_t low,
                                   std::int64_t high) const {
  const std::int64_t value = file_.integer(key(name));
  if (value < low || value > high) {
    corrupt(key(name) + " is " + std::to_string(value) + ", must be from " + std::to_string(low) +
            " to " + std::to_string(high));
  }
  return value;
}

std::int64_t TensorBinder::integer_or(std::string_view name, std::int64_t fallback,
                                      std::int64_t low, std::int64_t high) const {
  if (file_.metadata().find(key(name)) == file_.metadata().end()) return fallback;
  return integer(name, low, high);
}

double TensorBinder::number_or(std::string_view name, double fallback, double low,
                               double high) const {
  const double value = file_.number(key(name), fallback);
  if (!(value >= low && value <= high)) {
    corrupt(key(name) + " is " + std::to_string(value) + ", must be from " + std::to_string(low) +
            " to " + std::to_string(high));
  }
  return value;
}

std::vector<std::int64_t> TensorBinder::kv_heads(std::int64_t n_layers) const {
  const std::string name = key("attention.head_count_kv");
  const auto found = file_.metadata().find(name);
  if (found == file_.metadata().end()) corrupt("the key " + name + " is missing");
  if (const auto* one = std::get_if<std::int64_t>(&found->second)) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(n_layers), *one);
  }
  const auto* array = std::get_if<GgufArray>(&found->second);
  const auto* counts = array ? std::get_if<std::vector<std::int64_t>>(array) : nullptr;
  if (counts == nullptr || counts->size() != static_cast<std::size_t>(n_layers)) {
    corrupt(name + " must hold one integer for each of the " + std::to_string(n_layers) +
            " layers");
  }
  return *counts;
}

float TensorBinder::epsilon() const {
  constexpr std::string_view kName = "attention.layer_norm_rms_epsilon";
  if (file_.metadata().find(key(kName)) == file_.metadata().end()) {
    corrupt("the key " + key(kName) + " is missing");
  }
  return static_cast<float>(number_or(kName, 0.0, 0.0, 1.0));
}

void TensorBinder::refuse_unused_biases() const {
  for (const TensorView& tensor : file_.tensors()) {
    if (tensor.name.ends_with(".bias") && biases_.find(tensor.name) == biases_.end()) {
      unsupported("the bias " + tensor.name.substr(0, 128) +
                  " is not something this build knows in a " + network_.architecture + " model");
    }
  }
}

const TensorView& TensorBinder::tensor(const std::string& name,
                                       std::initializer_list<std::int64_t> shape) const {
  const TensorView* view = file_.find_tensor(name);
  if (view == nullptr) corrupt("tensor " + name + " is missing");
  if (view->shape.empty()) corrupt("tensor " + name + " has no dimensions");
  // The format may or may not store trailing dimensions of 1.
  const std::size_t rank = std::max(shape.size(), view->shape.size());
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t expected = i < shape.size() ? shape.begin()[i] : 1;
    const std::int64_t actual = i < view->shape.size() ? view->shape[i] : 1;
    if (expected != actual || actual < 1 || actual > kMaxDimension) {
      corrupt("tensor " + name + " has shape " + shape_text(view->shape) + ", expected " +
              shape_text(shape));
    }
  }
  if (view->data.size() / view->row_bytes() < static_cast<std::size_t>(view->rows())) {
    corrupt("tensor " + name + " has fewer bytes than its shape");
  }
  // Kernels read whole floats and halves.
  const std::uintptr_t alignment = view->type == TensorType::kF32 ? 4 : 2;
  if (reinterpret_cast<std::uintptr_t>(view->data.data()) % alignment != 0) {
    corrupt("tensor " + name + " is not aligned");
  }
  return *view;
}

Matrix TensorBinder::matrix(const std::string& name, std::int64_t rows, std::int64_t cols) const {
  const TensorView& view = tensor(name, {cols, rows});
  return {.type = view.type, .rows = rows, .cols = cols, .data = view.data.data()};
}

std::vector<Matrix> TensorBinder::matrices(const std::string& name, std::int64_t count,
                                           std::int64_t rows, std::int64_t cols) const {
  const TensorView& view = tensor(name, {cols, rows, count});
  const std::size_t bytes = view.row_bytes() * static_cast<std::size_t>(rows);
  std::vector<Matrix> result;
  for (std::int64_t i = 0; i < count; ++i) {
    result.push_back({.type = view.type,
                      .rows = rows,
                      .cols = cols,
                      .data = view.data.data() + bytes * static_cast<std::size_t>(i)});
  }
  return result;
}

float* TensorBinder::convert(std::int64_t n) {
  n_converted_ += n;
  if (n_converted_ > kMaxConverted) {
    throw Error(ErrorCode::kUnsupported,
                file_.name() + ": more small tensors that are not F32 than this build converts");
  }
  network_.converted.push_back(std::make_unique<float[]>(static_cast<std::size_t>(n)));
  return network_.converted.back().get();
}

const float* TensorBinder::floats(const std::string& name,
                                  std::initializer_list<std::int64_t> shape) {
  const TensorView& view = tensor(name, shape);
  if (name.ends_with(".bias")) biases_.insert(name);
  if (view.type == TensorType::kF32) return reinterpret_cast<const float*>(view.data.data());
  const Matrix stored{
      .type = view.type, .rows = view.rows(), .cols = view.row_length(), .data = view.data.data()};
  float* values = convert(stored.rows * stored.cols);
  for (std::int64_t row = 0; row < stored.rows; ++row) {
    dequantize_row(stored, row, values + row * stored.cols);
  }
  return values;
}

const float* TensorBinder::constant(std::int64_t n, float value) {
  if (n != n_constant_ || *constant_ != value) {
    float* values = convert(n);
    std::fill_n(values, n, value);
    constant_ = values;
    n_constant_ = n;
  }
  return constant_;
}

void TensorBinder::bind_ends() {
  network_.d_model = integer("embedding_length", 1, kMaxDimension);
  network_.context_length = integer("context_length", 1, std::int64_t{1} << 31);
  network_.rms_epsilon = epsilon();
  const TensorView* embedding = file_.find_tensor("token_embd.weight");
  if (embedding == nullptr) corrupt("tensor token_embd.weight is missing");
  network_.n_vocab = embedding->shape.size() < 2 ? 1 : embedding->shape[1];
  network_.token_embedding = matrix("token_embd.weight", network_.n_vocab, network_.d_model);
  network_.output_norm = floats("output_norm.weight", {network_.d_model});
  network_.output = has("output.weight")
                        ? matrix("output.weight", network_.n_vocab, network_.d_model)
                        : network_.token_embedding;
}

}  // namespace orkestra::model
