#include <orkestra/core/error.h>
#include <orkestra/model/convert/tensor_plan.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/float16.h>
#include <orkestra/model/format/tensor_type.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace orkestra::model {
namespace {

// Elements converted at a time: bounds the memory, long enough to make writes cheap.
constexpr std::int64_t kChunkElements = std::int64_t{1} << 18;

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

// What the peers keep in F32 whatever the file's type: vectors, norms, the convolution, the router,
// and names without ".weight".
bool is_matrix(const std::string& name, std::span<const std::int64_t> shape) {
  return shape.size() > 1 && name.ends_with(".weight") && !name.ends_with("_norm.weight") &&
         !name.ends_with("ssm_conv1d.weight") && !name.ends_with("ffn_gate_inp.weight");
}

void apply(Change change, std::span<float> values) {
  if (change == Change::kNegativeExp) {
    for (float& x : values) x = -std::exp(x);
  } else if (change == Change::kPlusOne) {
    for (float& x : values) x += 1.0F;
  }
}

// Throws Error{kUnsupported} when a finite value becomes infinite.
void pack(std::span<const float> values, TensorType type, const std::string& name,
          std::vector<std::byte>& out) {
  const bool half = type == TensorType::kF16;
  out.resize(values.size() * 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = half ? float_to_f16(values[i]) : float_to_bf16(values[i]);
    if (half && (bits & 0x7FFFU) == 0x7C00U && std::isfinite(values[i])) {
      throw Error(ErrorCode::kUnsupported, "tensor " + name + " holds " +
                                               std::to_string(values[i]) +
                                               ", which F16 can't; use --type bf16");
    }
    std::memcpy(out.data() + 2 * i, &bits, 2);
  }
}

}  // namespace

const SafeTensor& TensorPlan::take(const std::string& from,
                                   std::span<const std::int64_t> shape) const {
  const SafeTensor* tensor = checkpoint_.find(from);
  if (tensor == nullptr) {
    throw Error(ErrorCode::kCorrupt, "the checkpoint has no tensor " + printable(from));
  }
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end())) {
    throw Error(ErrorCode::kCorrupt, std::string(tensor->file) + ": tensor " + printable(from) +
                                         " has shape " + shape_text(tensor->shape) +
                                         ", config.json makes it " + shape_text(shape));
  }
  return *tensor;
}

TensorPlan::Output& TensorPlan::add(const std::string& to, std::vector<std::int64_t> shape) {
  const TensorType type = is_matrix(to, shape) ? matrix_type_ : TensorType::kF32;
  outputs_.push_back({.name = to, .type = type, .shape = std::move(shape)});
  return outputs_.back();
}

void TensorPlan::matrix(const std::string& to, const std::string& from, std::int64_t rows,
                        std::int64_t cols) {
  part(to, from, rows, cols, 0, rows);
}

void TensorPlan::vector(const std::string& to, const std::string& from, std::int64_t n,
                        Change change) {
  reshaped(to, {n}, from, {n}, change);
}

void TensorPlan::reshaped(const std::string& to, Shape to_shape, const std::string& from,
                          Shape from_shape, Change change) {
  const SafeTensor& tensor = take(from, from_shape);
  Output& output = add(to, to_shape);
  output.rows.push_back({&tensor, 0, tensor.elements / output.shape[0]});
  output.change = change;
}

void TensorPlan::part(const std::string& to, const std::string& from, std::int64_t rows,
                      std::int64_t cols, std::int64_t first, std::int64_t count) {
  const std::int64_t shape[] = {rows, cols};
  const SafeTensor& tensor = take(from, shape);
  add(to, {cols, count}).rows.push_back({&tensor, first, count});
}

void TensorPlan::stacked(const std::string& to, const std::vector<std::string>& from,
                         std::int64_t rows, std::int64_t cols) {
  Output& output = add(to, {cols, rows, static_cast<std::int64_t>(from.size())});
  const std::int64_t shape[] = {rows, cols};
  for (const std::string& name : from) output.rows.push_back({&take(name, shape), 0, rows});
}

void TensorPlan::part_of_each(const std::string& to, const std::string& from, std::int64_t experts,
                              std::int64_t rows, std::int64_t cols, std::int64_t first,
                              std::int64_t count) {
  const std::int64_t shape[] = {experts, rows, cols};
  const SafeTensor& tensor = take(from, shape);
  Output& output = add(to, {cols, count, experts});
  for (std::int64_t e = 0; e < experts; ++e) {
    output.rows.push_back({&tensor, e * rows + first, count});
  }
}

