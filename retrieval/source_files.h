// Files and folders as documents to ingest: which files a path stands for, which are passed over
// and why, and a file's bytes, bounded. Reads the file system; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orkestra::retrieval {

inline constexpr std::size_t kMaxDocumentBytes = std::size_t{32} << 20U;

struct SkippedFile {
  std::string path;
  std::string reason;  // "hidden", "a link that leaves the folder", ...
};

struct SourceFiles {
  std::vector<std::filesystem::path> files;  // canonical, sorted
  std::vector<SkippedFile> skipped;          // sorted; a hidden folder is named once
};

// A regular file stands for itself, a folder for everything below it. Throws Error{kNotFound} when
// there is neither, {kDenied} when it can't be looked at, {kExhausted} over a million entries.
SourceFiles find_source_files(const std::filesystem::path& path);

struct SourceFile {
  std::string bytes;
  std::uintmax_t size = 0;
  std::int64_t modified_ns = 0;
};

// Size and time of the last change, without the bytes. Throws Error{kNotFound}.
SourceFile stat_source_file(const std::filesystem::path& file);

// Throws Error: kNotFound, kDenied, kExhausted (over kMaxDocumentBytes).
SourceFile read_source_file(const std::filesystem::path& file);

}  // namespace orkestra::retrieval
