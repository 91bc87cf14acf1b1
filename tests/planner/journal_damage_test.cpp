// What is not a journal, was tampered with or decayed: Errors, never wrong events.
#include <orkestra/planner/journal.h>
#include <orkestra/planner/journal_file.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/journal_files.h>

#include <fstream>
#include <iterator>
#include <random>

using namespace orkestra;
using namespace orkestra::planner;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A closed journal with one run of four events, the third with a body in the other table.
std::string make_journal(const std::filesystem::path& path) {
  const auto journal = Journal::open(path);
  const auto run = journal->create_run();
  journal->append(run, 1, {event("one", {{"n", 1}}), event("two", {{"n", 2}})});
  journal->append(run, 1, {event("three", {{"text", std::string(9000, 'x')}})});
  journal->append(run, 1, {event("four", {{"n", 4}})});
  return run;
}

}  // namespace

TEST_CASE("a change in any column is noticed, and the event named") {
  const Folder folder;
  const auto path = folder / "store.db";
  struct Change {
    const char* sql;
    const char* named;
  };
  const Change change = GENERATE(values<Change>({
      {"UPDATE event SET seq = 9 WHERE seq = 4", "event 4"},
      {"UPDATE event SET epoch = 0 WHERE seq = 2", "event 2"},
      {"UPDATE event SET branch = 'mainx' WHERE seq = 2", "event 2"},
      {"UPDATE event SET kind = 'twO' WHERE seq = 2", "event 2"},
      {"UPDATE event SET version = 2 WHERE seq = 2", "event 2"},
      {"UPDATE event SET version = 4294967297 WHERE seq = 2", "event 2"},
      {"UPDATE event SET at = 1001 WHERE seq = 2", "event 2"},
      {"UPDATE event SET label = replace(label, 'private', 'public') WHERE seq = 2", "event 2"},
      {"UPDATE event SET body = '{\"n\":3}' WHERE seq = 2", "event 2"},
      {"UPDATE event SET body = NULL WHERE seq = 2", "event 2"},
      {"UPDATE event SET body_hash = replace(body_hash, substr(body_hash, 1, 1), 'g') "
       "WHERE seq = 2",
       "event 2"},
      {"UPDATE event SET prev_hash = replace(prev_hash, substr(prev_hash, 1, 1), 'g') "
       "WHERE seq = 2",
       "event 2"},
      {"UPDATE event SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE seq = 2", "event 2"},
      {"UPDATE event SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE seq = 4", "event 4"},
      {"UPDATE blob SET bytes = replace(bytes, 'x', 'y')", "event 3"},
      {"UPDATE blob SET hash = 'g' || substr(hash, 2)", "event 3"},
      {"DELETE FROM blob", "event 3"},
      {"DELETE FROM event WHERE seq = 1", "event 1"},
      {"DELETE FROM event WHERE seq = 2", "event 2"},
      {"DELETE FROM event WHERE seq = 4", "event 4"},
      {"DELETE FROM event", "event 1"},
      {"UPDATE event SET seq = 10 - seq; UPDATE event SET seq = seq - 5", "event 1"},
      {"UPDATE run SET events = 3", "event"},
      {"UPDATE run SET head = 'g' || substr(head, 2)", "event"},
      {"UPDATE run SET epoch = 0", "event 1"},
  }));
  INFO(change.sql);
  const auto run = make_journal(path);
  REQUIRE(Journal::open(path)->read(run).size() == 4);
  tamper(path, change.sql);
  const auto journal = Journal::open(path);
  try {
    journal->read(run);
    FAIL("the change went unnoticed");
  } catch (const Error& error) {
    INFO(error.message());
    CHECK(error.code() == ErrorCode::kCorrupt);
    CHECK(error.message().find(run) != std::string::npos);
    CHECK(error.message().find(change.named) != std::string::npos);
  }
}

TEST_CASE("an event can not be moved to another run") {
  const Folder folder;
  const auto path = folder / "store.db";
  const auto run = make_journal(path);
  tamper(path, "UPDATE event SET run = 'r000000000000'; UPDATE run SET id = 'r000000000000'");
  const auto journal = Journal::open(path);
  CHECK(code_of([&] { journal->read(run); }) == ErrorCode::kNotFound);
  CHECK(code_of([&] { journal->read("r000000000000"); }) == ErrorCode::kCorrupt);
}

