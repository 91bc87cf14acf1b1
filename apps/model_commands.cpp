#include <orkestra/agent/model_locator.h>
#include <orkestra/apps/convert_command.h>
#include <orkestra/apps/model_bench.h>
#include <orkestra/apps/model_commands.h>
#include <orkestra/apps/model_info.h>
#include <orkestra/apps/model_replay.h>
#include <orkestra/apps/quantize_command.h>
#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::apps {
namespace {

using model::TokenId;

constexpr const char* kKvHelp = "Keys and values as f32, f16 or q8_0; auto: by the weights";

// One aggregate for all subcommands' options: CLI11 keeps references into it.
struct ModelOptions {
  std::string file;
  bool json = false;
  std::string text;
  bool has_text = false;
  std::string tokens_file;
  std::string out;
  int threads = 0;
  std::int64_t batch = 0;
  std::string kernels = "best";
  std::string kv = "auto";
  BenchOptions bench;
};

std::shared_ptr<const model::LoadedModel> open(const std::string& name) {
  return std::make_shared<const model::LoadedModel>(
      model::GgufFile::open(agent::locate_model(name)));
}

std::string read_stdin() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

// Decimal ids between white space or commas. Throws Error{kInvalid} naming `what` and the place.
std::vector<TokenId> parse_ids(std::string_view text, const std::string& what,
                               std::int64_t n_vocab) {
  std::vector<TokenId> ids;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n,", at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.size(), text.find_first_of(" \t\r\n,", at));
    TokenId id = -1;
    const auto [rest, code] = std::from_chars(text.data() + at, text.data() + end, id);
    if (code != std::errc() || rest != text.data() + end || id < 0 || id >= n_vocab) {
      throw Error(ErrorCode::kInvalid,
                  what + ": \"" +
                      std::string(text.substr(at, std::min<std::size_t>(end - at, 32))) +
                      "\" (item " + std::to_string(ids.size() + 1) +
                      ") is not a token id from 0 to " + std::to_string(n_vocab - 1));
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

void list_command(bool json) {
  Json rows = Json::array();
  for (const agent::BundledModel& bundled : agent::bundled_models()) {
    rows.push_back({{"name", bundled.name}, {"file", bundled.file.string()}});
    if (!json) std::cout << bundled.name << "  " << bundled.file.string() << "\n";
  }
  if (json) std::cout << rows.dump(2) << "\n";
}

void info_command(const ModelOptions& options) {
  const Json info = model_info(*open(options.file));
  std::cout << (options.json ? info.dump(2) + "\n" : to_text(info));
}

// Only the vocabulary: files without weights have one, too.
std::shared_ptr<const model::Tokenizer> open_tokenizer(const std::string& name) {
  return model::make_tokenizer(*model::GgufFile::open(agent::locate_model(name)));
}

void tokenize_command(const ModelOptions& options) {
  const auto tokenizer = open_tokenizer(options.file);
  const std::vector<TokenId> ids =
      tokenizer->encode(options.has_text ? options.text : read_stdin());
  if (options.json) {
    Json pieces = Json::array();
    for (const TokenId id : ids) pieces.push_back(tokenizer->piece(id));
    std::cout << dump_json({{"ids", ids}, {"pieces", pieces}}) << "\n";
    return;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) std::cout << (i == 0 ? "" : " ") << ids[i];
  std::cout << "\n";
}

void detokenize_command(const ModelOptions& options) {
  const auto tokenizer = open_tokenizer(options.file);
  const std::string input = options.has_text ? options.text : read_stdin();
  const std::string text =
      tokenizer->decode_whole(parse_ids(input, "token ids", tokenizer->size()));
  std::cout << (options.json ? dump_json({{"text", text}}) + "\n" : text);
}

void logits_command(const ModelOptions& options) {
  const auto model = open(options.file);
  std::ifstream in(options.tokens_file, std::ios::binary);
  if (!in) throw Error(ErrorCode::kNotFound, options.tokens_file + ": can't be read");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::vector<TokenId> tokens =
      parse_ids(text, options.tokens_file, model->vocabulary_size());
  if (static_cast<std::int64_t>(tokens.size()) > model->context_length()) {
    throw Error(ErrorCode::kExhausted, options.tokens_file + ": " + std::to_string(tokens.size()) +
                                           " tokens, the context holds " +
                                           std::to_string(model->context_length()));
  }
  model::CpuBackend backend(model->network(), model::kernels_named(options.kernels),
                            options.threads, model::kv_type_named(options.kv));
  std::ofstream out(options.out, std::ios::binary | std::ios::trunc);
  if (!out) throw Error(ErrorCode::kNotFound, options.out + ": can't be written");
  const std::size_t step =
      options.batch > 0 ? static_cast<std::size_t>(options.batch) : tokens.size();
  const model::StateHandle state = backend.create_state();
  std::vector<float> logits;
  for (std::size_t begin = 0; begin < tokens.size(); begin += step) {
    const std::size_t n = std::min(step, tokens.size() - begin);
    const model::StepChunk chunk{.state = state,
                                 .tokens = std::span(tokens).subspan(begin, n),
                                 .n_logits = static_cast<std::int64_t>(n)};
    backend.step({&chunk, 1}, logits);
    out.write(reinterpret_cast<const char*>(logits.data()),
              static_cast<std::streamsize>(logits.size() * sizeof(float)));
  }
  out.flush();
  if (!out) throw Error(ErrorCode::kExhausted, options.out + ": writing failed, is the disk full?");
}

void bench_command(const ModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto model = open(options.file);
  const std::int64_t open_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start)
          .count();
  const bool progress = !options.json || isatty(STDERR_FILENO) != 0;
  if (!options.json) {
    std::printf("%-28s %10s %8s %8s %22s\n", "model", "test", "depth", "threads", "tokens/s");
  }
  const auto show = [&](const BenchResult& result) {
    if (!progress) return;
    const std::string test = result.n_prompt > 0 ? "pp" + std::to_string(result.n_prompt)
                                                 : "tg" + std::to_string(result.n_gen);
    std::fprintf(options.json ? stderr : stdout, "%-28.28s %10s %8lld %8d %13.2f +- %5.2f%s\n",
                 model->id().c_str(), test.c_str(), static_cast<long long>(result.n_depth),
                 result.n_threads, mean(result.samples_ts()), deviation(result.samples_ts()),
                 options.bench.fabricate && result.n_depth > 0 ? " (depth fabricated)" : "");
    std::fflush(stdout);
  };
  const auto results = bench(model->network(), options.bench, show);
  if (!options.json) return;
  std::cout << to_json(*model, options.bench, open_ns, results).dump(2) << "\n";
}

}  // namespace

void add_model_commands(CLI::App& app) {
  CLI::App* model = app.add_subcommand("model", "Look into model files and measure them");
  model->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& description,
                       void (*run)(const ModelOptions&)) {
    auto options = std::make_shared<ModelOptions>();
    CLI::App* command = model->add_subcommand(name, description);
    command->add_option("FILE", options->file, "A .gguf file, or a bundled model's name")
        ->required();
    command->callback([options, run, command] {
      const CLI::Option* text = command->get_option_no_throw("--text");
      options->has_text = text != nullptr && text->count() > 0;
      run(*options);
    });
    return std::pair(command, options);
  };

