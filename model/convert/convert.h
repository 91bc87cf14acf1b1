// A Hugging Face model folder (config.json, safetensors, tokenizer files) as one GGUF file, with
// the keys, names and shapes llama.cpp's converter gives it. Tensors are streamed: memory stays
// near that of the tokenizer. The file appears whole or not at all.
#pragma once

#include <orkestra/model/format/gguf.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace orkestra::model {

struct ConvertOptions {
  TensorType type = TensorType::kF16;  // of matrices: F32, F16 or BF16; all else is F32
  // Called after every few MiB.
  std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
  std::stop_token stop;
};

struct ConvertResult {
  std::string architecture;  // general.architecture
  std::uint64_t bytes = 0;   // of the tensors
};

// Throws Error naming the file and the place: kNotFound, kCorrupt, kUnsupported (architecture,
// feature, element type), kExhausted (disk), kCancelled.
ConvertResult convert_model(const std::filesystem::path& folder, const std::filesystem::path& out,
                            const ConvertOptions& options = {});

}  // namespace orkestra::model
