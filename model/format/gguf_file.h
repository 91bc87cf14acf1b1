// The reader of one GGUF file, for gguf_split: GgufFile::open joins what is split.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <filesystem>
#include <memory>

namespace orkestra::model {

// As GgufFile::open, but a part of a split model stays a part.
std::shared_ptr<const GgufFile> open_gguf_part(const std::filesystem::path& path);

}  // namespace orkestra::model
