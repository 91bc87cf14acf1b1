// GgufFile: a memory-mapped GGUF v2/v3 file (ggml's docs/gguf.md), little endian.
// Nothing in the file is trusted: every count, length, offset, product and alignment is checked
// before it is used or allocated, and opening takes memory in proportion to the metadata and the
// tensor table (at most about 12 times their bytes; both together may take 64 MiB). Owns the
// mapping; views it hands out live as long as it does. Immutable after open, so any thread may
// read it.
//
// What remains: a file that another program shortens while it is open ends this process with
// SIGBUS when the lost part is read. Replace model files by renaming, never in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace orkestra::model {

// ggml's numbering; only the types this build can read have names.
enum class TensorType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
};

struct TensorView {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape;  // ggml order: shape[0] is contiguous
  std::span<const std::byte> data;  // in the mapping

  std::int64_t row_length() const { return shape[0]; }
  std::int64_t rows() const;  // product of shape[1..]
  std::size_t row_bytes() const;
};

// Metadata values. Integers of every width are widened; arrays are homogeneous.
using GgufArray = std::variant<std::vector<std::int64_t>, std::vector<double>,
                               std::vector<std::string_view>, std::vector<bool>>;
using GgufValue = std::variant<std::int64_t, double, bool, std::string_view, GgufArray>;

class GgufFile {
 public:
  // Of a split model any part may be given (gguf_split.h). Throws Error: kNotFound (no such file,
  // or part), kCorrupt (with the place), kUnsupported (version, tensor type, big endian).
  static std::shared_ptr<const GgufFile> open(const std::filesystem::path& path);
  // The same checks over bytes in memory, which must outlive the result (bundled data, fuzzing)
  // and lie at a multiple of 8, as tensor data does in a file; kInvalid otherwise.
  static std::shared_ptr<const GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  virtual ~GgufFile() = default;
  virtual const std::string& name() const = 0;
  virtual const std::map<std::string, GgufValue, std::less<>>& metadata() const = 0;
  virtual const std::vector<TensorView>& tensors() const = 0;
  virtual const TensorView* find_tensor(std::string_view name) const = 0;
  // Everything before the tensor data: header, metadata, tensor table. Identifies the file. Of a
  // split model: each part's, the first with the metadata.
  virtual std::span<const std::byte> header_bytes() const = 0;

  // Lets go of the memory that holds `part` of some tensor's data, after it was copied elsewhere; a
  // mapped file's is read again when touched. For bytes in memory: does nothing.
  virtual void forget(std::span<const std::byte> part) const = 0;

  // Typed look-ups. The plain ones throw Error{kCorrupt} when the key is missing or of another
  // type; the others return the fallback only when it is missing.
  std::int64_t integer(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  double number(std::string_view key) const;
  double number(std::string_view key, double fallback) const;
  bool boolean(std::string_view key, bool fallback) const;
  std::string_view text(std::string_view key) const;
  std::string_view text(std::string_view key, std::string_view fallback) const;
};

}  // namespace orkestra::model
