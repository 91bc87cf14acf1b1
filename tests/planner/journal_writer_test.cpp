// Group commit: many appenders, few transactions, and one appender's failure is its own.
#include <orkestra/planner/journal.h>
#include <orkestra/planner/journal_file.h>
#include <orkestra/planner/journal_writer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/journal_files.h>

#include <atomic>
#include <latch>
#include <thread>

using namespace orkestra;
using namespace orkestra::planner;

namespace {

JournalWriter::Change insert_run(const std::string& id) {
  return {.apply = [id](Database& database) -> std::optional<Error> {
    database.prepare("INSERT INTO run(id, epoch, events, head) VALUES(?1, 1, 0, '')")
        .bind(1, id)
        .run();
    return std::nullopt;
  }};
}

std::int64_t count_runs(const std::filesystem::path& path) {
  Database database = Database::open(path, {.read_only = true});
  Statement count = database.prepare("SELECT count(*) FROM run");
  count.step();
  return count.integer(0);
}

}  // namespace

TEST_CASE("what waits while the writer is busy is committed in one transaction") {
  const Folder folder;
  const auto path = folder / "store.db";
  JournalWriter writer(open_journal_file(path));
  constexpr std::size_t kWaiting = 20;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  std::latch busy(1);
  threads.emplace_back([&] {
    JournalWriter::Change change = insert_run("first");
    change.committed = [&](Database&) {
      busy.count_down();
      while (writer.waiting() < kWaiting) std::this_thread::yield();
    };
    writer.write(change);
  });
  busy.wait();
  for (std::size_t i = 0; i < kWaiting; ++i) {
    threads.emplace_back([&, i] {
      try {
        JournalWriter::Change change = insert_run(std::to_string(i));
        if (i == 7) {
          change.apply = [](Database&) { return Error(ErrorCode::kConflict, "refused"); };
        }
        writer.write(change);
      } catch (const Error&) {
        ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(writer.commits() == 2);
  CHECK(refused == 1);
  CHECK(count_runs(path) == kWaiting);
}

TEST_CASE("a change that fails in a group takes none of the others with it") {
  const Folder folder;
  const auto path = folder / "store.db";
  JournalWriter writer(open_journal_file(path));
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  std::latch busy(1);
  threads.emplace_back([&] {
    JournalWriter::Change change = insert_run("first");
    change.committed = [&](Database&) {
      busy.count_down();
      while (writer.waiting() < 5) std::this_thread::yield();
    };
    writer.write(change);
  });
  busy.wait();
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      JournalWriter::Change change = insert_run(std::to_string(i));
      if (i == 2) {
        const auto insert = change.apply;
        change.apply = [insert](Database& database) -> std::optional<Error> {
          insert(database);
          throw Error(ErrorCode::kExhausted, "no space");
        };
      }
      try {
        writer.write(change);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kExhausted) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 1);
  CHECK(count_runs(path) == 5);
}

TEST_CASE("many threads append to many runs through two connections") {
  const Folder folder;
  const auto path = folder / "store.db";
  const auto a = Journal::open(path);
  const auto b = Journal::open(path);
  constexpr int kThreads = 12;
  constexpr int kAppends = 25;
  std::vector<std::string> runs;
  for (int i = 0; i < kThreads; ++i) runs.push_back(a->create_run());
  const auto shared = a->create_run();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Journal& journal = i % 2 == 0 ? *a : *b;
      try {
        for (int n = 0; n < kAppends; ++n) {
          const auto events = journal.append(runs[static_cast<std::size_t>(i)], 1,
                                             {event("a", {{"n", n}}), event("b", {{"n", n}})});
          if (events[1].seq != 2 * n + 2) ++failures;
          journal.append(shared, 1, {event("s", {{"thread", i}, {"n", n}})});
          if (n % 10 == 0) journal.read(shared);
        }
      } catch (const Error&) {
        ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(failures == 0);
  for (const std::string& run : runs) {
    const auto events = a->read(run);
    REQUIRE(events.size() == 2 * kAppends);
    for (std::size_t n = 0; n < events.size(); ++n) {
      REQUIRE(std::cmp_equal(events[n].body.at("n").get<int>(), n / 2));
    }
  }
  std::vector<int> next(kThreads, 0);
  const auto events = b->read(shared);
  REQUIRE(events.size() == kThreads * kAppends);
  for (const Event& each : events) {
    const auto thread = each.body.at("thread").get<std::size_t>();
    REQUIRE(each.body.at("n") == next[thread]++);
  }
}

TEST_CASE("many may open a new journal at once") {
  const Folder folder;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      try {
        const auto journal = Journal::open(folder / "store.db");
        journal->append(journal->create_run(), 1, {event("a")});
      } catch (const Error& error) {
        UNSCOPED_INFO(error.message());
        ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(Journal::open(folder / "store.db")->list().size() == 8);
}
