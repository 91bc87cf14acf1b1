// The numeric fields of a well-formed GGUF file and where they lie: what hostile-file tests and
// mutations overwrite one by one. Trusts the file; for tests only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace orkestra::tests {

struct GgufField {
  std::string name;  // "version", "metadata[3].type", "tensor[0].extent[1]"
  std::size_t at = 0;
  std::size_t width = 0;  // 1, 2, 4 or 8 bytes
};

class GgufFieldWalk {
 public:
  explicit GgufFieldWalk(std::span<const std::byte> bytes) : bytes_(bytes) {
    field("magic", 4);
    field("version", 4);
    const auto n_tensors = field("tensor_count", 8);
    const auto n_metadata = field("metadata_count", 8);
    for (std::uint64_t i = 0; i < n_metadata; ++i) {
      const std::string entry = "metadata[" + std::to_string(i) + "].";
      string(entry + "key");
      value(entry, field(entry + "type", 4));
    }
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
      const std::string entry = "tensor[" + std::to_string(i) + "].";
      string(entry + "name");
      const auto n_dims = field(entry + "dimensions", 4);
      for (std::uint64_t d = 0; d < n_dims; ++d) {
        field(entry + "extent[" + std::to_string(d) + "]", 8);
      }
      field(entry + "type", 4);
      field(entry + "offset", 8);
    }
  }

  const std::vector<GgufField>& fields() const { return fields_; }
  std::size_t header_bytes() const { return at_; }

 private:
  std::uint64_t field(std::string name, std::size_t width) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes_.data() + at_, width);
    fields_.push_back({std::move(name), at_, width});
    at_ += width;
    return number;
  }

  void string(const std::string& name) {
    const auto length = field(name + ".length", 8);
    if (length > 0) fields_.push_back({name + ".first_byte", at_, 1});
    at_ += length;
  }

  void value(const std::string& entry, std::uint64_t type) {
    static constexpr std::size_t kWidths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) return string(entry + "text");
    if (type != 9) {
      field(entry + "value", kWidths[type]);
      return;
    }
    const auto element_type = field(entry + "element_type", 4);
    const auto count = field(entry + "count", 8);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string element = entry + "element[" + std::to_string(i) + "]";
      if (element_type == 8) {
        string(element);
      } else {
        field(element, kWidths[element_type]);
      }
    }
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::vector<GgufField> fields_;
};

}  // namespace orkestra::tests
