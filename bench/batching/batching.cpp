// What sequences cost that are computed together: the best of several continuations of one prefix
// against a single one, and several sequences writing at once against reading a prompt.
//
//   bench_batching FILE.gguf [--prefix N] [--write N] [--best N] [--together N] [--steps N,N,...]
//                  [--threads N] [--only best|together|steps|guessing]
//
// Everything goes through the batch worker, sampling over the whole vocabulary included. `steps`
// feeds a prompt of 512 tokens in steps of so many, without the worker. `guessing` writes given
// tokens with and without prompt-lookup guesses: where they help, where there are none, and where
// they are always wrong.
#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/model/engine/cpu_backend.h>
#include <orkestra/model/engine/loaded_model.h>
#include <orkestra/model/engine/sampler.h>
#include <orkestra/model/engine/speculation.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace {

using namespace orkestra;
using namespace orkestra::model;

using Clock = std::chrono::steady_clock;

struct Options {
  std::string file;
  std::size_t prefix = 2048;
  std::size_t write = 64;
  std::size_t best = 8;
  std::size_t together = 16;
  std::vector<std::size_t> steps{8, 16, 32, 64, 128, 256, 512};
  int threads = 0;
  std::string only;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) throw Error(ErrorCode::kInvalid, name + ": needs a value");
      return argv[++i];
    };
    if (name == "--prefix") {
      options.prefix = std::stoul(value());
    } else if (name == "--write") {
      options.write = std::stoul(value());
    } else if (name == "--best") {
      options.best = std::stoul(value());
    } else if (name == "--together") {
      options.together = std::stoul(value());
    } else if (name == "--steps") {
      options.steps.clear();
      std::istringstream list(value());
      for (std::string n; std::getline(list, n, ',');) options.steps.push_back(std::stoul(n));
    } else if (name == "--threads") {
      options.threads = std::stoi(value());
    } else if (name == "--only") {
      options.only = value();
    } else if (options.file.empty() && !name.starts_with("--")) {
      options.file = name;
    } else {
      throw Error(ErrorCode::kInvalid, name + ": unknown; see the head of batching.cpp");
    }
  }
  if (options.file.empty()) throw Error(ErrorCode::kInvalid, "name a .gguf file");
  return options;
}

// Samples n tokens from all of the vocabulary.
class WritingTask final : public Task {
 public:
  WritingTask(std::vector<TokenId> prompt, std::size_t n, std::uint64_t seed,
              std::shared_ptr<const std::vector<std::uint8_t>> allowed)
      : left_(n), sampler_({.temperature = 0.8, .seed = seed}), allowed_(std::move(allowed)) {
    tokens = std::move(prompt);
    first_wanted = tokens.size() - 1;
    marks = {{.length = tokens.size(), .with_logits = true}};
    usage.prompt = static_cast<std::int64_t>(tokens.size());
  }
  bool take(std::size_t, std::span<const float> logits) override {
    at_.push_back(Clock::now());
    if (left_-- == 0) return false;
    const auto start = Clock::now();
    tokens.push_back(sampler_.sample(logits, *allowed_).id);
    sampling_s_ += std::chrono::duration<double>(Clock::now() - start).count();
    return true;
  }
  bool keeps_state() const override { return false; }
  void finish() override {}

  // When the logits of each token were there; after wait().
  const std::vector<Clock::time_point>& at() const { return at_; }
  double sampling_seconds() const { return sampling_s_; }

 private:
  std::size_t left_;
  Sampler sampler_;
  std::shared_ptr<const std::vector<std::uint8_t>> allowed_;
  std::vector<Clock::time_point> at_;
  double sampling_s_ = 0.0;
};

// Says what it is given, and guesses what is to come or doesn't.
class SayingTask final : public Task {
 public:
  SayingTask(std::vector<TokenId> prompt, std::vector<TokenId> said, bool guesses)
      : said_(std::move(said)), guesses_(guesses) {
    tokens = std::move(prompt);
    first_wanted = tokens.size() - 1;
    marks = {{.length = tokens.size(), .with_logits = true}};
    usage.prompt = static_cast<std::int64_t>(tokens.size());
  }
  bool take(std::size_t, std::span<const float>) override {
    at_.push_back(Clock::now());
    if (next_ == said_.size()) return false;
    tokens.push_back(said_[next_++]);
    return true;
  }
  void draft(std::size_t most, std::vector<TokenId>& out) const override {
    if (guesses_) look_up_draft(tokens, most, out);
  }
  bool keeps_state() const override { return false; }
  void finish() override {}
  double seconds() const { return std::chrono::duration<double>(at_.back() - at_.front()).count(); }

