#include <orkestra/apps/convert_command.h>
#include <orkestra/apps/progress_line.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/convert/convert.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

struct ConvertFlags {
  std::string folder;
  std::string out;
  std::string type = "f16";
  bool json = false;
};

model::TensorType type_named(const std::string& name) {
  if (name == "f32") return model::TensorType::kF32;
  if (name == "f16") return model::TensorType::kF16;
  if (name == "bf16") return model::TensorType::kBF16;
  throw Error(ErrorCode::kInvalid, "--type " + name +
                                       ": give f32, f16 or bf16; for smaller files run `orkestra "
                                       "model quantize` on the result");
}

void convert(const ConvertFlags& flags) {
  ProgressLine line("converting");
  model::ConvertOptions options;
  options.type = type_named(flags.type);
  options.progress = [&](std::uint64_t done, std::uint64_t total) { line.at(done, total); };
  const model::ConvertResult result = model::convert_model(flags.folder, flags.out, options);
  line.clear();
  if (flags.json) {
    std::cout << dump_json({{"file", flags.out},
                            {"architecture", result.architecture},
                            {"tensor_bytes", result.bytes}})
              << "\n";
    return;
  }
  std::printf("%s: %s, %.1f MB of tensors\n", flags.out.c_str(), result.architecture.c_str(),
              static_cast<double>(result.bytes) / 1e6);
}

}  // namespace

void add_convert_command(CLI::App& model) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = model.add_subcommand(
      "convert", "A Hugging Face model folder (config.json, safetensors, tokenizer files) as GGUF");
  command->add_option("DIR", flags->folder, "The model's folder")->required();
  command->add_option("OUT", flags->out, "The new .gguf file; appears whole or not at all")
      ->required();
  command->add_option("--type", flags->type, "Type of the matrices: f32, f16 or bf16");
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([flags] { convert(*flags); });
}

}  // namespace orkestra::apps
