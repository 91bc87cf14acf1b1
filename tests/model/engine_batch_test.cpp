// What the batch worker promises beside right logits: room, fairness, guesses, pins, time.

#include <orkestra/core/error.h>
#include <orkestra/model/engine/batch_share.h>
#include <orkestra/model/engine/speculation.h>
#include <orkestra/model/engine/step_cost.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/worker_tasks.h>

#include <functional>
#include <future>
#include <numeric>

using namespace orkestra;
using namespace orkestra::model;
using namespace orkestra::tests;

namespace {

std::vector<std::size_t> given(std::vector<PromptShare> shares, std::size_t left) {
  share_tokens(shares, left);
  std::vector<std::size_t> tokens(shares.size());
  for (const PromptShare& share : shares) tokens[share.active] = share.given;
  return tokens;
}

}  // namespace

TEST_CASE("prompts share a step; what a short one leaves goes to the long ones") {
  CHECK(given({{0, 1000, 1.0}, {1, 1000, 1.0}}, 100) == std::vector<std::size_t>{50, 50});
  CHECK(given({{0, 1000, 1.0}, {1, 10, 1.0}}, 100) == std::vector<std::size_t>{90, 10});
  CHECK(given({{0, 1000, 1.0}, {1, 1000, 0.25}}, 100) == std::vector<std::size_t>{80, 20});
  CHECK(given({{0, 7, 1.0}, {1, 5, 0.01}}, 100) == std::vector<std::size_t>{7, 5});
  CHECK(given({{0, 9, 1.0}, {1, 9, 0.01}}, 3) == std::vector<std::size_t>{2, 1});
  CHECK(given({{0, 9, 1.0}, {1, 9, 1.0}}, 0) == std::vector<std::size_t>{0, 0});
}

TEST_CASE("the cost of a step is learned as a line") {
  StepCost cost;
  CHECK_FALSE(cost.known());
  for (int i = 0; i < 50; ++i) {
    for (const std::size_t n : {1U, 8U, 3U}) {
      cost.record(n, 0.010 + 0.002 * static_cast<double>(n));
    }
  }
  CHECK(cost.fixed_seconds() == Approx(0.010));
  CHECK(cost.seconds_per_token() == Approx(0.002));
  CHECK(cost.tokens_within(0.1001) == 45);
  CHECK(cost.tokens_within(0.0) == 1);
  CHECK(cost.slope_known());
  StepCost same;
  for (int i = 0; i < 50; ++i) same.record(4, 0.02);
  CHECK(same.seconds(4) == Approx(0.02));
  CHECK_FALSE(same.slope_known());
}

TEST_CASE("guesses are what followed the last three tokens the last time") {
  std::vector<TokenId> out{9};
  look_up_draft(std::vector<TokenId>{1, 2, 3, 4, 5, 1, 2, 3, 7, 8, 1, 2, 3}, 2, out);
  CHECK(out == std::vector<TokenId>{9, 7, 8});
  out.clear();
  look_up_draft(std::vector<TokenId>{5, 5, 5, 5}, 4, out);
  CHECK(out == std::vector<TokenId>{5});
  out.clear();
  look_up_draft(std::vector<TokenId>{1, 2, 3}, 4, out);
  look_up_draft(std::vector<TokenId>{1, 2, 3, 2, 3}, 4, out);
  CHECK(out.empty());
}

TEST_CASE("small steps are known one by one, and what lies between them is assumed") {
  StepTimes times;
  CHECK(times.seconds(5) == 0.0);
  times.record(1, 0.010);
  CHECK(times.seconds(4) == Approx(0.040));
  times.record(9, 0.050);
  CHECK(times.seconds(1) == Approx(0.010));
  CHECK(times.seconds(5) == Approx(0.030));
  CHECK(times.largest() == 9);
  times.record(200, 1.0);
  CHECK(times.largest() == 9);
  // One slow step moves it by little.
  times.record(1, 10.0);
  CHECK(times.seconds(1) == Approx(0.016));
}

namespace {

// Steps taken for n tokens, with guesses of which `comes_true(i)` tells whether the one of token i
// is right; without guesses it would be n.
double steps_taken(const StepTimes& times, int n, const std::function<bool(int)>& comes_true) {
  DraftControl control;
  double seconds = 0.0;
  for (int i = 0; i < n;) {
    const std::size_t k = control.choose(times, 1, 0.0);
    if (k == 0) {
      seconds += times.seconds(1);
      control.watch(comes_true(i++));
      continue;
    }
    std::size_t n_true = 0;
    while (n_true < k && comes_true(i + static_cast<int>(n_true))) ++n_true;
    seconds +=
        times.seconds(1 + k) + (n_true < k ? times.seconds(1 + n_true) - times.seconds(1) : 0.0);
    control.settle(times, 1, 0.0, k, n_true);
    i += static_cast<int>(n_true) + 1;
  }
  return seconds / times.seconds(1);
}

}  // namespace

