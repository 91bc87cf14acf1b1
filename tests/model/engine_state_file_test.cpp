// States on disk: what was read once is there after a restart, exactly, and for those only whose it
// was.

#include <orkestra/core/checksum.h>
#include <orkestra/core/error.h>
#include <orkestra/model/engine/embedded_model.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>
#include <orkestra/tests/model/worker_tasks.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

constexpr LoadOptions kAll{.tenant = std::nullopt, .n_vocab = 512, .context_length = 4096};

ErrorCode failure(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::kInternal;
}

BatchWorker over(const Network& network, std::size_t budget = std::size_t{64} << 20U,
                 const Kernels& kernels = best_kernels()) {
  return BatchWorker(std::make_unique<CpuBackend>(network, kernels, 2),
                     {.n_vocab = 512, .state_budget_bytes = budget});
}

std::shared_ptr<GreedyTask> run(BatchWorker& worker, const std::vector<TokenId>& tokens, int n,
                                const std::string& tenant = "") {
  const auto task = greedy(tokens, n);
  task->tenant = tenant;
  worker.submit({task});
  task->wait();
  return task;
}

}  // namespace

TEST_CASE("a checksum sees every byte, and not how they were cut") {
  std::vector<std::byte> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  const auto sum = [&](std::size_t piece) {
    Checksum checksum;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      checksum.add(std::span(bytes).subspan(i, std::min(piece, bytes.size() - i)));
    }
    return checksum.value();
  };
  const std::uint64_t whole = sum(1000);
  for (const std::size_t piece : {1U, 3U, 63U, 64U, 65U, 200U}) CHECK(sum(piece) == whole);
  for (std::byte& byte : bytes) {
    byte ^= std::byte{16};
    CHECK(sum(1000) != whole);
    byte ^= std::byte{16};
  }
  bytes.push_back(std::byte{0});
  CHECK(sum(1001) != whole);
}

TEST_CASE("every kind of model goes on from a saved state as if it had never stopped") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  for (const char* name : {"dense-h64-f32", "moe-h64-f32", "mamba-h64-f32", "mamba2", "gemma3"}) {
    CAPTURE(name);
    const bool golden = std::filesystem::exists(golden_path(std::string(name) + ".gguf"));
    const Network network =
        golden ? golden_network(name) : checkpoint_network(name, TensorType::kF16);
    const auto stem = random_tokens(200, 1);
    const auto left = joined(stem, random_tokens(100, 2));
    const auto right = joined(stem, random_tokens(70, 3));
    BatchWorker before = over(network);
    run(before, stem, 0);
    run(before, left, 5);
    run(before, right, 0, "b");
    const SavedStates saved = save_states(before, "w", file, {});
    CHECK(saved.states == before.counts().tree.snapshots);
    CHECK(saved.longest == 305);
    CHECK(saved.bytes == std::filesystem::file_size(file));

    BatchWorker after = over(network);
    const SavedStates loaded = load_states(after, "w", file, kAll);
    CHECK(loaded.states == saved.states);
    CHECK(loaded.longest == saved.longest);
    for (const auto& tokens : {stem, left, joined(left, {3, 4}), joined(stem, {7})}) {
      const auto was = run(before, tokens, 3);
      const auto is = run(after, tokens, 3);
      CHECK(is->usage.reused == was->usage.reused);
      CHECK(is->usage.reused > 0);
      CHECK(same_bits(is->seen, was->seen));
    }
    CHECK(run(after, joined(right, {9}), 1, "b")->usage.reused == 270);
    CHECK(run(after, joined(right, {9}), 1, "c")->usage.reused == 0);
  }
}

TEST_CASE_METHOD(WorkerFixture, "what states share is on disk once, and once in memory again") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  BatchWorker before = worker(options());
  const auto stem = random_tokens(640, 1);
  std::size_t one = 0;
  for (std::uint64_t i = 0; i < 8; ++i) {
    run(before, joined(stem, random_tokens(5, 10 + i)), 0);
    if (i == 0) one = save_states(before, "w", file, {}).bytes;
  }
  const SavedStates saved = save_states(before, "w", file, {});
  CHECK(saved.bytes < 2 * one);
  BatchWorker after = worker(options());
  load_states(after, "w", file, kAll);
  run(after, {1}, 0);
  run(before, {1}, 0);
  CHECK(after.counts().tree.bytes <= before.counts().tree.bytes);
}

