// The tools "read_file" and "list_files": text files below one folder, and nothing above or beside
// it. The kernel resolves every path beneath the folder (openat2), so that no "..", no absolute
// path and no link leads out, not even one that changes while it is followed.
#pragma once

#include <orkestra/tools/tool.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

namespace orkestra::tools {

struct FilesOptions {
  std::size_t max_read_bytes = std::size_t{64} << 10U;  // of one call
  std::size_t max_entries = 1000;                       // of one listing
};

// read_file {"path", "offset"?, "limit"?} -> {"path", "begin", "end", "size", "text"} and one part,
// the text, whose origin has its byte range. Offsets are moved to the beginning of a character,
// ends to the end of a line where there is one. Binary files are refused.
// list_files {"path"?} -> [{"path", "type": "file" | "folder", "bytes"?}], sorted.
// Throws Error{kNotFound} when there is no such folder, {kUnsupported} when the kernel can't
// resolve paths beneath one (Linux 5.6 or newer can).
std::vector<std::unique_ptr<Tool>> make_file_tools(const std::filesystem::path& folder,
                                                   const FilesOptions& options = {});

}  // namespace orkestra::tools
