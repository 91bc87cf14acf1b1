// The batch worker over a golden model: what is computed, what is reused, who fails.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_worker.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/worker_tasks.h>

#include <future>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

TEST_CASE_METHOD(WorkerFixture,
                 "writing through the worker shows the logits of the whole sequence") {
  BatchWorker batch = worker(options());
  const auto task = greedy(tokens, 10, {8, 20});
  batch.submit({task});
  task->wait();
  CHECK(task->finished);
  CpuBackend backend(network, best_kernels(), 1);
  const auto whole = all_logits(backend, task->tokens);
  const std::vector<float> tail(whole.begin() + 47 * 512, whole.end());
  CHECK(same_bits(task->seen, tail));
  CHECK(batch.counts().tokens_computed == 58);
}

TEST_CASE_METHOD(WorkerFixture, "requests of one submit compute their common prefix once") {
  BatchWorker batch = worker(options());
  std::vector<std::shared_ptr<Task>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(greedy(tokens, 6));
  batch.submit(tasks);
  for (const auto& task : tasks) task->wait();
  CHECK(batch.counts().tokens_computed == 48 + 5 * 6);
  const auto expected = alone(tokens, 6);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    CHECK(tasks[i]->usage.reused == (i == 0 ? 0 : 48));
    CHECK(same_bits(static_cast<GreedyTask&>(*tasks[i]).seen, expected));
  }
}

TEST_CASE_METHOD(WorkerFixture,
                 "branches that part in the middle share what lies before, mark or not") {
  BatchWorker batch = worker(options());
  auto other = tokens;
  for (std::size_t i = 30; i < other.size(); ++i) other[i] = 100 + static_cast<TokenId>(i);
  const std::vector<TokenId> stem(tokens.begin(), tokens.begin() + 30);
  const auto a = greedy(tokens, 3);
  const auto b = greedy(other, 3);
  const auto c = greedy(stem, 3);
  batch.submit({a, b, c});
  a->wait();
  b->wait();
  c->wait();
  CHECK(b->usage.reused == 30);
  CHECK(c->usage.reused == 30);
  CHECK(batch.counts().tokens_computed == 48 + 18 + 3 * 3);
  CHECK(same_bits(a->seen, alone(tokens, 3)));
  CHECK(same_bits(b->seen, alone(other, 3)));
  CHECK(same_bits(c->seen, alone(stem, 3)));
}

TEST_CASE_METHOD(WorkerFixture,
                 "the next turn computes new tokens only, and going back costs nothing") {
  BatchWorker batch = worker(options());
  const auto first = greedy(tokens, 8);
  batch.submit({first});
  first->wait();
  auto next_prompt = first->tokens;
  for (TokenId id = 50; id < 60; ++id) next_prompt.push_back(id);
  const auto second = greedy(next_prompt, 4);
  batch.submit({second});
  second->wait();
  CHECK(second->usage.reused == 48 + 8);
  CHECK(same_bits(second->seen, alone(next_prompt, 4)));
  const auto before = batch.counts().tokens_computed;
  const auto again = greedy(tokens, 8);
  batch.submit({again});
  again->wait();
  CHECK(again->usage.reused == 48);
  CHECK(same_bits(again->seen, first->seen));
  CHECK(batch.counts().tokens_computed - before == 8);
}

TEST_CASE_METHOD(WorkerFixture, "tenants share nothing, in one submit or later") {
  BatchWorker batch = worker(options());
  const auto a = greedy(tokens, 2);
  const auto b = greedy(tokens, 2);
  a->tenant = "a";
  b->tenant = "b";
  batch.submit({a, b});
  a->wait();
  b->wait();
  const auto c = greedy(tokens, 2);
  batch.submit({c});
  c->wait();
  CHECK(a->usage.reused + b->usage.reused + c->usage.reused == 0);
  CHECK(same_bits(a->seen, b->seen));
}

