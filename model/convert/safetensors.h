// Safetensors files and checkpoints (Hugging Face's format: eight bytes of header length, a JSON
// header, the tensors' bytes). Nothing in a file is trusted: the header takes at most 16 MiB, every
// shape, product and offset is checked, tensors may not overlap.
//
// Own their mappings; what they hand out lives as long as they do. Immutable after open, so any
// thread may read. What remains: a file that is shortened while it is open ends the process with
// SIGBUS (mapped_file.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct SafeTensor {
  std::string name;
  std::string type;                 // as in the file: "F32", "F16", "BF16", "I64"
  std::vector<std::int64_t> shape;  // the last dimension is contiguous; empty for a single value
  std::int64_t elements = 0;
  std::span<const std::byte> data;  // at any address
  std::string_view file;            // for messages
};

// Elements [first, first + count) as floats. Throws Error{kUnsupported} naming the tensor unless
// its type is F32, F16 or BF16. The range must lie within the tensor.
void read_floats(const SafeTensor& tensor, std::int64_t first, std::int64_t count, float* out);

// The tensors of one file's bytes, sorted by name. Throws Error{kCorrupt} naming `file` and the
// tensor. The result refers to both arguments.
std::vector<SafeTensor> parse_safetensors(std::span<const std::byte> bytes, std::string_view file);

// All tensors of a model folder: model.safetensors, or the files that
// model.safetensors.index.json names.
class Checkpoint {
 public:
  // Throws Error: kNotFound (neither is there), kCorrupt, kInvalid (the index names a file outside
  // the folder), kUnsupported (only pickled weights).
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& folder);
  virtual ~Checkpoint() = default;

  virtual const SafeTensor* find(std::string_view name) const = 0;
  virtual std::vector<std::string_view> names() const = 0;
  // Lets go of the memory that holds a tensor's data; it is read again when touched.
  virtual void forget(const SafeTensor& tensor) const = 0;
};

}  // namespace orkestra::model
