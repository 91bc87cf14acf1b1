// A model that is split over several GGUF files: NAME-00001-of-00005.gguf and so on, each with the
// keys split.no (from 0), split.count and split.tensors.count (of all parts together); the first
// holds the model's metadata. Together they read as one GgufFile under the first part's name.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace orkestra::model {

// Of how many files `file` is a part; 1 = it is whole. Throws Error{kCorrupt} for a count that is
// not from 1 to 1000.
int split_count(const GgufFile& file);

// The paths of all parts of an open file, in order; its own when it is whole.
std::vector<std::filesystem::path> split_paths(const GgufFile& file);

// Opens the other parts beside `part`, which was opened from `path`, and joins them. Throws Error
// naming the part: kInvalid (a file name that doesn't say what the keys say), kNotFound (one is
// missing), kCorrupt (one belongs to another model or place).
std::shared_ptr<const GgufFile> join_split(std::shared_ptr<const GgufFile> part,
                                           const std::filesystem::path& path);

}  // namespace orkestra::model
