// GgufBuilder: writes small GGUF files, byte by byte, for the tests of their reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::tests {

using Bytes = std::vector<std::byte>;

class GgufBuilder {
 public:
  template <typename T>
  static void append(Bytes& out, T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    out.insert(out.end(), bytes, bytes + sizeof(T));
  }
  static void append_string(Bytes& out, std::string_view text) {
    append(out, std::uint64_t{text.size()});
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
  }

  // `type` is the format's number of the value's type.
  template <typename T>
  GgufBuilder& value(std::string_view key, std::uint32_t type, T value) {
    begin_entry(key, type);
    append(metadata_, value);
    return *this;
  }
  GgufBuilder& string(std::string_view key, std::string_view text) {
    begin_entry(key, 8);
    append_string(metadata_, text);
    return *this;
  }
  template <typename T>
  GgufBuilder& array(std::string_view key, std::uint32_t element_type,
                     const std::vector<T>& elements) {
    begin_array(key, element_type, elements.size());
    for (const T element : elements) append(metadata_, element);
    return *this;
  }
  GgufBuilder& strings(std::string_view key, const std::vector<std::string>& elements) {
    begin_array(key, 8, elements.size());
    for (const std::string& element : elements) append_string(metadata_, element);
    return *this;
  }
  // Data of `bytes` bytes counting up from 0, at the next multiple of the alignment.
  GgufBuilder& tensor(std::string_view name, std::uint32_t type,
                      const std::vector<std::uint64_t>& shape, std::size_t bytes) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    append_string(table_, name);
    append(table_, static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t extent : shape) append(table_, extent);
    append(table_, type);
    append(table_, std::uint64_t{data_.size()});
    for (std::size_t i = 0; i < bytes; ++i) data_.push_back(static_cast<std::byte>(i & 255U));
    ++n_tensors_;
    return *this;
  }

  Bytes build() const {
    Bytes out;
    append(out, std::uint32_t{0x46554747});  // "GGUF"
    append(out, version);
    append(out, n_tensors_);
    append(out, n_metadata_);
    out.insert(out.end(), metadata_.begin(), metadata_.end());
    out.insert(out.end(), table_.begin(), table_.end());
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    out.insert(out.end(), data_.begin(), data_.end());
    return out;
  }

  std::uint32_t version = 3;
  std::size_t alignment = 32;  // write general.alignment too when it is another

 private:
  void begin_entry(std::string_view key, std::uint32_t type) {
    append_string(metadata_, key);
    append(metadata_, type);
    ++n_metadata_;
  }
  void begin_array(std::string_view key, std::uint32_t element_type, std::size_t count) {
    begin_entry(key, 9);
    append(metadata_, element_type);
    append(metadata_, std::uint64_t{count});
  }

  Bytes metadata_;
  Bytes table_;
  Bytes data_;
  std::uint64_t n_tensors_ = 0;
  std::uint64_t n_metadata_ = 0;
};

// One of everything: every value type, every tensor type.
inline GgufBuilder sample_file() {
  GgufBuilder b;
  b.string("general.name", "sample")
      .value("u8", 0, std::uint8_t{200})
      .value("i8", 1, std::int8_t{-5})
      .value("u16", 2, std::uint16_t{60000})
      .value("i16", 3, std::int16_t{-6})
      .value("u32", 4, std::uint32_t{4000000000U})
      .value("i32", 5, std::int32_t{-7})
      .value("f32", 6, 0.5F)
      .value("flag", 7, std::uint8_t{1})
      .value("u64", 10, std::uint64_t{1} << 40U)
      .value("i64", 11, std::int64_t{-8})
      .value("f64", 12, 0.25)
      .strings("words", {"", "one", "two words"})
      .array<std::int32_t>("numbers", 5, {1, -2, 3})
      .array<float>("reals", 6, {1.5F, -2.5F})
      .array<std::uint8_t>("flags", 7, {1, 0, 1})
      .array<std::uint64_t>("none", 10, {})
      .tensor("f32.weight", 0, {12, 3}, 144)
      .tensor("f16.weight", 1, {5, 2, 2}, 40)
      .tensor("bf16.weight", 30, {7}, 14)
      .tensor("q8_0.weight", 8, {64, 2}, 136)
      .tensor("q5_0.weight", 6, {32, 1, 1, 2}, 44)
      .tensor("q4_k.weight", 12, {256, 2}, 288)
      .tensor("q6_k.weight", 14, {512}, 420);
  return b;
}

}  // namespace orkestra::tests
