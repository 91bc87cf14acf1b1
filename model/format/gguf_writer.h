// GgufWriter: writes one GGUF v3 file in three stages: metadata and the tensor table, then the
// tensors' bytes in the table's order as a stream, then commit(). Memory: the header only. The file
// appears whole or not at all (atomic_file.h). Owned and used by one thread.
#pragma once

#include <orkestra/model/format/atomic_file.h>
#include <orkestra/model/format/gguf.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

class GgufWriter {
 public:
  // The header first. A key set twice keeps its place and takes the later value.
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::uint32_t value);
  void set(std::string_view key, std::int32_t value);
  void set(std::string_view key, std::uint64_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, std::span<const std::uint8_t> values);
  void set(std::string_view key, std::span<const std::int32_t> values);
  void set(std::string_view key, std::span<const std::uint32_t> values);
  void set(std::string_view key, std::span<const float> values);
  void set(std::string_view key, std::span<const std::string> values);
  // All of another file's, in its order, each value's type as it is there; but what is written here
  // is not split.
  void copy_metadata(const GgufFile& file);
  void remove(std::string_view key);

  // shape: ggml order, the first contiguous and a multiple of the type's block.
  void add_tensor(std::string_view name, TensorType type, std::span<const std::int64_t> shape);

  // Writes the header. Then write() takes the tensors' bytes, each tensor's whole before the next
  // one's, in as many pieces as the caller likes; padding is added by itself.
  void begin(const std::filesystem::path& path);
  void write(std::span<const std::byte> bytes);
  // Throws Error{kInternal} unless every tensor's bytes were written.
  void commit();

 private:
  struct Entry {
    std::string key;
    std::vector<std::byte> type_and_value;
  };
  struct Tensor {
    std::string name;
    TensorType type;
    std::vector<std::int64_t> shape;
    std::uint64_t bytes;
  };
  Entry& entry(std::string_view key);
  std::vector<std::byte> header() const;
  void pad();

  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
  std::optional<AtomicFile> file_;
  std::size_t tensor_ = 0;         // being written
  std::uint64_t tensor_left_ = 0;  // bytes of it still to come
};

}  // namespace orkestra::model
