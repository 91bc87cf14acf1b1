// A model of the engine, held against it: whatever is done in whatever order, every state gives the
// logits of a computation from scratch.

#include <orkestra/model/engine/score_task.h>
#include <orkestra/model/engine/state_file.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>
#include <orkestra/tests/model/worker_tasks.h>

#include <cstdlib>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

using Tokens = std::vector<TokenId>;

// Logits after every prefix, each sequence computed alone on one thread, token by token.
class Recomputed {
 public:
  explicit Recomputed(const Network& network) : backend_(network, best_kernels(), 1) {}

  const std::vector<float>& after(const Tokens& tokens) {
    const auto found = known_.find(tokens);
    if (found != known_.end()) return found->second;
    const auto all = all_logits(backend_, tokens, 1);
    for (std::size_t n = 1; n <= tokens.size(); ++n) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>((n - 1) * 512);
      known_.try_emplace(Tokens(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)),
                         begin, begin + 512);
    }
    return known_.at(tokens);
  }

 private:
  CpuBackend backend_;
  std::map<Tokens, std::vector<float>> known_;
};

// What a user may do, at random: write on from any text, branch, score, cancel, pin, evict, save,
// load, start anew.
class RandomOperations {
 public:
  RandomOperations(const std::string& golden, std::uint64_t seed)
      : network_(golden_network(golden)),
        recomputed_(network_),
        random_(seed),
        writable_(std::make_shared<const TokenSet>(512, 1)) {
    open();
  }

  void run(int n_operations) {
    for (int i = 0; i < n_operations; ++i) {
      CAPTURE(i);
      switch (random_.next() % 13) {
        case 0:
          evict();
          break;
        case 1:
          pin();
          break;
        case 2:
          score();
          break;
        case 3:
          cancel();
          break;
        case 4:
          save_and_load();
          break;
        default:
          write();
      }
      REQUIRE(worker_->counts().tree.peak_bytes <= budget_);
      if (random_.next() % 400 == 0) open();
    }
    CHECK(reused_ > 0);
    CHECK(loaded_ > 0);
  }

 private:
  // A new worker, of another budget and batch size.
  void open() {
    worker_.reset();
    pinned_.clear();
    CpuBackend probe(network_, best_kernels(), 1);
    const StateHandle state = probe.create_state();
    const std::size_t session = probe.bytes_in_use() + probe.growth_bytes(state, 128);
    budget_ = session * (3 + random_.next() % 12);
    worker_ = std::make_unique<BatchWorker>(
        std::make_unique<CpuBackend>(network_, best_kernels(),
                                     1 + static_cast<int>(random_.next() % 2)),
        BatchOptions{.n_vocab = 512,
                     .max_batch_tokens = static_cast<std::int64_t>(3 + random_.next() % 60),
                     .max_active = 1 + random_.next() % 6,
                     .state_budget_bytes = budget_,
                     .snapshot_interval = 4 + random_.next() % 30});
  }

  // Few tokens and few lengths, so that prefixes meet again.
  Tokens prompt() {
    Tokens tokens;
    if (!sequences_.empty() && random_.next() % 4 != 0) {
      tokens = sequences_[random_.next() % sequences_.size()];
      if (random_.next() % 3 == 0) tokens.resize(1 + random_.next() % tokens.size());
    }
    for (std::uint64_t n = random_.next() % 6; n > 0 || tokens.empty(); n -= n > 0 ? 1 : 0) {
      tokens.push_back(static_cast<TokenId>(random_.next() % 3));
    }
    if (tokens.size() > 48) tokens.resize(48);
    return tokens;
  }
  std::string tenant() { return random_.next() % 3 == 0 ? "b" : "a"; }

  std::shared_ptr<SamplingTask> task(int n) {
    auto made = std::make_shared<SamplingTask>(prompt(), n, 1.0);
    made->tenant = tenant();
    made->priority = static_cast<int>(random_.next() % 3);
    const std::size_t size = made->tokens.size();
    for (std::size_t mark = 1; mark <= size; mark += 1 + random_.next() % 9) {
      made->marks.push_back({.length = mark});
    }
    // Guesses of tokens that are unlikely, and sometimes true by chance.
    made->oracle.assign(size + 64, static_cast<TokenId>(random_.next() % 512));
    return made;
  }

  void check(const SamplingTask& done) {
    const std::size_t rows = done.seen.size() / 512;
    for (std::size_t i = 0; i < rows; ++i) {
      const Tokens tokens(done.tokens.begin(),
                          done.tokens.end() - static_cast<std::ptrdiff_t>(rows - 1 - i));
      const std::vector<float>& expected = recomputed_.after(tokens);
      REQUIRE(std::memcmp(expected.data(), done.seen.data() + i * 512, 512 * sizeof(float)) == 0);
    }
  }