TEST_CASE("appending to a run that lost its tail is refused") {
  const Folder folder;
  const auto path = folder / "store.db";
  const auto run = make_journal(path);
  tamper(path, "DELETE FROM event WHERE seq > 2");
  const auto journal = Journal::open(path);
  CHECK(code_of([&] { journal->append(run, 1, {event("five")}); }) == ErrorCode::kCorrupt);
}

TEST_CASE("one damaged run does not hide the others") {
  const Folder folder;
  const auto path = folder / "store.db";
  make_journal(path);
  tamper(path, "UPDATE event SET body = '{\"n\"'");
  const auto journal = Journal::open(path);
  const auto whole = journal->create_run();
  journal->append(whole, 1, {event("run_started", {{"task", "t"}})});
  const auto runs = journal->list();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].status == "corrupt");
  CHECK(runs[1].task == "t");
}

TEST_CASE("a file that is something else is refused and left as it was") {
  const Folder folder;
  const auto path = folder / "store.db";
  SECTION("text") { write_bytes(path, std::string(5000, 'x').append("\n")); }
  SECTION("another database") {
    Database::open(path).execute("CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  }
  SECTION("another program's database") {
    Database::open(path).execute("CREATE TABLE t(x); PRAGMA application_id = 77");
  }
  SECTION("a newer journal") {
    make_journal(path);
    Database::open(path).execute("PRAGMA user_version = 2");
  }
  SECTION("a journal without a table") {
    make_journal(path);
    Database::open(path).execute("DROP TABLE forgotten");
  }
  SECTION("a journal with a trigger of somebody else's") {
    make_journal(path);
    Database::open(path).execute(
        "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM blob; END");
  }
  const auto before = bytes_of(path);
  CHECK(code_of([&] { Journal::open(path); }) == ErrorCode::kCorrupt);
  CHECK(bytes_of(path) == before);
}

TEST_CASE("a newer journal is refused in words that say what to do") {
  const Folder folder;
  make_journal(folder / "store.db");
  Database::open(folder / "store.db").execute("PRAGMA user_version = 2");
  try {
    Journal::open(folder / "store.db");
    FAIL("opened");
  } catch (const Error& error) {
    CHECK(error.message().find("newer") != std::string::npos);
  }
}

TEST_CASE("a folder is not a journal, and an empty file becomes one") {
  const Folder folder;
  CHECK(code_of([&] { Journal::open(folder / ""); }) == ErrorCode::kInvalid);
  write_bytes(folder / "empty.db", "");
  const auto journal = Journal::open(folder / "empty.db");
  CHECK(journal->list().empty());
  write_bytes(folder / "file", "x");
  CHECK(code_of([&] { Journal::open(folder / "file/store.db"); }) == ErrorCode::kDenied);
}

TEST_CASE("flipped bytes give Errors or the very events that were written") {
  const Folder folder;
  const auto path = folder / "store.db";
  const auto run = make_journal(path);
  const auto original = Journal::open(path)->read(run);
  const std::string bytes = bytes_of(path);
  std::mt19937 random(20240229);
  int refused = 0;
  constexpr int kRounds = 400;
  for (int round = 0; round < kRounds; ++round) {
    std::string damaged = bytes;
    const int flips = 1 + static_cast<int>(random() % 8);
    for (int i = 0; i < flips; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    }
    if (round % 8 == 0) damaged.resize(random() % damaged.size());
    const auto copy = folder / "copy.db";
    write_bytes(copy, damaged);
    INFO("round " << round);
    try {
      const auto journal = Journal::open(copy);
      journal->list();
      const auto read = journal->read(run);
      REQUIRE(read.size() == original.size());
      for (std::size_t i = 0; i < read.size(); ++i) {
        REQUIRE(read[i].hash == original[i].hash);
        REQUIRE(read[i].body == original[i].body);
      }
      journal->append(run, 1, {event("five")});
      journal->forget(original[2].body_hash);
      journal->create_run();
    } catch (const Error&) {
      ++refused;
    }
    for (const char* rest : {"", "-wal", "-shm"}) {
      std::filesystem::remove(copy.string() + rest);
    }
  }
  CHECK(refused > 0);
  CHECK(refused < kRounds);
}