TEST_CASE("guesses are made where they come true and pay, and cost next to nothing elsewhere") {
  const auto always = [](int) { return true; };
  const auto never = [](int) { return false; };
  StepTimes memory_bound;
  StepTimes compute_bound;
  StepTimes first_costs;  // two tokens take more than twice as long as one, nine four times
  for (const std::size_t n : {1U, 2U, 3U, 5U, 9U}) {
    const auto x = static_cast<double>(n);
    memory_bound.record(n, 0.1 + 0.004 * x);
    compute_bound.record(n, 0.1 * x);
    first_costs.record(n, n == 1 ? 0.04 : 0.08 + 0.009 * x);
  }
  CHECK(steps_taken(memory_bound, 400, always) < 100);
  CHECK(steps_taken(first_costs, 400, always) < 220);
  CHECK(steps_taken(compute_bound, 400, always) < 1.01 * 400);
  for (const StepTimes* times : {&memory_bound, &compute_bound, &first_costs}) {
    CHECK(steps_taken(*times, 400, never) <= 1.005 * 400);
    for (const int each : {2, 3, 4, 8, 16, 32}) {
      CAPTURE(each);
      CHECK(steps_taken(*times, 400, [&](int i) { return i % each != 0; }) < 1.03 * 400);
    }
  }
  // What guesses cost is measured once they are promising, not before.
  StepTimes unknown;
  unknown.record(1, 0.1);
  DraftControl control;
  CHECK(control.choose(unknown, 1, 0.001) == 0);
  for (int i = 0; i < 30; ++i) control.watch(true);
  CHECK(control.choose(unknown, 1, 0.001) == 2);
}

TEST_CASE_METHOD(WorkerFixture, "guessing changes nothing but the number of steps") {
  for (const double temperature : {0.0, 0.7}) {
    const auto run = [&](const std::vector<TokenId>& oracle, BatchWorker& batch) {
      const auto task = std::make_shared<SamplingTask>(tokens, 150, temperature);
      task->oracle = oracle;
      batch.submit({task});
      task->wait();
      return task;
    };
    BatchWorker plain = worker(options());
    const auto expected = run({}, plain);
    CHECK(plain.counts().tokens_guessed == 0);
    // Every seventh guess is wrong.
    auto oracle = expected->tokens;
    for (std::size_t i = 0; i < oracle.size(); i += 7) oracle[i] = (oracle[i] + 1) % 512;

    // A clock by which a step costs the same however much is in it.
    auto now = std::make_shared<std::int64_t>(0);
    BatchOptions even = options();
    even.now = [now] { return SteadyTime(std::chrono::milliseconds(*now)); };
    auto backend = std::make_unique<WatchedBackend>(network);
    backend->before_step = [now](std::size_t) { *now += 100; };
    BatchWorker batch(std::move(backend), even);
    const auto task = run(oracle, batch);
    CHECK(task->tokens == expected->tokens);
    CHECK(same_bits(task->seen, expected->seen));
    const auto counts = batch.counts();
    CAPTURE(temperature, counts.tokens_guessed, counts.guesses_true, counts.steps);
    CHECK(counts.guesses_true > 80);
    CHECK(counts.guesses_true < counts.tokens_guessed);
    CHECK(counts.steps < 80);
    // The state that was kept is that of the text, short of what was guessed wrongly last.
    const auto longer = joined(task->tokens, {5});
    const auto more = greedy(longer, 3);
    batch.submit({more});
    more->wait();
    CHECK(more->usage.reused + 16 > static_cast<std::int64_t>(longer.size()));
    CHECK(same_bits(more->seen, alone(longer, 3)));

    even.speculate = false;
    BatchWorker without = worker(even);
    run(oracle, without);
    CHECK(without.counts().tokens_guessed == 0);
  }
}

TEST_CASE_METHOD(WorkerFixture, "a short prompt is answered while a long one is read") {
  BatchOptions small = options();
  small.max_batch_tokens = 8;
  BatchWorker batch = worker(small);
  std::vector<std::string> order;
  const auto long_one = greedy(random_tokens(600, 1), 0);
  long_one->on_take = [&](GreedyTask&) { order.push_back("long"); };
  const auto short_one = greedy(random_tokens(12, 2), 3);
  short_one->on_take = [&](GreedyTask&) { order.push_back("short"); };
  batch.submit({long_one, short_one});
  long_one->wait();
  short_one->wait();
  CHECK(order == std::vector<std::string>{"short", "short", "short", "short", "long"});
}

TEST_CASE_METHOD(WorkerFixture, "a long prompt gets on while others write without end") {
  BatchOptions small = options();
  small.max_batch_tokens = 16;
  BatchWorker batch = worker(small);
  std::vector<std::shared_ptr<Task>> writers;
  for (int i = 0; i < 8; ++i) {
    auto writer = greedy(random_tokens(4, 10 + static_cast<std::uint64_t>(i)), 1 << 20);
    writer->priority = 9;
    writers.push_back(writer);
  }
  batch.submit(writers);
  const auto long_one = greedy(random_tokens(200, 1), 2);
  batch.submit({long_one});
  long_one->wait();  // would never return if it starved
  CHECK(long_one->finished);
  for (const auto& writer : writers) writer->cancel();
  for (const auto& writer : writers) CHECK(failure_of(*writer) == ErrorCode::kCancelled);
}