TEST_CASE_METHOD(WorkerFixture, "any batch size and budget gives the same logits") {
  const auto expected = alone(tokens, 5);
  for (const std::int64_t batch_tokens : {1, 3, 7, 512}) {
    // Room for one of the states only, for two or three, for everything.
    for (const std::size_t budget :
         {session_bytes(64), 3 * session_bytes(64), 99 * session_bytes(64)}) {
      BatchOptions batch_options = options(budget);
      batch_options.max_batch_tokens = batch_tokens;
      std::size_t largest = 0;
      auto backend = std::make_unique<WatchedBackend>(network);
      backend->largest = &largest;
      {
        BatchWorker batch(std::move(backend), batch_options);
        std::vector<std::shared_ptr<Task>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(greedy(tokens, 5, {5, 17, 30}));
        batch.submit(tasks);
        for (const auto& task : tasks) {
          task->wait();
          CHECK(same_bits(static_cast<GreedyTask&>(*task).seen, expected));
        }
        CHECK(batch.counts().tree.peak_bytes <= budget);
      }
      CHECK(largest <= static_cast<std::size_t>(batch_tokens));
    }
  }
}

TEST_CASE_METHOD(WorkerFixture, "a cancelled, late or failing request ends alone") {
  int left = -1;
  {
    auto backend = std::make_unique<WatchedBackend>(network);
    backend->left = &left;
    BatchWorker batch(std::move(backend), options());
    const auto good = greedy(tokens, 12);
    const auto cancelled = greedy(tokens, 1000);
    cancelled->on_take = [](GreedyTask& task) {
      if (task.usage.generated == 3) task.cancel();
    };
    const auto late = greedy(tokens, 4);
    late->limits.deadline = std::chrono::steady_clock::now();
    const auto failing = greedy(tokens, 4);
    failing->on_take = [](GreedyTask& task) {
      if (task.usage.generated == 2) throw Error(ErrorCode::kUnavailable, "on purpose");
    };
    std::stop_source stop;
    const auto stopped = greedy(tokens, 1000);
    stopped->limits.stop = stop.get_token();
    stopped->on_take = [&](GreedyTask& task) {
      if (task.usage.generated == 5) stop.request_stop();
    };
    batch.submit({late, cancelled, good, failing, stopped});
    CHECK(failure_of(*late) == ErrorCode::kDeadline);
    CHECK(failure_of(*cancelled) == ErrorCode::kCancelled);
    CHECK(failure_of(*failing) == ErrorCode::kUnavailable);
    CHECK(failure_of(*stopped) == ErrorCode::kCancelled);
    good->wait();
    CHECK(same_bits(good->seen, alone(tokens, 12)));
    CHECK_FALSE(cancelled->finished);
    CHECK(cancelled->usage.generated == 4);
    CHECK(late->usage.generated == 0);
  }
  CHECK(left == 0);
}

TEST_CASE_METHOD(WorkerFixture, "a step that throws fails its tasks, and the worker lives on") {
  int left = -1;
  {
    auto backend = std::make_unique<WatchedBackend>(network, 3);
    backend->left = &left;
    BatchWorker batch(std::move(backend), options());
    const auto unlucky = greedy(tokens, 20);
    batch.submit({unlucky});
    CHECK_THROWS_AS(unlucky->wait(), std::bad_alloc);
    const auto next = greedy(tokens, 4);
    batch.submit({next});
    next->wait();
    CHECK(same_bits(next->seen, alone(tokens, 4)));
  }
  CHECK(left == 0);
}

TEST_CASE_METHOD(WorkerFixture, "more requests than places are served by priority, then age") {
  BatchOptions narrow = options();
  narrow.max_active = 1;
  BatchWorker batch = worker(narrow);
  std::vector<int> order;
  std::vector<std::shared_ptr<Task>> tasks;
  for (const int priority : {0, 5, 5, -1, 9}) {
    const auto task = greedy(tokens, 1);
    task->priority = priority;
    const int number = static_cast<int>(tasks.size());
    task->on_take = [&order, number](GreedyTask& t) {
      if (t.usage.generated == 0) order.push_back(number);
    };
    tasks.push_back(task);
  }
  batch.submit(tasks);
  for (const auto& task : tasks) task->wait();
  CHECK(order == std::vector<int>{4, 1, 2, 0, 3});
}

TEST_CASE_METHOD(WorkerFixture, "closing the worker fails what is left, waiting or running") {
  const auto running = greedy(tokens, 1 << 30);
  const auto waiting = greedy(tokens, 1);
  std::promise<void> started;
  running->on_take = [&](GreedyTask& task) {
    if (task.usage.generated == 1) started.set_value();
  };
  {
    BatchOptions narrow = options();
    narrow.max_active = 1;
    BatchWorker batch = worker(narrow);
    batch.submit({running, waiting});
    started.get_future().wait();
  }
  CHECK(failure_of(*running) == ErrorCode::kCancelled);
  CHECK(failure_of(*waiting) == ErrorCode::kCancelled);
}
