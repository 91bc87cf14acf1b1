// Numbers, texts and floats in a string of bytes, for caches that only this machine reads. A reader
// trusts nothing: whatever does not fit throws Error{kCorrupt}. One thread at a time.
#pragma once

#include <orkestra/core/error.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::retrieval {

class ByteWriter {
 public:
  void number(std::uint64_t value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void values(const std::vector<float>& values) {
    number(values.size());
    out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, next(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() { return next(number()); }
  // Of unit vectors and the like: nothing outside -1 .. 1, so that no sum can overflow.
  std::vector<float> unit_values() {
    const std::uint64_t count = number();
    if (count > left_.size() / sizeof(float)) bad();
    const std::string_view bytes = next(count * sizeof(float));
    std::vector<float> values(count);
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    for (const float value : values) {
      if (!(std::abs(value) <= 1.01F)) bad();
    }
    return values;
  }
  bool at_end() const { return left_.empty(); }
  [[noreturn]] static void bad() {
    throw Error(ErrorCode::kCorrupt, "stored vectors: the bytes are not what was written");
  }

 private:
  std::string_view next(std::uint64_t size) {
    if (size > left_.size()) bad();
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  std::string_view left_;
};

}  // namespace orkestra::retrieval