TEST_CASE_METHOD(WorkerFixture, "an edit inside a long text is read again from shortly before it") {
  BatchOptions batch_options = options();
  batch_options.snapshot_interval = 64;
  BatchWorker batch = worker(batch_options);
  auto text = random_tokens(1000, 4);
  const auto first = greedy(text, 2);
  batch.submit({first});
  first->wait();
  text[700] = (text[700] + 1) % 512;
  const auto edited = greedy(text, 2);
  batch.submit({edited});
  edited->wait();
  CHECK(edited->usage.reused <= 700);
  CHECK(edited->usage.reused >= 700 - 64);
  CHECK(same_bits(edited->seen, alone(text, 2)));
}

TEST_CASE_METHOD(WorkerFixture, "two sessions of memory serve a thousand branches") {
  int left = -1;
  const std::size_t budget = 2 * session_bytes(80);
  {
    auto backend = std::make_unique<WatchedBackend>(network);
    backend->left = &left;
    BatchWorker batch(std::move(backend), options(budget));
    Random random(5);
    std::map<std::vector<TokenId>, std::vector<float>> known;
    for (int round = 0; round < 125; ++round) {
      std::vector<std::shared_ptr<GreedyTask>> tasks;
      for (int i = 0; i < 8; ++i) {
        // Branches leave one of four stems at one of a few places.
        auto prompt = random_tokens(60, random.next() % 4);
        prompt.resize(10 * (1 + random.next() % 6));
        const auto tail = random_tokens(1 + random.next() % 5, 100 + random.next() % 3);
        tasks.push_back(greedy(joined(prompt, tail), static_cast<int>(random.next() % 4)));
      }
      batch.submit({tasks.begin(), tasks.end()});
      for (const auto& task : tasks) {
        task->wait();
        auto& expected = known[task->tokens];
        if (expected.empty()) {
          const std::size_t n = task->seen.size() / 512 - 1;
          expected = alone({task->tokens.begin(), task->tokens.end() - static_cast<long>(n)},
                           static_cast<int>(n));
        }
        REQUIRE(same_bits(task->seen, expected));
      }
      REQUIRE(batch.counts().tree.peak_bytes <= budget);
    }
    CHECK(batch.counts().tree.evictions > 100);
  }
  CHECK(left == 0);
}

TEST_CASE_METHOD(WorkerFixture, "those in progress outgrow the budget: one starts again later") {
  BatchWorker batch = worker(options(2 * session_bytes(40)));
  std::vector<std::shared_ptr<GreedyTask>> tasks;
  for (std::uint64_t i = 0; i < 4; ++i) tasks.push_back(greedy(random_tokens(8, i), 60));
  batch.submit({tasks.begin(), tasks.end()});
  for (std::uint64_t i = 0; i < 4; ++i) {
    tasks[i]->wait();
    CHECK(same_bits(tasks[i]->seen, alone(random_tokens(8, i), 60)));
  }
  CHECK(batch.counts().preemptions > 0);
  CHECK(batch.counts().tree.peak_bytes <= 2 * session_bytes(40));
}

TEST_CASE_METHOD(WorkerFixture, "what can never fit is refused, and says what to do") {
  BatchWorker batch = worker(options(session_bytes(20)));
  const auto large = greedy(random_tokens(400, 1), 1);
  batch.submit({large});
  try {
    large->wait();
    FAIL("it can't have fit");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kExhausted);
    CHECK(error.message().find("raise the budget") != std::string::npos);
  }
  const auto small = greedy(random_tokens(10, 1), 1);
  batch.submit({small});
  small->wait();
  CHECK(same_bits(small->seen, alone(random_tokens(10, 1), 1)));
}

TEST_CASE_METHOD(WorkerFixture, "a pinned prompt is there whatever else is computed") {
  BatchWorker batch = worker(options(3 * session_bytes(80)));
  const auto system = random_tokens(30, 7);
  const auto pin = [&] {
    const auto task = greedy(system, 0);
    task->marks.back().pinned = true;
    task->marks.back().with_logits = true;
    batch.submit({task});
    task->wait();
  };
  pin();
  pin();
  CHECK(batch.counts().tree.pinned == 1);
  const auto use = [&] {
    for (std::uint64_t i = 0; i < 20; ++i) {
      const auto task = greedy(random_tokens(60, i), 3);
      batch.submit({task});
      task->wait();
    }
    const auto task = greedy(joined(system, {1, 2}), 1);
    batch.submit({task});
    task->wait();
    CHECK(same_bits(task->seen, alone(joined(system, {1, 2}), 1)));
    return task->usage.reused;
  };
  CHECK(use() == 30);
  for (int i = 0; i < 2; ++i) {
    batch.with_tree([&](StateTree& tree, Backend&) { tree.unpin("", system); });
  }
  CHECK(batch.counts().tree.evictions > 0);
  CHECK_THROWS_AS(
      batch.with_tree([](StateTree&, Backend&) { throw Error(ErrorCode::kDenied, "x"); }), Error);
}