TEST_CASE_METHOD(WorkerFixture, "a file's states are for its model, its kernels and its tenants") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  BatchWorker before = worker(options());
  run(before, tokens, 0, "a");
  run(before, joined(tokens, {5}), 0, "b");
  CHECK(save_states(before, "w", file, {.tenant = "a"}).states == 1);
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 077U) == 0);
  const auto load = [&](const std::string& weights, std::optional<std::string> tenant,
                        BatchWorker& into) {
    LoadOptions options = kAll;
    options.tenant = std::move(tenant);
    return load_states(into, weights, file, options);
  };
  BatchWorker after = worker(options());
  CHECK(failure([&] { load("another", std::nullopt, after); }) == ErrorCode::kConflict);
  CHECK(failure([&] { load("w", "b", after); }) == ErrorCode::kDenied);
  BatchWorker reference = over(network, std::size_t{64} << 20U, reference_kernels());
  CHECK(failure([&] { load("w", std::nullopt, reference); }) == ErrorCode::kConflict);
  const Network recurrent = golden_network("mamba-h64-f32");
  BatchWorker elsewhere = over(recurrent);
  CHECK(failure([&] { load("w", std::nullopt, elsewhere); }) == ErrorCode::kConflict);
  CHECK(after.counts().tree.snapshots == 0);
  CHECK(load("w", "a", after).states == 1);
  CHECK(run(after, joined(tokens, {5}), 0, "a")->usage.reused == 48);
  CHECK(run(after, joined(tokens, {5}), 0, "b")->usage.reused == 0);
  CHECK(failure([&] { load_states(after, "w", folder.path() / "none", kAll); }) ==
        ErrorCode::kNotFound);
  CHECK(failure([&] { load_states(after, "w", folder.path(), kAll); }) == ErrorCode::kInvalid);
  std::ofstream(file) << "something that somebody else wrote, long enough to hold a head: " << file;
  CHECK(failure([&] { load("w", "a", after); }) == ErrorCode::kCorrupt);
}

TEST_CASE_METHOD(WorkerFixture, "pins are saved; a file that finds no room leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  BatchWorker before = worker(options());
  const auto system = random_tokens(300, 7);
  const auto pinned = greedy(system, 0);
  pinned->marks.back().pinned = true;
  before.submit({pinned});
  pinned->wait();
  run(before, random_tokens(300, 8), 0);
  const SavedStates all = save_states(before, "w", file, {});
  CHECK(all.states > 1);
  CHECK(all.pinned == 1);
  CHECK(before.counts().tree.pinned == 1);

  int left = -1;
  {
    auto backend = std::make_unique<WatchedBackend>(network);
    backend->left = &left;
    BatchWorker small(std::move(backend), options(session_bytes(150)));
    CHECK(failure([&] { load_states(small, "w", file, kAll); }) == ErrorCode::kExhausted);
    CHECK(small.counts().tree.snapshots == 0);
    CHECK(small.counts().tree.peak_bytes <= session_bytes(150));
  }
  CHECK(left == 0);

  CHECK(save_states(before, "w", file, {.pinned_only = true}).states == 1);
  BatchWorker after = worker(options(3 * session_bytes(300)));
  load_states(after, "w", file, kAll);
  load_states(after, "w", file, kAll);
  for (std::uint64_t i = 0; i < 20; ++i) run(after, random_tokens(200, i), 1);
  CHECK(after.counts().tree.evictions > 0);
  CHECK(run(after, joined(system, {1, 2}), 0)->usage.reused == 300);
  // Loading twice has pinned once.
  after.with_tree([&](StateTree& tree, Backend&) { tree.unpin("", system); });
  CHECK(after.counts().tree.pinned <= 1);
  run(after, {1}, 0);
  CHECK(after.counts().tree.pinned == 0);
  CHECK(failure([&] { save_states(before, "w", folder.path() / "none/x", {}); }) ==
        ErrorCode::kNotFound);
  CHECK(before.counts().tree.pinned == 1);
}

TEST_CASE("a pinned conversation survives pressure and a restart, for its tenant alone") {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "states";
  const auto nano = std::dynamic_pointer_cast<const LoadedModel>(
      Model::open(std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden/agent/nano-v0.gguf"));
  std::string words;
  for (int i = 0; i < 150; ++i) words += "word" + std::to_string(i) + " ";
  const auto system = Conversation().with_turn({.role = Role::kSystem, .text = words});
  const auto ask = [&](EmbeddedModel& engine, const Conversation& base, const std::string& tenant) {
    GenerateRequest request;
    request.conversation = base.with_turn({.role = Role::kUser, .text = "What is the price?"});
    request.limits.max_tokens = 3;
    request.tenant = tenant;
    return generate(engine, std::move(request)).usage;
  };
  std::int64_t n_pinned = 0;
  {
    EmbeddedModel engine(nano, {.threads = 2, .state_budget_bytes = std::size_t{6} << 20U});
    const TokenUsage first = engine.pin(system, "a");
    n_pinned = first.prompt;
    CHECK(n_pinned > 150);
    CHECK(first.reused == 0);
    CHECK(engine.pin(system, "a").reused == n_pinned);
    for (int i = 0; i < 30; ++i) {
      ask(engine,
          Conversation().with_turn({.role = Role::kUser, .text = std::to_string(i) + words}),
          i % 2 == 0 ? "a" : "b");
    }
    CHECK(engine.counts().tree.evictions > 0);
    CHECK(ask(engine, system, "a").reused >= n_pinned);
    CHECK(engine.save(file, {.tenant = "a", .pinned_only = true}).pinned == 1);
  }
  EmbeddedModel engine(nano, {.threads = 2, .state_budget_bytes = std::size_t{6} << 20U});
  CHECK(failure([&] { engine.load(file, "b"); }) == ErrorCode::kDenied);
  CHECK(ask(engine, system, "a").reused == 0);
  CHECK(engine.load(file, "a").longest == static_cast<std::size_t>(n_pinned));
  CHECK(ask(engine, system, "b").reused == 0);
  CHECK(ask(engine, system, "a").reused >= n_pinned);
  engine.unpin(system, "a");
  ask(engine, system, "c");
  CHECK(engine.counts().tree.pinned == 0);
}
