#include <orkestra/core/hash.h>
#include <orkestra/planner/journal.h>
#include <orkestra/planner/journal_chain.h>
#include <orkestra/planner/journal_file.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/journal_files.h>

#include <fstream>
#include <iterator>

using namespace orkestra;
using namespace orkestra::planner;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("events come back as they were appended") {
  const Folder folder;
  std::string run;
  std::vector<Event> appended;
  {
    const auto journal = Journal::open(folder / "deep/er/store.db");
    run = journal->create_run();
    REQUIRE(run.size() == 13);
    REQUIRE(run[0] == 'r');
    NewEvent first = event("run_started", {{"task", "What is it?"}, {"seed", 7}}, 1700000000000);
    first.label = {Integrity::kUntrusted, Confidentiality::kPublic};
    first.branch = "main/2";
    first.version = 3;
    appended =
        journal->append(run, 1, {first, event("odd", {{"text", "a\0b\xff\"\n\xE2\x82\xAC"}})});
    const auto more = journal->append(run, 1, {event("big", {{"text", std::string(100000, 'x')}})});
    appended.insert(appended.end(), more.begin(), more.end());
  }
  const auto journal = Journal::open(folder / "deep/er/store.db");
  const auto read = journal->read(run);
  REQUIRE(read.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(i);
    CHECK(read[i].run == run);
    CHECK(read[i].seq == static_cast<std::int64_t>(i) + 1);
    CHECK(read[i].epoch == 1);
    CHECK(read[i].branch == appended[i].branch);
    CHECK(read[i].kind == appended[i].kind);
    CHECK(read[i].version == appended[i].version);
    CHECK(read[i].at_ms == appended[i].at_ms);
    CHECK(read[i].label == appended[i].label);
    CHECK(read[i].body == appended[i].body);
    CHECK(read[i].hash == appended[i].hash);
    CHECK(read[i].prev_hash == (i == 0 ? "" : read[i - 1].hash));
    CHECK(read[i].body_hash == sha256_hex(dump_json(read[i].body)));
  }
  CHECK(read[0].branch == "main/2");
  CHECK(read[0].version == 3);
  CHECK(read[0].at_ms == 1700000000000);
  CHECK(read[0].label == Label{Integrity::kUntrusted, Confidentiality::kPublic});
  CHECK(read[0].body.at("task") == "What is it?");
  CHECK(read[2].body.at("text").get<std::string>().size() == 100000);
}

TEST_CASE("the chain's form is fixed: stored journals depend on it") {
  const ChainFields fields{.run = "r1",
                           .seq = 2,
                           .epoch = 1,
                           .branch = "main",
                           .kind = "k",
                           .version = 1,
                           .at_ms = -5,
                           .label = "{}",
                           .body_hash = "b",
                           .prev_hash = ""};
  CHECK(chain_form(fields) ==
        "orkestra event 1\n2:r1\n1:2\n1:1\n4:main\n1:k\n1:1\n2:-5\n2:{}\n1:b\n0:\n");
  CHECK(chain_hash(fields) == sha256_hex(chain_form(fields)));
}

TEST_CASE("a list shows every run, oldest first") {
  const Folder folder;
  const auto journal = Journal::open(folder / "store.db");
  CHECK(journal->list().empty());
  const auto done = journal->create_run();
  const auto broken_off = journal->create_run();
  const auto empty = journal->create_run();
  const std::string long_task(10000, 't');
  journal->append(done, 1, {event("run_started", {{"task", long_task}}, 10)});
  journal->append(broken_off, 1, {event("run_started", {{"task", "b"}}, 20), event("x", {}, 25)});
  journal->append(done, 1, {event("run_finished", {{"status", "verified"}}, 30)});
  const auto runs = journal->list();
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].run == done);
  CHECK(runs[0].task == long_task);
  CHECK(runs[0].status == "verified");
  CHECK(runs[0].started_ms == 10);
  CHECK(runs[0].last_ms == 30);
  CHECK(runs[0].events == 2);
  CHECK(runs[1].status == "unfinished");
  CHECK(runs[1].last_ms == 25);
  CHECK(runs[2].run == empty);
  CHECK(runs[2].events == 0);
  CHECK(journal->read(empty).empty());
}

