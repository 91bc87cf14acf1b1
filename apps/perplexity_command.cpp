#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/interrupt.h>
#include <orkestra/apps/progress_line.h>
#include <orkestra/apps/quantize_command.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/perplexity.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::apps {
namespace {

struct PerplexityFlags {
  std::string file;
  std::string text;
  std::int64_t context = 512;
  std::int64_t batch = 512;
  std::int64_t stretches = 0;
  int threads = 0;
  std::string kernels = "best";
  std::string kv = "auto";
  bool json = false;
};

void perplexity(const PerplexityFlags& flags) {
  const Interrupt interrupt;
  const model::LoadedModel loaded(model::GgufFile::open(agent::locate_model(flags.file)));
  std::ifstream in(flags.text, std::ios::binary);
  if (!in) throw Error(ErrorCode::kNotFound, flags.text + ": can't be read");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const model::Tokenizer& tokenizer = loaded.tokenizer();
  std::vector<model::TokenId> tokens = tokenizer.encode(text);
  const bool begins = tokenizer.add_bos() && tokenizer.bos() >= 0;
  if (begins) tokens.insert(tokens.begin(), tokenizer.bos());

  model::CpuBackend backend(loaded.network(), model::kernels_named(flags.kernels), flags.threads,
                            model::kv_type_named(flags.kv));
  ProgressLine line("reading");
  const auto result = model::perplexity(backend, tokens,
                                        {.context = flags.context,
                                         .batch = flags.batch,
                                         .begin = begins ? tokenizer.bos() : -1,
                                         .max_stretches = flags.stretches,
                                         .stop = interrupt.token(),
                                         .progress = [&](std::int64_t done, std::int64_t total) {
                                           line.at(static_cast<std::uint64_t>(done),
                                                   static_cast<std::uint64_t>(total));
                                         }});
  line.clear();
  if (flags.json) {
    std::cout << dump_json({{"perplexity", result.perplexity},
                            {"deviation", result.deviation},
                            {"context", flags.context},
                            {"stretches", result.n_stretches},
                            {"tokens_scored", result.n_scored},
                            {"tokens", tokens.size()}})
              << "\n";
    return;
  }
  std::printf("perplexity %.4f +- %.4f over %lld tokens, %lld stretches of %lld\n",
              result.perplexity, result.deviation, static_cast<long long>(result.n_scored),
              static_cast<long long>(result.n_stretches), static_cast<long long>(flags.context));
}

}  // namespace

void add_perplexity_command(CLI::App& model) {
  auto flags = std::make_shared<PerplexityFlags>();
  CLI::App* command = model.add_subcommand(
      "perplexity", "How well a model foretells a text: llama-perplexity's definition");
  command->add_option("FILE", flags->file, "A .gguf file, or a bundled model's name")->required();
  command->add_option("--text", flags->text, "The text")->required();
  command->add_option("-c,--context", flags->context, "Tokens read at a time; half are scored");
  command->add_option("-b,--batch", flags->batch, "Tokens per step");
  command->add_option("--stretches", flags->stretches, "At most so many contexts, 0 = all");
  command->add_option("-t,--threads", flags->threads, "0 = all cores");
  command->add_option("--kernels", flags->kernels, "best, reference, avx2 or avx512");
  command->add_option("--kv", flags->kv,
                      "Keys and values as f32, f16 or q8_0; auto: by the weights");
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([flags] { perplexity(*flags); });
}

}  // namespace orkestra::apps
