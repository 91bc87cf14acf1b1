// AtomicFile: a file that appears under its name whole or not at all, whenever the process is
// killed. Until commit() it has no name (O_TMPFILE; where the file system lacks that, a hidden name
// beside the target, which the destructor removes and only a kill can leave behind). Owned and used
// by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace orkestra::model {

class AtomicFile {
 public:
  enum class Readers { kEverybody, kOwner };  // less what the process's mask takes away

  // Throws Error: kNotFound (no such folder), kDenied, kUnavailable.
  explicit AtomicFile(std::filesystem::path target, Readers readers = Readers::kEverybody);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Throws Error{kExhausted} when the disk is full.
  void write(std::span<const std::byte> bytes);
  std::uint64_t size() const { return size_; }
  // Forces the bytes to the disk, then gives them the target's name, replacing what had it.
  void commit();

 private:
  void flush();
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path target_;
  std::filesystem::path hidden_;  // the name before commit, empty when there is none
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace orkestra::model