TEST_CASE("an earlier holder of a run is fenced, also from another connection") {
  const Folder folder;
  const auto first = Journal::open(folder / "store.db");
  const auto second = Journal::open(folder / "store.db");
  const auto run = first->create_run();
  first->append(run, 1, {event("a")});
  CHECK(second->take_over(run) == 2);
  CHECK(code_of([&] { first->append(run, 1, {event("late")}); }) == ErrorCode::kConflict);
  CHECK(code_of([&] { first->append(run, 3, {event("early")}); }) == ErrorCode::kConflict);
  const auto appended = second->append(run, 2, {event("b")});
  CHECK(appended.at(0).seq == 2);
  CHECK(first->take_over(run) == 3);
  CHECK(code_of([&] { second->append(run, 2, {event("late")}); }) == ErrorCode::kConflict);
  const auto events = first->read(run);
  REQUIRE(events.size() == 2);
  CHECK(events[1].kind == "b");
  CHECK(events[1].epoch == 2);
}

TEST_CASE("runs and hashes nobody knows are not found") {
  const Folder folder;
  const auto journal = Journal::open(folder / "store.db");
  CHECK(code_of([&] { journal->read("rnone"); }) == ErrorCode::kNotFound);
  CHECK(code_of([&] { journal->take_over("rnone"); }) == ErrorCode::kNotFound);
  CHECK(code_of([&] { journal->append("rnone", 1, {event("a")}); }) == ErrorCode::kNotFound);
  CHECK(code_of([&] { journal->forget(sha256_hex("x")); }) == ErrorCode::kNotFound);
}

TEST_CASE("what could not be read back is refused, and nothing of the append is kept") {
  const Folder folder;
  const auto journal = Journal::open(folder / "store.db");
  const auto run = journal->create_run();
  Json deep = 1;
  for (int i = 0; i < 300; ++i) deep = Json::array({deep});
  CHECK(code_of([&] {
          journal->append(run, 1, {event("ok"), event("deep", deep)});
        }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { journal->append(run, 1, {event("ok"), event("")}); }) == ErrorCode::kInvalid);
  CHECK(journal->read(run).empty());
}

TEST_CASE("a forgotten body is gone from the files and the chain still holds") {
  const Folder folder;
  const auto path = folder / "store.db";
  const std::string secret = "the-secret-word";
  const std::size_t length = GENERATE(std::size_t{20}, std::size_t{50000});
  Json body = {{"text", secret + std::string(length, '.')}};
  const auto journal = Journal::open(path);
  const auto run = journal->create_run();
  const auto other = journal->create_run();
  const auto hash =
      journal->append(run, 1, {event("a", body), event("b", {{"n", 1}})})[0].body_hash;
  journal->append(other, 1, {event("again", body)});
  REQUIRE((bytes_of(path) + bytes_of(path.string() + "-wal")).find(secret) != std::string::npos);

  journal->forget(hash);
  CHECK((bytes_of(path) + bytes_of(path.string() + "-wal")).find(secret) == std::string::npos);
  CHECK(journal->read(run).at(0).body == Json{{"forgotten", hash}});
  CHECK(journal->read(run).at(1).body.at("n") == 1);
  CHECK(journal->read(other).at(0).body == Json{{"forgotten", hash}});
  journal->forget(hash);

  // Said once more, it is stored once more.
  journal->append(run, 1, {event("c", body)});
  CHECK(journal->read(run).at(2).body == body);
}

TEST_CASE("events can be neither changed, deleted, replaced nor added in between") {
  const Folder folder;
  const auto path = folder / "store.db";
  const auto journal = Journal::open(path);
  const auto run = journal->create_run();
  journal->append(run, 1, {event("a"), event("b")});
  Database database = Database::open(path);
  for (const char* sql : {
           "DELETE FROM event",
           "UPDATE event SET kind = 'c'",
           "UPDATE event SET body = '{\"x\":1}'",
           "UPDATE event SET body = NULL, seq = 9",
           "INSERT OR REPLACE INTO event SELECT * FROM event WHERE seq = 1",
           "INSERT INTO event SELECT run, 4, epoch, branch, kind, version, at, label, body, "
           "body_hash, prev_hash, hash FROM event WHERE seq = 1",
       }) {
    INFO(sql);
    CHECK(code_of([&] { database.execute(sql); }) == ErrorCode::kConflict);
  }
  CHECK(journal->read(run).size() == 2);
}
