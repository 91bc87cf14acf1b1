// Long steps pause between layers: what happens there, counted in layers and steps.

#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/worker_tasks.h>

#include <atomic>
#include <thread>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

// A worker over a watched backend, and what happened to it.
struct Watched : WorkerFixture {
  Watched() {
    auto watched = std::make_unique<WatchedBackend>(network);
    backend = watched.get();
    watched->left = &left;
    batch = std::make_unique<BatchWorker>(std::move(watched), options());
  }
  int left = -1;
  WatchedBackend* backend = nullptr;
  std::unique_ptr<BatchWorker> batch;
};

}  // namespace

TEST_CASE_METHOD(Watched,
                 "a cancelled prompt is let go within a layer, and what was read is kept") {
  const auto text = random_tokens(2000, 1);
  const auto task = greedy(text, 0);
  std::size_t read = 0;
  int layers_after = 0;
  task->on_progress = [&](GreedyTask&, std::size_t n) { read = n; };
  backend->after_layer = [&] {
    if (read < 500) return;
    ++layers_after;
    task->cancel();
  };
  batch->submit({task});
  CHECK(failure_of(*task) == ErrorCode::kCancelled);
  CHECK(layers_after == 1);
  // The state from before the step that was abandoned.
  const auto again = greedy(text, 0);
  batch->submit({again});
  again->wait();
  CHECK(batch->counts().abandoned == 1);
  CHECK(again->usage.reused == static_cast<std::int64_t>(read));
  CHECK(same_bits(again->seen, alone(text, 0)));
  batch.reset();
  CHECK(left == 0);
}

TEST_CASE_METHOD(Watched, "who is cancelled beside others leaves at once, and they go on") {
  const auto stays = greedy(random_tokens(300, 1), 2);
  const auto goes = greedy(random_tokens(300, 2), 2);
  goes->priority = 1;
  int layers = 0;
  int failed_at = -1;
  backend->after_layer = [&] {
    if (++layers == 1) goes->cancel();
    // Published between the first layer and the second.
    if (layers == 2) {
      CHECK(failure_of(*goes) == ErrorCode::kCancelled);
      failed_at = layers;
    }
  };
  batch->submit({goes, stays});
  stays->wait();
  CHECK(failed_at == 2);
  CHECK(batch->counts().abandoned == 0);
  CHECK(same_bits(stays->seen, alone(random_tokens(300, 1), 2)));
  batch.reset();
  CHECK(left == 0);
}

TEST_CASE("those who write get on between the layers of a long step, and so does a newcomer") {
  WorkerFixture fixture;
  auto ticks = std::make_shared<std::int64_t>(0);
  BatchOptions options = fixture.options();
  options.now = [ticks] { return SteadyTime(std::chrono::milliseconds(*ticks)); };
  options.speculate = false;
  auto watched = std::make_unique<WatchedBackend>(fixture.network);
  WatchedBackend* backend = watched.get();
  BatchWorker batch(std::move(watched), options);
  const auto text = random_tokens(600, 1);
  const auto reader = greedy(text, 1);
  const auto writer = greedy(fixture.tokens, 30);
  // Begins where the reader's prompt does, and then says something else.
  const auto asked = joined({text.begin(), text.begin() + 300}, {7});
  const auto newcomer = greedy(asked, 3);
  int layers = 0;
  int writes_between = 0;  // two layers
  int most_between = 0;
  int read_steps = 0;
  // A layer takes as long as those who write should wait; a step of theirs takes nothing.
  backend->before_step = [&](std::size_t n) {
    if (n > 40) {
      ++read_steps;
      if (read_steps == 3) batch.submit({newcomer});
    } else {
      most_between = std::max(most_between, ++writes_between);
    }
  };
  backend->after_layer = [&] {
    ++layers;
    *ticks += 100;
    writes_between = 0;
  };
  batch.submit({writer});
  batch.submit({reader});
  reader->wait();
  newcomer->wait();
  writer->wait();
  CHECK(layers > 10);
  CHECK(most_between >= 1);
  CHECK(same_bits(reader->seen, fixture.alone(text, 1)));
  CHECK(same_bits(writer->seen, fixture.alone(fixture.tokens, 30)));
  CHECK(same_bits(newcomer->seen, fixture.alone(asked, 3)));
  CHECK(newcomer->usage.reused >= 128);
}

TEST_CASE_METHOD(WorkerFixture, "pausing keeps the budget, whoever comes in between") {
  const std::size_t budget = 3 * session_bytes(215);
  auto watched = std::make_unique<WatchedBackend>(network);
  WatchedBackend* backend = watched.get();
  BatchWorker batch(std::move(watched), options(budget));
  constexpr std::size_t kTasks = 200;
  std::vector<std::shared_ptr<GreedyTask>> tasks;
  for (std::size_t i = 0; i < kTasks; ++i) tasks.push_back(greedy(random_tokens(10 + i, i), 3));
  std::atomic<std::size_t> next{0};
  const auto submit_next = [&] {
    const std::size_t i = next++;
    if (i < kTasks) batch.submit({tasks[i]});
  };
  backend->after_layer = submit_next;
  for (std::size_t i = 0; i < kTasks; ++i) {
    while (next <= i) submit_next();
    tasks[i]->wait();
    REQUIRE(same_bits(tasks[i]->seen, alone(random_tokens(10 + i, i), 3)));
  }
  CHECK(batch.counts().tree.peak_bytes <= budget);
}

TEST_CASE_METHOD(Watched, "closing the worker does not wait for a long step") {
  const auto task = greedy(random_tokens(3000, 1), 0);
  int layers = 0;
  std::thread closing;
  backend->after_layer = [&] {
    if (++layers == 1) closing = std::thread([&] { batch.reset(); });
  };
  batch->submit({task});
  CHECK(failure_of(*task) == ErrorCode::kCancelled);
  closing.join();
  CHECK(left == 0);
  CHECK(layers < 24 * 3000 / 128);
}
