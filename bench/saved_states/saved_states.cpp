// What it costs to keep a long prefix on disk: size, and times of saving, of loading, and of the
// first token after that.
//
//   bench_saved_states FILE.gguf [--tokens N] [--states FILE] [--threads N] [--cold]
//
// The prefix is not computed: its state is filled with random numbers, of the same size and as good
// for measuring. --cold: the system forgets the file before it is loaded.
#include <fcntl.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/replay_task.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/state_file.h>
#include <orkestra/model/engine/weights_fingerprint.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

namespace {

using namespace orkestra;
using namespace orkestra::model;

using Clock = std::chrono::steady_clock;

struct Options {
  std::string file;
  std::size_t tokens = 65536;
  std::filesystem::path states = std::filesystem::temp_directory_path() / "orkestra_saved_states";
  int threads = 0;
  bool cold = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw Error(ErrorCode::kInvalid, name + ": needs a value");
      return argv[++i];
    };
    if (name == "--tokens") {
      options.tokens = std::stoul(value());
    } else if (name == "--states") {
      options.states = value();
    } else if (name == "--threads") {
      options.threads = std::stoi(value());
    } else if (name == "--cold") {
      options.cold = true;
    } else if (options.file.empty() && !name.starts_with("--")) {
      options.file = name;
    } else {
      throw Error(ErrorCode::kInvalid, name + ": unknown; see the head of saved_states.cpp");
    }
  }
  if (options.file.empty() || options.tokens < 64) {
    throw Error(ErrorCode::kInvalid, "name a .gguf file, and at least 64 tokens");
  }
  return options;
}

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

BatchWorker make_worker(const LoadedModel& model, const Options& options) {
  return BatchWorker(
      std::make_unique<CpuBackend>(model.network(), best_kernels(), options.threads),
      {.n_vocab = model.vocabulary_size(), .state_budget_bytes = std::size_t{4} << 30U});
}

// What load_state() asks for, as save_state() would have written it (cpu_saved_states.cpp): per
// attention layer its number of pages and a zero for each of them; all else is numbers.
void fabricate(std::span<std::byte> to, std::size_t n_pages, Random& random) {
  std::memset(to.data(), 0, to.size());
  if (to.size() == n_pages) return;
  if (to.size() == 2 * sizeof(std::uint32_t)) {
    const auto count = static_cast<std::uint32_t>(n_pages);
    std::memcpy(to.data(), &count, sizeof count);
    return;
  }
  for (std::size_t at = 0; at + sizeof(float) <= to.size(); at += sizeof(float)) {
    const auto number = static_cast<float>(random.uniform() - 0.5);
    std::memcpy(to.data() + at, &number, sizeof number);
  }
}

double first_token_ms(BatchWorker& worker, std::vector<TokenId> tokens) {
  tokens.push_back(1);
  const auto task = std::make_shared<ReplayTask>(ReplayRequest{
      .id = "", .tokens = std::move(tokens), .marks = {}, .forced_output = {}, .group = ""});
  const auto start = Clock::now();
  worker.submit({task});
  task->wait();
  const double ms = ms_since(start);
  if (task->usage.prompt - task->usage.reused != 1) {
    throw Error(ErrorCode::kInternal, "the prefix was not found");
  }
  return ms;
}

void run(const Options& options) {
  const auto model = std::make_shared<const LoadedModel>(GgufFile::open(options.file));
  auto start = Clock::now();
  const std::string weights = weights_fingerprint(model->file(), options.threads);
  std::printf("naming the weights     %10.1f ms\n", ms_since(start));
  Random random(1);
  std::vector<TokenId> tokens(options.tokens);
  for (TokenId& token : tokens) {
    token =
        static_cast<TokenId>(random.next() % static_cast<std::uint64_t>(model->vocabulary_size()));
  }
  {
    BatchWorker worker = make_worker(*model, options);
    const std::size_t n_pages = (options.tokens + kPageTokens - 1) / kPageTokens;
    worker.with_tree([&](StateTree& tree, Backend& backend) {
      const auto state = backend.load_state(
          static_cast<std::int64_t>(options.tokens), std::nullopt,
          [&](std::span<std::byte> to) { fabricate(to, n_pages, random); },
          [&](std::size_t bytes) { return tree.make_room(bytes); });
      if (!state) throw Error(ErrorCode::kExhausted, "so long a prefix does not fit 4 GiB");
      std::printf("state in memory        %10.1f MiB\n",
                  static_cast<double>(backend.state_bytes(*state)) / (1 << 20));
      tree.store("", tokens, *state, nullptr);
    });
    start = Clock::now();
    const SavedStates saved = save_states(worker, weights, options.states, {});
    std::printf("saving, on disk        %10.1f ms\nsize of the file       %10.1f MiB\n",
                ms_since(start), static_cast<double>(saved.bytes) / (1 << 20));
    std::printf("first token, before    %10.1f ms\n", first_token_ms(worker, tokens));
  }
  if (options.cold) {
    const int descriptor = ::open(options.states.c_str(), O_RDONLY | O_CLOEXEC);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    ::close(descriptor);
  }
  BatchWorker worker = make_worker(*model, options);
  start = Clock::now();
  load_states(worker, weights, options.states,
              {.n_vocab = model->vocabulary_size(),
               .context_length = static_cast<std::int64_t>(options.tokens)});
  std::printf("loading                %10.1f ms\n", ms_since(start));
  std::printf("first token, after     %10.1f ms\n", first_token_ms(worker, tokens));
  std::filesystem::remove(options.states);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_saved_states: " << error.what() << "\n";
    return 1;
  }
}
