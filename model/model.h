// Model: immutable weights, tokenizer and chat format of one file, shared by every engine over it.
#pragma once

#include <orkestra/model/format/gguf.h>
#include <orkestra/model/language_model.h>
#include <orkestra/model/text/chat/chat_format.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace orkestra::model {

class Model {
 public:
  // Throws Error naming the file: kNotFound, kCorrupt, kUnsupported (architecture, tensor type).
  static std::shared_ptr<const Model> open(const std::filesystem::path& path);
  virtual ~Model() = default;

  // "<general.name>@<first 12 hex digits of the hash of metadata and tensor table>".
  virtual const std::string& id() const = 0;
  virtual const GgufFile& file() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  virtual const ChatFormat& chat_format() const = 0;
  virtual std::int64_t context_length() const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
};

// The same over a file already read, such as bundled bytes.
std::shared_ptr<const Model> open_model(std::shared_ptr<const GgufFile> file);

struct EngineOptions {
  int threads = 0;                     // 0 = the processor's cores
  std::size_t state_budget_bytes = 0;  // of all model states; 0 = a quarter of the memory
  std::int64_t max_batch_tokens = 512;
  std::string kernels = "best";  // "best", "reference", "avx2", "avx512"
  // Keys and values of attention: "f32", "f16", "q8_0"; "auto": f16 for quantised weights, else
  // f32.
  std::string kv = "auto";
  bool speculate = true;  // guess ahead where it pays; what is written stays the same
};

// The embedded implementation of LanguageModel: one worker thread batches all submitted work.
std::unique_ptr<LanguageModel> make_embedded_model(std::shared_ptr<const Model> model,
                                                   const EngineOptions& options = {});

}  // namespace orkestra::model