 private:
  std::vector<TokenId> said_;
  bool guesses_;
  std::size_t next_ = 0;
  std::vector<Clock::time_point> at_;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        model_(std::make_shared<const LoadedModel>(GgufFile::open(options.file))),
        allowed_(std::make_shared<const std::vector<std::uint8_t>>(
            static_cast<std::size_t>(model_->vocabulary_size()), std::uint8_t{1})) {}

  void run() {
    if (wanted("steps")) steps();
    worker_ = std::make_unique<BatchWorker>(
        std::make_unique<CpuBackend>(model_->network(), best_kernels(), options_.threads),
        BatchOptions{.n_vocab = model_->vocabulary_size(),
                     .state_budget_bytes = std::size_t{4} << 30U});
    if (wanted("together")) together();
    if (wanted("best")) best();
    if (wanted("guessing")) guessing();
  }

 private:
  using Tasks = std::vector<std::shared_ptr<WritingTask>>;

  bool wanted(const char* what) const { return options_.only.empty() || options_.only == what; }

  std::vector<TokenId> random_tokens(std::size_t n) {
    std::vector<TokenId> tokens(n);
    for (TokenId& token : tokens) {
      token = static_cast<TokenId>(random_.next() %
                                   static_cast<std::uint64_t>(model_->vocabulary_size()));
    }
    return tokens;
  }
  std::shared_ptr<WritingTask> task(const std::vector<TokenId>& prompt, std::size_t n) {
    return std::make_shared<WritingTask>(prompt, n, ++seed_, allowed_);
  }
  void run(const Tasks& tasks) {
    worker_->submit({tasks.begin(), tasks.end()});
    for (const auto& task : tasks) task->wait();
  }
  // From the first logits of the last to have any, to the last of the first to have all.
  static double seconds(const Tasks& tasks) {
    auto begin = tasks.front()->at().front();
    auto end = tasks.front()->at().back();
    for (const auto& task : tasks) {
      begin = std::max(begin, task->at().front());
      end = std::min(end, task->at().back());
    }
    return std::chrono::duration<double>(end - begin).count();
  }
  static double sampling(const Tasks& tasks) {
    double sum = 0.0;
    for (const auto& task : tasks) sum += task->sampling_seconds();
    return sum;
  }

  void steps() {
    CpuBackend backend(model_->network(), best_kernels(), options_.threads);
    const auto tokens = random_tokens(512);
    std::vector<float> logits;
    std::printf("a prompt of 512 tokens in steps of so many\n%8s %10s %12s\n", "step", "tokens/s",
                "ms a step");
    for (const std::size_t n : options_.steps) {
      const StateHandle state = backend.create_state();
      const auto start = Clock::now();
      for (std::size_t begin = 0; begin < tokens.size(); begin += n) {
        const StepChunk chunk{
            .state = state,
            .tokens = std::span(tokens).subspan(begin, std::min(n, tokens.size() - begin)),
            .n_logits = begin + n >= tokens.size() ? 1 : 0};
        backend.step({&chunk, 1}, logits);
      }
      const double passed = std::chrono::duration<double>(Clock::now() - start).count();
      backend.release_state(state);
      std::printf("%8zu %10.1f %12.1f\n", n, 512.0 / passed,
                  1000.0 * passed * static_cast<double>(n) / 512.0);
      std::fflush(stdout);
    }
  }