  void write() {
    std::vector<std::shared_ptr<SamplingTask>> tasks;
    for (std::uint64_t n = 1 + random_.next() % 4; n > 0; --n) {
      tasks.push_back(task(static_cast<int>(random_.next() % 4)));
    }
    worker_->submit({tasks.begin(), tasks.end()});
    for (const auto& done : tasks) {
      done->wait();
      check(*done);
      reused_ += done->usage.reused;
      if (sequences_.size() < 40) sequences_.push_back(done->tokens);
      sequences_[random_.next() % sequences_.size()] = done->tokens;
    }
  }

  void cancel() {
    auto stopped = task(40);
    auto beside = task(2);
    worker_->submit({stopped, beside});
    if (random_.next() % 2 == 0) beside->wait();
    stopped->cancel();
    try {
      stopped->wait();
      check(*stopped);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::kCancelled);
    }
    beside->wait();
    check(*beside);
  }

  void score() {
    const EncodedPrompt asked{.tokens = prompt(), .marks = {}};
    std::vector<std::shared_ptr<ScoreTask>> tasks;
    std::vector<Tokens> choices;
    for (TokenId first = 0; first < 3; ++first) {
      Tokens choice{first};
      while (random_.next() % 2 == 0) choice.push_back(static_cast<TokenId>(random_.next() % 3));
      choices.push_back(choice);
      tasks.push_back(std::make_shared<ScoreTask>(writable_, asked, choice));
      tasks.back()->tenant = "a";
    }
    worker_->submit({tasks.begin(), tasks.end()});
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i]->wait();
      Tokens tokens = asked.tokens;
      double expected = 0.0;
      for (const TokenId next : choices[i]) {
        expected += log_probability(recomputed_.after(tokens), *writable_, next);
        tokens.push_back(next);
      }
      REQUIRE(tasks[i]->log_probability() == expected);
    }
  }

  void evict() {
    const std::size_t bytes = budget_ * (random_.next() % 4) / 4;
    worker_->with_tree([&](StateTree& tree, Backend&) { tree.make_room(bytes); });
  }

  void pin() {
    worker_->with_tree([&](StateTree& tree, Backend&) {
      for (const Tokens& tokens : pinned_) tree.unpin("a", tokens);
      pinned_.clear();
      if (sequences_.empty()) return;
      const Tokens& tokens = sequences_[random_.next() % sequences_.size()];
      if (tree.pin("a", tokens)) pinned_.push_back(tokens);
    });
  }

  // A restart in one of three cases; else what was evicted since the last time is there again.
  void save_and_load() {
    switch (random_.next() % 3) {
      case 0:
        save_states(*worker_, "w", file_, {});
        return;
      case 1:
        save_states(*worker_, "w", file_, {});
        open();
        break;
      default:
        if (!std::filesystem::exists(file_)) return;
    }
    try {
      loaded_ += load_states(*worker_, "w", file_,
                             {.tenant = std::nullopt, .n_vocab = 512, .context_length = 4096})
                     .states;
    } catch (const Error& error) {
      CAPTURE(error.message());
      REQUIRE(error.code() == ErrorCode::kExhausted);
    }
    unpin_all();
  }

  // The pins of the file are nobody's any more.
  void unpin_all() {
    pinned_.clear();
    worker_->with_tree([&](StateTree& tree, Backend&) {
      std::vector<std::pair<std::string, Tokens>> pinned;
      tree.for_each([&](const StateTree::View& view) {
        if (view.pinned) pinned.push_back({view.tenant, {view.tokens.begin(), view.tokens.end()}});
      });
      for (const auto& [tenant, tokens] : pinned) tree.unpin(tenant, tokens);
    });
  }

  Network network_;
  Recomputed recomputed_;
  Random random_;
  std::shared_ptr<const TokenSet> writable_;
  std::unique_ptr<BatchWorker> worker_;
  std::size_t budget_ = 0;
  std::vector<Tokens> sequences_;
  std::vector<Tokens> pinned_;
  std::int64_t reused_ = 0;
  std::size_t loaded_ = 0;
  TemporaryFolder folder_;
  const std::string file_ = folder_.path() / "states";
};

// ORKESTRA_SOAK=n makes it n times as long.
int operations(int n) {
  const char* times = std::getenv("ORKESTRA_SOAK");
  return times == nullptr ? n : n * std::max(1, std::atoi(times));
}

}  // namespace

TEST_CASE("random operations on a hybrid model: every state is what recomputing gives") {
  RandomOperations("dense-h64-f32", 1).run(operations(5000));
}

TEST_CASE("random operations on a model with experts: every state is what recomputing gives") {
  RandomOperations("moe-h64-f32", 2).run(operations(2500));
}

TEST_CASE("random operations on a recurrent model: every state is what recomputing gives") {
  RandomOperations("mamba-h64-f32", 3).run(operations(2500));
}