  {
    auto json = std::make_shared<bool>(false);
    CLI::App* command = model->add_subcommand("list", "The bundled models, by the names they have");
    command->add_flag("--json", *json, "Print JSON");
    command->callback([json] { list_command(*json); });
  }
  {
    const auto [command, options] = add("info", "What a model file holds", info_command);
    command->add_flag("--json", options->json, "Print JSON");
  }
  {
    const auto [command, options] =
        add("tokenize", "Text from stdin or --text as token ids", tokenize_command);
    command->add_option("--text", options->text, "The text, instead of stdin");
    command->add_flag("--json", options->json, "Print JSON with the pieces");
  }
  {
    const auto [command, options] =
        add("detokenize", "Token ids from stdin or --text as text", detokenize_command);
    command->add_option("--text", options->text, "The ids, instead of stdin");
    command->add_flag("--json", options->json, "Print JSON");
  }
  {
    const auto [command, options] =
        add("logits", "Logits after every token of a list, as float32", logits_command);
    command->add_option("--tokens-file", options->tokens_file, "Token ids as decimal text")
        ->required();
    command->add_option("--out", options->out, "Little-endian float32 [n_tokens, n_vocab]")
        ->required();
    command->add_option("--threads", options->threads, "0 = all cores");
    command->add_option("--batch", options->batch, "Tokens per step, 0 = all at once");
    command->add_option("--kernels", options->kernels, "best, reference, avx2 or avx512");
    command->add_option("--kv", options->kv, kKvHelp);
  }
  {
    const auto [command, options] =
        add("bench", "Tokens per second of prompts and of writing", bench_command);
    BenchOptions& bench = options->bench;
    command->add_option("-p,--n-prompt", bench.n_prompt, "Prompt lengths, 0 = none")
        ->delimiter(',');
    command->add_option("-n,--n-gen", bench.n_gen, "Tokens to write, 0 = none")->delimiter(',');
    command->add_option("-d,--n-depth", bench.n_depth, "Tokens in the state before the test")
        ->delimiter(',');
    command->add_option("-t,--threads", bench.n_threads, "Threads, 0 = all cores")->delimiter(',');
    command->add_option("-r,--repetitions", bench.repetitions, "Measured runs of each test");
    command->add_flag("!--no-warmup", bench.warm_up, "Measure from the first token on");
    command->add_option("-b,--batch", bench.batch, "Prompt tokens per step");
    command->add_flag("--fabricate", bench.fabricate,
                      "Fill the state with made-up numbers instead of reading -d tokens");
    command->add_option("--kv", bench.kv, kKvHelp);
    command->add_option("--kernels", bench.kernels, "best, reference, avx2 or avx512");
    command->add_flag("--json", options->json, "Print JSON");
  }
  add_replay_command(*model);
  add_convert_command(*model);
  add_quantize_command(*model);
  add_perplexity_command(*model);
}

}  // namespace orkestra::apps
