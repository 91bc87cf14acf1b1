#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/gguf_value_reader.h>
#include <orkestra/model/format/gguf_writer.h>
#include <orkestra/model/format/tensor_type.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

namespace orkestra::model {

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kAlignment = 32;  // the format's default
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

// The specification's numbers of value types.
template <typename T>
constexpr std::uint32_t kNumber = std::is_same_v<T, std::uint8_t>    ? 0
                                  : std::is_same_v<T, std::uint32_t> ? 4
                                  : std::is_same_v<T, std::int32_t>  ? 5
                                  : std::is_same_v<T, float>         ? 6
                                  : std::is_same_v<T, std::uint64_t> ? 10
                                                                     : ~0U;

void append_bytes(Bytes& out, const void* bytes, std::size_t n) {
  const std::size_t at = out.size();
  out.resize(at + n);
  if (n > 0) std::memcpy(out.data() + at, bytes, n);
}

template <typename T>
void append(Bytes& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  append_bytes(out, &value, sizeof value);
}

void append_text(Bytes& out, std::string_view text) {
  append(out, std::uint64_t{text.size()});
  append_bytes(out, text.data(), text.size());
}

template <typename T>
Bytes scalar(T value) {
  static_assert(kNumber<T> != ~0U);
  Bytes out;
  append(out, kNumber<T>);
  append(out, value);
  return out;
}

template <typename T>
Bytes array(std::span<const T> values) {
  Bytes out;
  append(out, kArray);
  append(out, kNumber<T>);
  append(out, std::uint64_t{values.size()});
  append_bytes(out, values.data(), values.size_bytes());
  return out;
}

std::uint64_t padding(std::uint64_t size) { return (kAlignment - size % kAlignment) % kAlignment; }

}  // namespace

GgufWriter::Entry& GgufWriter::entry(std::string_view key) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (found != entries_.end()) return *found;
  return entries_.emplace_back(Entry{std::string(key), {}});
}

void GgufWriter::set(std::string_view key, bool value) {
  Bytes out;
  append(out, std::uint32_t{7});
  append(out, static_cast<std::uint8_t>(value));
  entry(key).type_and_value = std::move(out);
}
void GgufWriter::set(std::string_view key, std::uint32_t value) {
  entry(key).type_and_value = scalar(value);
}
void GgufWriter::set(std::string_view key, std::int32_t value) {
  entry(key).type_and_value = scalar(value);
}
void GgufWriter::set(std::string_view key, std::uint64_t value) {
  entry(key).type_and_value = scalar(value);
}
void GgufWriter::set(std::string_view key, float value) {
  entry(key).type_and_value = scalar(value);
}
void GgufWriter::set(std::string_view key, std::string_view value) {
  Bytes out;
  append(out, kString);
  append_text(out, value);
  entry(key).type_and_value = std::move(out);
}
void GgufWriter::set(std::string_view key, std::span<const std::uint8_t> values) {
  entry(key).type_and_value = array(values);
}
void GgufWriter::set(std::string_view key, std::span<const std::int32_t> values) {
  entry(key).type_and_value = array(values);
}
void GgufWriter::set(std::string_view key, std::span<const std::uint32_t> values) {
  entry(key).type_and_value = array(values);
}
void GgufWriter::set(std::string_view key, std::span<const float> values) {
  entry(key).type_and_value = array(values);
}
void GgufWriter::set(std::string_view key, std::span<const std::string> values) {
  Bytes out;
  append(out, kArray);
  append(out, kString);
  append(out, std::uint64_t{values.size()});
  for (const std::string& value : values) append_text(out, value);
  entry(key).type_and_value = std::move(out);
}

void GgufWriter::copy_metadata(const GgufFile& file) {
  ByteReader in(file.header_bytes(), file.name());
  in.take(4 + sizeof(std::uint32_t) + sizeof(std::uint64_t), "the head");  // checked when opened
  const auto n = in.read<std::uint64_t>("the metadata count");
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::string_view key = in.string("a metadata key");
    const std::uint64_t begin = in.position();
    read_gguf_value(in);
    if (key.starts_with("split.")) continue;
    const auto bytes = file.header_bytes().subspan(begin, in.position() - begin);
    entry(key).type_and_value.assign(bytes.begin(), bytes.end());
  }
}

void GgufWriter::remove(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.key == key; });
}

void GgufWriter::add_tensor(std::string_view name, TensorType type,
                            std::span<const std::int64_t> shape) {
  const TensorTypeInfo& packed = info(type);
  if (shape.empty() || shape[0] % packed.block_elements != 0) {
    throw Error(ErrorCode::kInvalid, std::string(name) +
                                         ": a row of this shape can't be stored as " +
                                         std::string(packed.name) + ", whose blocks hold " +
                                         std::to_string(packed.block_elements) + " elements");
  }
  std::uint64_t bytes = row_bytes(type, shape[0]);
  for (const std::int64_t extent : shape.subspan(1)) bytes *= static_cast<std::uint64_t>(extent);
  tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, bytes});
}

Bytes GgufWriter::header() const {
  Bytes out;
  append_bytes(out, "GGUF", 4);
  append(out, std::uint32_t{3});
  append(out, std::uint64_t{tensors_.size()});
  append(out, std::uint64_t{entries_.size()});
  for (const Entry& e : entries_) {
    append_text(out, e.key);
    append_bytes(out, e.type_and_value.data(), e.type_and_value.size());
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append_text(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::int64_t extent : tensor.shape) append(out, static_cast<std::uint64_t>(extent));
    append(out, static_cast<std::uint32_t>(tensor.type));
    append(out, offset);
    offset += tensor.bytes + padding(tensor.bytes);
  }
  return out;
}

void GgufWriter::begin(const std::filesystem::path& path) {
  file_.emplace(path);
  file_->write(header());
  pad();
  tensor_ = 0;
  tensor_left_ = tensors_.empty() ? 0 : tensors_[0].bytes;
}

void GgufWriter::pad() {
  static constexpr std::array<std::byte, kAlignment> kZeros{};
  file_->write(std::span(kZeros).first(padding(file_->size())));
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (tensor_left_ == 0) {
      throw Error(ErrorCode::kInternal, "more tensor data than the table announces");
    }
    const std::size_t n = std::min<std::uint64_t>(bytes.size(), tensor_left_);
    file_->write(bytes.first(n));
    bytes = bytes.subspan(n);
    tensor_left_ -= n;
    if (tensor_left_ == 0) {
      pad();
      if (++tensor_ < tensors_.size()) tensor_left_ = tensors_[tensor_].bytes;
    }
  }
}

void GgufWriter::commit() {
  if (tensor_ < tensors_.size()) {
    throw Error(ErrorCode::kInternal, "tensor " + tensors_[tensor_].name + " was not written");
  }
  file_->commit();
  file_.reset();
}

}  // namespace orkestra::model
