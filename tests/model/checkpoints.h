// The checkpoints of tests/golden/checkpoints, converted into temporary files, and the float64
// logits beside them.
#pragma once

#include <orkestra/model/convert/convert.h>
#include <orkestra/model/convert/safetensors.h>
#include <orkestra/tests/model/golden_models.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::tests {

// All of them.
inline constexpr const char* kCheckpoints[] = {"jamba",        "mamba", "mamba2",  "granite-moe",
                                               "granite-rope", "llama", "mixtral", "gemma3"};

inline std::string checkpoint_path(const std::string& name) {
  return golden_path("checkpoints/" + name);
}

// [48, 512]
inline std::vector<float> checkpoint_logits(const std::string& name) {
  return golden_logits("checkpoints/" + name + "/logits.numpy.f32");
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() /
            ("orkestra-convert-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class ConvertedCheckpoint {
 public:
  ConvertedCheckpoint(const std::string& name, model::TensorType type) {
    model::ConvertOptions options;
    options.type = type;
    model::convert_model(checkpoint_path(name), folder_.path() / "model.gguf", options);
    file_ = model::GgufFile::open(folder_.path() / "model.gguf");
  }
  const std::shared_ptr<const model::GgufFile>& file() const { return file_; }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<const model::GgufFile> file_;
};

// A network of the converted file, which stays mapped though its name is gone.
inline model::Network checkpoint_network(const std::string& name, model::TensorType type) {
  return model::build_network(ConvertedCheckpoint(name, type).file());
}

}  // namespace orkestra::tests
