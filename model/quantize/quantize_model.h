// A model file quantised to a mix, tensor by tensor: memory for a few megabytes of weights at a
// time, whatever the model's size. The result appears whole or not at all.
#pragma once

#include <orkestra/model/quantize/mix.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace orkestra::model {

struct QuantizedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // ggml order
  TensorType from = TensorType::kF32;
  TensorType to = TensorType::kF32;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  double error = 0.0;  // sqrt(sum (w - w')^2 / sum w^2); 0 when it was copied
};

struct QuantizeReport {
  std::vector<QuantizedTensor> tensors;  // in file order
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  double error = 0.0;  // over all weights whose type changed
};

struct QuantizeOptions {
  Mix mix = Mix::kQ4_K_M;
  int n_threads = 0;  // 0 = all cores
  // Whether a tensor that is quantised already may be quantised again, its error added to the new.
  bool allow_requantize = false;
  // Called from the calling thread: weight bytes read so far and in all; a tensor that is done.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  std::function<void(const QuantizedTensor&)> tensor_done;
};

// Throws Error: kInvalid (already quantised), kCorrupt (a weight that is not finite), kUnsupported
// (a weight too large for the type), and what writing throws.
QuantizeReport quantize_model(const GgufFile& file, const std::filesystem::path& out,
                              const QuantizeOptions& options);

}  // namespace orkestra::model
