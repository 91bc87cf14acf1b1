// The typed look-ups of GgufFile's metadata, and TensorView's arithmetic.

#include <orkestra/core/error.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/model/format/tensor_type.h>

namespace orkestra::model {

namespace {

std::string_view kind(const GgufValue& value) {
  struct Name {
    std::string_view operator()(std::int64_t) const { return "an integer"; }
    std::string_view operator()(double) const { return "a number"; }
    std::string_view operator()(bool) const { return "a boolean"; }
    std::string_view operator()(std::string_view) const { return "a string"; }
    std::string_view operator()(const GgufArray&) const { return "an array"; }
  };
  return std::visit(Name{}, value);
}

// nullptr when the key is missing; throws when its value is of another type.
template <typename T>
const T* look_up(const GgufFile& file, std::string_view key, std::string_view wanted) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) {
    throw Error(ErrorCode::kCorrupt, file.name() + ": metadata key " + printable(key) +
                                         " must be " + std::string(wanted) + ", it is " +
                                         std::string(kind(found->second)));
  }
  return value;
}

template <typename T>
const T& require(const GgufFile& file, std::string_view key, std::string_view wanted) {
  const T* value = look_up<T>(file, key, wanted);
  if (value == nullptr) {
    throw Error(ErrorCode::kCorrupt, file.name() + ": metadata key " + printable(key) +
                                         " is missing; it must be " + std::string(wanted));
  }
  return *value;
}

}  // namespace

std::int64_t TensorView::rows() const {
  std::int64_t product = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) product *= shape[i];
  return product;
}

std::size_t TensorView::row_bytes() const { return model::row_bytes(type, row_length()); }

std::int64_t GgufFile::integer(std::string_view key) const {
  return require<std::int64_t>(*this, key, "an integer");
}

std::int64_t GgufFile::integer(std::string_view key, std::int64_t fallback) const {
  const auto* value = look_up<std::int64_t>(*this, key, "an integer");
  return value == nullptr ? fallback : *value;
}

double GgufFile::number(std::string_view key) const {
  return require<double>(*this, key, "a number");
}

double GgufFile::number(std::string_view key, double fallback) const {
  const auto* value = look_up<double>(*this, key, "a number");
  return value == nullptr ? fallback : *value;
}

bool GgufFile::boolean(std::string_view key, bool fallback) const {
  const auto* value = look_up<bool>(*this, key, "a boolean");
  return value == nullptr ? fallback : *value;
}

std::string_view GgufFile::text(std::string_view key) const {
  return require<std::string_view>(*this, key, "a string");
}

std::string_view GgufFile::text(std::string_view key, std::string_view fallback) const {
  const auto* value = look_up<std::string_view>(*this, key, "a string");
  return value == nullptr ? fallback : *value;
}

}  // namespace orkestra::model
