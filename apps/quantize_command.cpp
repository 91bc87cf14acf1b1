#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/progress_line.h>
#include <orkestra/apps/quantize_command.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/format/tensor_type.h>
#include <orkestra/model/quantize/quantize_model.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

namespace orkestra::apps {
namespace {

struct QuantizeFlags {
  std::string in;
  std::string out;
  std::string type;
  int threads = 0;
  bool requantize = false;
  bool json = false;
};

std::string_view name(model::TensorType type) { return model::info(type).name; }

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape) {
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  }
  return text;
}

Json to_json(const model::QuantizeReport& report) {
  Json tensors = Json::array();
  for (const model::QuantizedTensor& tensor : report.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"shape", tensor.shape},
                       {"from", name(tensor.from)},
                       {"to", name(tensor.to)},
                       {"bytes_before", tensor.bytes_before},
                       {"bytes_after", tensor.bytes_after},
                       {"relative_error", tensor.error}});
  }
  return {{"bytes_before", report.bytes_before},
          {"bytes_after", report.bytes_after},
          {"relative_error", report.error},
          {"tensors", std::move(tensors)}};
}

void quantize(const QuantizeFlags& flags) {
  const model::MixInfo* mix = model::find_mix(flags.type);
  if (mix == nullptr) {
    std::string known;
    for (const model::MixInfo& row : model::mixes()) {
      known.append(known.empty() ? "" : ", ").append(row.name);
    }
    throw Error(ErrorCode::kInvalid,
                flags.type + " is not a type to quantise to; there are " + known);
  }
  const auto file = model::GgufFile::open(agent::locate_model(flags.in));
  ProgressLine line("quantizing");
  model::QuantizeOptions options;
  options.mix = mix->mix;
  options.n_threads = flags.threads;
  options.allow_requantize = flags.requantize;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { line.at(done, total); };
  if (!flags.json) {
    options.tensor_done = [&](const model::QuantizedTensor& tensor) {
      line.clear();
      const std::string types = std::string(name(tensor.from)) +
                                (tensor.from == tensor.to ? "" : " -> ") +
                                (tensor.from == tensor.to ? "" : std::string(name(tensor.to)));
      std::printf("%-36s %18s  %-14s", tensor.name.c_str(), shape_text(tensor.shape).c_str(),
                  types.c_str());
      if (tensor.from != tensor.to) std::printf(" error %7.4f %%", 100.0 * tensor.error);
      std::printf("\n");
    };
  }
  const model::QuantizeReport report = quantize_model(*file, flags.out, options);
  line.clear();
  if (flags.json) {
    std::cout << to_json(report).dump(2) << "\n";
    return;
  }
  std::printf("%s: %.1f MB -> %.1f MB, error of the quantised weights %.4f %%\n", flags.out.c_str(),
              static_cast<double>(report.bytes_before) / 1e6,
              static_cast<double>(report.bytes_after) / 1e6, 100.0 * report.error);
}

}  // namespace

void add_quantize_command(CLI::App& model) {
  auto flags = std::make_shared<QuantizeFlags>();
  CLI::App* command = model.add_subcommand(
      "quantize", "A smaller file of a model; tells the relative error of every tensor");
  command->add_option("IN", flags->in, "A .gguf file of F32, F16 or BF16 weights")->required();
  command->add_option("OUT", flags->out, "The new file; appears whole or not at all")->required();
  std::string types;
  for (const model::MixInfo& row : model::mixes()) {
    types.append(types.empty() ? "" : ", ").append(row.name);
  }
  command->add_option("TYPE", flags->type, types)->required();
  command->add_option("-t,--threads", flags->threads, "0 = all cores");
  command->add_flag("--requantize", flags->requantize,
                    "Also from weights that are quantised already; errors add up");
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([flags] { quantize(*flags); });
}

}  // namespace orkestra::apps