void TensorPlan::rotary(const std::string& to, const std::string& from, std::int64_t heads,
                        std::int64_t head_dim, std::int64_t cols) {
  if (head_dim % 2 != 0) {
    throw Error(ErrorCode::kCorrupt, printable(from) + ": a head of " + std::to_string(head_dim) +
                                         " rows can't be rotated in pairs");
  }
  const std::int64_t shape[] = {heads * head_dim, cols};
  const SafeTensor& tensor = take(from, shape);
  Output& output = add(to, {cols, heads * head_dim});
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t i = 0; i < head_dim / 2; ++i) {
      output.rows.push_back({&tensor, head * head_dim + i, 1});
      output.rows.push_back({&tensor, head * head_dim + i + head_dim / 2, 1});
    }
  }
}

void TensorPlan::values(const std::string& to, std::vector<float> values) {
  Output& output = add(to, {static_cast<std::int64_t>(values.size())});
  output.values = std::move(values);
}

void TensorPlan::ends(const std::string& embedding, const std::string& output, std::int64_t n_vocab,
                      std::int64_t d_model, bool tied) {
  n_vocab_ = n_vocab;
  matrix("token_embd.weight", embedding, n_vocab, d_model);
  const SafeTensor* own = checkpoint_.find(output);
  if (tied || own == nullptr) return;
  const SafeTensor& shared = *checkpoint_.find(embedding);
  const bool same = own->type == shared.type && own->shape == shared.shape &&
                    std::equal(own->data.begin(), own->data.end(), shared.data.begin());
  if (!same) matrix("output.weight", output, n_vocab, d_model);
}

std::int64_t TensorPlan::rows_of(const std::string& from) const {
  const SafeTensor* tensor = checkpoint_.find(from);
  if (tensor == nullptr || tensor->shape.size() != 2) {
    throw Error(ErrorCode::kCorrupt, "the checkpoint has no matrix " + printable(from));
  }
  return tensor->shape[0];
}

void TensorPlan::announce(GgufWriter& writer) const {
  for (const Output& output : outputs_) writer.add_tensor(output.name, output.type, output.shape);
}

std::uint64_t TensorPlan::write(GgufWriter& writer, const Progress& progress,
                                std::stop_token stop) const {
  std::uint64_t total = 0;
  for (const Output& output : outputs_) {
    std::uint64_t bytes = row_bytes(output.type, output.shape[0]);
    for (std::size_t i = 1; i < output.shape.size(); ++i) {
      bytes *= static_cast<std::uint64_t>(output.shape[i]);
    }
    total += bytes;
  }
  std::uint64_t done = 0;
  for (const Output& output : outputs_) {
    write_tensor(output, writer, progress, done, total, stop);
    const SafeTensor* forgotten = nullptr;  // a reordered head has many ranges of one tensor
    for (const RowRange& range : output.rows) {
      if (range.from != forgotten) checkpoint_.forget(*range.from);
      forgotten = range.from;
    }
  }
  return done;
}

void TensorPlan::write_tensor(const Output& output, GgufWriter& writer, const Progress& progress,
                              std::uint64_t& done, std::uint64_t total,
                              const std::stop_token& stop) const {
  std::vector<float> values;
  std::vector<std::byte> packed;
  const auto emit = [&](std::span<float> chunk) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "the conversion was stopped");
    apply(output.change, chunk);
    std::span<const std::byte> bytes = std::as_bytes(chunk);
    if (output.type != TensorType::kF32) {
      pack(chunk, output.type, output.name, packed);
      bytes = packed;
    }
    writer.write(bytes);
    done += bytes.size();
    if (progress) progress(done, total);
  };
  if (output.rows.empty()) {
    values = output.values;
    emit(values);
    return;
  }
  // Short ranges (single rows of a reordered head) are gathered into one chunk.
  const std::int64_t cols = output.shape[0];
  values.reserve(static_cast<std::size_t>(kChunkElements));
  for (const RowRange& range : output.rows) {
    std::int64_t at = range.first * cols;
    std::int64_t left = range.count * cols;
    while (left > 0) {
      const auto held = static_cast<std::int64_t>(values.size());
      const std::int64_t n = std::min(left, kChunkElements - held);
      values.resize(static_cast<std::size_t>(held + n));
      read_floats(*range.from, at, n, values.data() + held);
      at += n;
      left -= n;
      if (held + n == kChunkElements) {
        emit(values);
        values.clear();
      }
    }
  }
  if (!values.empty()) emit(values);
}

}  // namespace orkestra::model
