#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/convert/conversion.h>
#include <orkestra/model/convert/convert.h>
#include <orkestra/model/convert/vocabulary_keys.h>
#include <orkestra/model/format/byte_reader.h>
#include <orkestra/model/format/mapped_file.h>
#include <orkestra/model/text/tokenizer/tokenizer_files.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{4} << 20U;

struct Converter {
  std::string_view model_class;  // the first of config.json's "architectures"
  void (*convert)(Conversion&);
};
constexpr std::array kConverters{
    Converter{"JambaForCausalLM", convert_jamba},
    Converter{"MambaForCausalLM", convert_mamba},
    Converter{"FalconMambaForCausalLM", convert_mamba},
    Converter{"Mamba2ForCausalLM", convert_mamba2},
    Converter{"GraniteMoeHybridForCausalLM", convert_granite_hybrid},
    Converter{"LlamaForCausalLM", convert_llama},
    Converter{"MistralForCausalLM", convert_llama},
    Converter{"MixtralForCausalLM", convert_llama},
    Converter{"Gemma3ForCausalLM", convert_gemma3},
    Converter{"Gemma3ForConditionalGeneration", convert_gemma3},
};

ModelConfig read_config(const std::filesystem::path& path) {
  const auto mapping = MappedFile::open(path);
  const auto bytes = mapping->bytes();
  return {parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(),
                     {.max_bytes = kMaxConfigBytes, .max_depth = 32}),
          path.string()};
}

const Converter& converter_for(const ModelConfig& config) {
  const std::string wanted = config.architecture();
  const auto* found =
      std::find_if(kConverters.begin(), kConverters.end(),
                   [&](const Converter& converter) { return converter.model_class == wanted; });
  if (found == kConverters.end()) {
    std::string known;
    for (const Converter& converter : kConverters) {
      known += (known.empty() ? "" : ", ") + std::string(converter.model_class);
    }
    config.unsupported("the architecture " + printable(wanted) + " can't be converted (" + known +
                       ")");
  }
  return *found;
}

// llama.cpp's numbers for a file's predominant type.
std::uint32_t file_type(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return 0;
    case TensorType::kF16:
      return 1;
    case TensorType::kBF16:
      return 32;
    default:
      throw Error(ErrorCode::kInvalid, "a model is converted to F32, F16 or BF16; quantise after");
  }
}

std::string folder_name(const std::filesystem::path& folder) {
  std::string name = std::filesystem::weakly_canonical(folder).filename().string();
  return name.empty() ? "model" : name;
}

// The tokenizer and the chat template. What could not be read back is refused here.
void convert_text(const std::filesystem::path& folder, std::int64_t n_vocab, GgufWriter& writer) {
  const TokenizerFiles files = read_tokenizer_files(folder, n_vocab);
  try {
    make_tokenizer(files.vocabulary);
  } catch (const Error& e) {
    throw Error(e.code(), folder.string() + ": its tokenizer: " + e.message());
  }
  set_vocabulary(writer, files.vocabulary);
  if (!files.chat_template.empty()) writer.set("tokenizer.chat_template", files.chat_template);
}

}  // namespace

ConvertResult convert_model(const std::filesystem::path& folder, const std::filesystem::path& out,
                            const ConvertOptions& options) {
  const ModelConfig config = read_config(folder / "config.json");
  const Converter& converter = converter_for(config);
  const auto checkpoint = Checkpoint::open(folder);

  GgufWriter writer;
  TensorPlan plan(*checkpoint, options.type);
  Conversion conversion{.config = config, .plan = plan, .writer = writer, .architecture = {}};
  writer.set("general.architecture", "");  // the first key of every file
  writer.set("general.type", "model");
  writer.set("general.name", folder_name(folder));
  converter.convert(conversion);
  writer.set("general.architecture", conversion.architecture);
  writer.set("general.file_type", file_type(options.type));
  convert_text(folder, plan.n_vocab(), writer);

  plan.announce(writer);
  writer.begin(out);
  const std::uint64_t bytes = plan.write(writer, options.progress, options.stop);
  writer.commit();
  return {.architecture = conversion.architecture, .bytes = bytes};
}

}  // namespace orkestra::model