  void together() {
    const auto prompt = task(random_tokens(512), 0);
    const auto start = Clock::now();
    run({prompt});
    const double reading = 512.0 / std::chrono::duration<double>(Clock::now() - start).count();
    Tasks tasks;
    for (std::size_t i = 0; i < options_.together; ++i) {
      tasks.push_back(task(random_tokens(8), options_.write));
    }
    run(tasks);
    const double passed = seconds(tasks);
    const double writing = static_cast<double>(options_.together * options_.write) / passed;
    std::printf(
        "%zu sequences of %zu tokens: %.1f tokens/s, %.0f %% of it sampling; a prompt of "
        "512: %.1f tokens/s; ratio %.2f\n",
        options_.together, options_.write, writing, 100.0 * sampling(tasks) / passed, reading,
        writing / reading);
    std::fflush(stdout);
  }

  void best() {
    const auto prefix = random_tokens(options_.prefix);
    Tasks all;
    for (std::size_t i = 0; i < options_.best; ++i) all.push_back(task(prefix, options_.write));
    run(all);
    std::int64_t processed = 0;
    for (const auto& one : all) processed += one->usage.prompt - one->usage.reused;
    const Tasks one{task(prefix, options_.write)};
    run(one);
    std::printf(
        "best of %zu against best of 1, %zu tokens from a prefix of %zu: %.2f s against "
        "%.2f s, ratio %.2f; prompt tokens computed: %lld\n",
        options_.best, options_.write, options_.prefix, seconds(all), seconds(one),
        seconds(all) / seconds(one), static_cast<long long>(processed));
    std::fflush(stdout);
  }

  // n tokens of which three in a row are always followed by another one than the last time.
  static std::vector<TokenId> deceiving(std::size_t n) {
    std::map<std::vector<TokenId>, TokenId> followed;
    std::vector<TokenId> tokens{1000, 1001, 1002};
    while (tokens.size() < n) {
      TokenId& last = followed[{tokens.end() - 3, tokens.end()}];
      last = (last + 1) % 3;
      tokens.push_back(1000 + last);
    }
    return tokens;
  }
  // `source` with every `each`-th token another one.
  std::vector<TokenId> changed(std::vector<TokenId> source, std::size_t each) {
    for (std::size_t i = each - 1; i < source.size(); i += each) source[i] = random_tokens(1)[0];
    return source;
  }

  void guessing() {
    const std::size_t n = options_.write;
    const auto source = random_tokens(n + 4);
    auto deceived = deceiving(n + 200);
    const std::vector<TokenId> deceit(deceived.end() - static_cast<std::ptrdiff_t>(n),
                                      deceived.end());
    deceived.resize(deceived.size() - n);
    const std::vector<TokenId> quoted(source.begin() + 4, source.end());
    struct Case {
      const char* name;
      std::vector<TokenId> prompt;
      std::vector<TokenId> said;
    };
    // The prompt ends as the source begins, so that the first guess is possible.
    auto quoting = source;
    quoting.insert(quoting.end(), source.begin(), source.begin() + 4);
    const std::vector<Case> cases{{"quotes the prompt", quoting, quoted},
                                  {"every 16th differs", quoting, changed(quoted, 16)},
                                  {"every 4th differs", quoting, changed(quoted, 4)},
                                  {"nothing occurs again", quoting, random_tokens(n)},
                                  {"every guess is wrong", deceived, deceit}};
    std::printf(
        "%zu tokens, with and without guesses, in turns, three times\n%-22s %12s %12s %8s\n", n,
        "what is written", "with, tok/s", "without", "ratio");
    for (const Case& what : cases) {
      double seconds[2] = {0.0, 0.0};
      for (int round = 0; round < 6; ++round) {
        const bool with = round % 2 == 0;
        const auto task = std::make_shared<SayingTask>(what.prompt, what.said, with);
        worker_->submit({task});
        task->wait();
        seconds[with ? 0 : 1] += task->seconds();
      }
      const auto rate = [&](double s) { return 3.0 * static_cast<double>(n) / s; };
      std::printf("%-22s %12.1f %12.1f %8.2f\n", what.name, rate(seconds[0]), rate(seconds[1]),
                  seconds[1] / seconds[0]);
      std::fflush(stdout);
    }
  }

  const Options& options_;
  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<const std::vector<std::uint8_t>> allowed_;
  std::unique_ptr<BatchWorker> worker_;
  Random random_{1};
  std::uint64_t seed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    Bench(options).run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_batching: " << error.what() << "\n";
    return 1;
  }
}
