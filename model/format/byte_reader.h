// ByteReader: a bounded little-endian cursor over bytes nobody vouches for. Every read is checked
// against what is left; a failure throws Error naming the file, the place and the byte offset.
// Borrows the bytes.
#pragma once

#include <orkestra/core/error.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace orkestra::model {

// `text` for an error message: at most 64 bytes, anything but printable ASCII as '?'.
std::string printable(std::string_view text);

class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view file)
      : bytes_(bytes), file_(file) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t left() const { return bytes_.size() - position_; }

  // Names where we are: "metadata entry 3 (llama.block_count)". `detail` may be empty.
  void enter(std::string_view section, std::uint64_t index, std::string_view detail = {}) {
    section_ = section;
    index_ = index;
    detail_ = detail;
  }

  template <typename T>
  T read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  // `length` bytes, in place.
  std::span<const std::byte> take(std::uint64_t length, std::string_view what) {
    if (length > left()) {
      fail(ErrorCode::kCorrupt, std::string(what) + " needs " + std::to_string(length) +
                                    " bytes, " + std::to_string(left()) +
                                    " are left; the file is cut short or damaged");
    }
    const auto result = bytes_.subspan(position_, length);
    position_ += length;
    return result;
  }

  // A length (64 bits) and that many bytes, in place.
  std::string_view string(std::string_view what) {
    const auto length = read<std::uint64_t>(what);
    const auto taken = take(length, what);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  [[noreturn]] void fail(ErrorCode code, const std::string& message) const;

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::size_t position_ = 0;
  std::string_view section_;
  std::uint64_t index_ = 0;
  std::string_view detail_;
};

}  // namespace orkestra::model
