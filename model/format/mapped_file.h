// MappedFile: a regular file mapped read-only and private. Owns the mapping. Any thread may read.
// A file that another program shortens while it is mapped makes reads beyond its new end fail with
// SIGBUS: replace model files by renaming a complete new file over them, never in place.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace orkestra::model {

class MappedFile {
 public:
  // Throws Error naming the file: kNotFound, kDenied, kInvalid (a directory, a pipe),
  // kUnavailable.
  static std::unique_ptr<MappedFile> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  // Lets go of the memory that holds `part` of the bytes; they are read again when touched.
  static void forget(std::span<const std::byte> part);

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;  // empty when the file is
};

}  // namespace orkestra::model
