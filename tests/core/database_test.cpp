#include <orkestra/core/database.h>
#include <orkestra/tests/catch.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>

using namespace orkestra;
namespace fs = std::filesystem;

namespace {

// A folder of its own, gone with the test.
struct Folder {
  fs::path path;
  Folder() {
    static std::atomic<int> count{0};
    path = fs::temp_directory_path() /
           ("orkestra_database_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

template <typename Work>
std::optional<Error> error_of(Work work) {
  try {
    work();
  } catch (const Error& e) {
    return e;
  }
  return std::nullopt;
}

template <typename Work>
ErrorCode code_of(Work work) {
  const auto error = error_of(work);
  REQUIRE(error);
  return error->code();
}

fs::path sample(const Folder& folder) {
  const fs::path file = folder.path / "sample.db";
  Database database = Database::open(file);
  database.execute(
      "create table items (name text, size integer, price real, note blob);"
      "insert into items values ('one', 1, 1.5, null), ('two', 2, 2.25, x'0001ff');"
      "create virtual table notes using fts5(body);"
      "insert into notes values ('the quick brown fox');"
      "create view sizes as select sum(size) as total from items");
  return file;
}

Database reading(const fs::path& file) {
  Database database = Database::open(file, {.read_only = true, .untrusted = true});
  database.restrict_to_reading();
  return database;
}

}  // namespace

TEST_CASE("values come back as they were bound") {
  Database database = Database::open(":memory:");
  database.execute("create table t (a, b, c, d)");
  Statement insert = database.prepare("insert into t values (:a, :b, :c, :d)");
  CHECK(insert.parameters() == 4);
  CHECK(insert.parameter_name(2) == "b");
  insert.bind("a", Json(std::int64_t{-9007199254740993})).bind("b", Json(0.1));
  insert.bind("c", Json(std::string("nul \0 inside", 12))).bind("d", Json(nullptr));
  insert.run();
  insert.bind(1, std::int64_t{7}).bind(2, 2.5).bind(3, std::string_view()).bind_null(4);
  insert.run();
  insert.bind("a", Json(true)).bind("b", Json(3u));
  insert.run();

  Statement select = database.prepare("select a, b, c, d from t order by rowid");
  CHECK(select.columns() == 4);
  CHECK(select.column_name(3) == "d");
  REQUIRE(select.step());
  CHECK(select.integer(0) == -9007199254740993);
  CHECK(select.real(1) == 0.1);
  CHECK(select.text(2) == std::string("nul \0 inside", 12));
  CHECK(select.is_null(3));
  REQUIRE(select.step());
  CHECK(select.json(0) == 7);
  CHECK(select.json(2) == "");
  REQUIRE(select.step());
  CHECK(select.json(0) == 1);
  CHECK(select.json(1) == 3);
  CHECK_FALSE(select.step());
}

TEST_CASE("a blob is shown by its size") {
  Database database = Database::open(":memory:");
  Statement select = database.prepare("select x'000102'");
  REQUIRE(select.step());
  CHECK(select.json(0) == Json{{"blob_bytes", 3}});
}

TEST_CASE("what can't be bound is named") {
  Database database = Database::open(":memory:");
  Statement statement = database.prepare("select :a");
  CHECK(code_of([&] { statement.bind("b", Json(1)); }) == ErrorCode::kInvalid);
  CHECK(error_of([&] { statement.bind("b", Json(1)); })->message().find(":b") != std::string::npos);
  CHECK(code_of([&] { statement.bind("a", Json::array()); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { statement.bind("a", Json(~std::uint64_t{0})); }) == ErrorCode::kInvalid);
}

TEST_CASE("a statement outlives a move of its database") {
  Database first = Database::open(":memory:");
  first.execute("create table t (a unique); insert into t values (1)");
  Statement insert = first.prepare("insert into t values (1)");
  const Database second = std::move(first);
  CHECK(code_of([&] { insert.run(); }) == ErrorCode::kConflict);
}

TEST_CASE("prepare takes exactly one statement") {
  Database database = Database::open(":memory:");
  CHECK_NOTHROW(database.prepare("select 1 ; -- that is all\n /* really */ ;"));
  for (const char* sql :
       {"", "  -- nothing", "select 1; select 2", "select 1; nonsense", "selec 1"}) {
    INFO(sql);
    CHECK(code_of([&] { database.prepare(sql); }) == ErrorCode::kInvalid);
  }
  CHECK(code_of([&] { database.prepare(std::string_view("select 1\0; drop", 15)); }) ==
        ErrorCode::kInvalid);
}

TEST_CASE("a transaction commits, or leaves nothing behind when its work throws") {
  Database database = Database::open(":memory:");
  database.execute("create table t (a unique)");
  database.transaction([&] { database.execute("insert into t values (1)"); });
  CHECK_THROWS_AS(database.transaction([&] {
    database.execute("insert into t values (2)");
    throw std::runtime_error("no");
  }),
                  std::runtime_error);
  CHECK(code_of([&] {
          database.transaction(
              [&] { database.execute("insert into t values (3); insert into t values (1)"); });
        }) == ErrorCode::kConflict);
  Statement count = database.prepare("select count(*) from t");
  REQUIRE(count.step());
  CHECK(count.integer(0) == 1);
  count.reset();
  CHECK_NOTHROW(database.transaction([] {}));
}

TEST_CASE("a file that is no database is refused with its name") {
  const Folder folder;
  const fs::path missing = folder.path / "missing.db";
  CHECK(code_of([&] { Database::open(missing, {.read_only = true}); }) == ErrorCode::kNotFound);
  CHECK_FALSE(fs::exists(missing));
  CHECK(code_of([&] { Database::open(folder.path, {.read_only = true}); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { Database::open(folder.path); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { Database::open(""); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { Database::open("/dev/null", {.read_only = true}); }) == ErrorCode::kInvalid);
  CHECK(code_of([&] { Database::open(folder.path / "no" / "such.db"); }) ==
        ErrorCode::kUnavailable);

  const fs::path text = folder.path / "text.db";
  std::ofstream(text) << std::string(4096, 'x');
  const auto error = error_of([&] { Database::open(text, {.read_only = true}); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kCorrupt);
  CHECK(error->message().find("text.db") != std::string::npos);
}

TEST_CASE("a damaged database never crashes, whichever byte is changed") {
  const Folder folder;
  const fs::path file = sample(folder);
  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const fs::path damaged = folder.path / "damaged.db";
  int refused = 0;
  unsigned random = 12345;
  for (int round = 0; round < 400; ++round) {
    std::string copy = bytes;
    for (int change = 0; change < 4; ++change) {
      random = random * 1664525U + 1013904223U;
      copy[(random >> 8U) % copy.size()] = static_cast<char>(random >> 24U);
    }
    std::ofstream(damaged, std::ios::binary) << copy;
    try {
      Database database = reading(damaged);
      database.prepare("select * from items, sizes").run();
      database.prepare("select * from notes where notes match 'quick'").run();
    } catch (const Error& e) {
      ++refused;
      CHECK(e.message().find("damaged.db") != std::string::npos);
    }
  }
  CHECK(refused > 20);
}

TEST_CASE("reading is allowed: tables, views, full text, window functions, JSON, recursion") {
  const Folder folder;
  Database database = reading(sample(folder));
  for (const char* sql :
       {"select * from items", "select total from sizes",
        "select highlight(notes, 0, '[', ']') from notes where notes match 'fox'",
        "select name, row_number() over (order by size) from items",
        "select json_extract('{\"a\":1}', '$.a'), '{\"a\":2}' ->> 'a'",
        "select value from json_each('[1,2]')",
        "with recursive c(x) as (select 1 union all select x + 1 from c where x < 5) select x from "
        "c",
        "select upper(name) || format('%d', size) from items where name like 'o%'",
        "select name from sqlite_schema", "values (1), (2)"}) {
    INFO(sql);
    Statement statement = database.prepare(sql);
    CHECK(statement.step());
  }
}

TEST_CASE("everything that is not reading is refused by its name") {
  const Folder folder;
  const fs::path file = sample(folder);
  Database database = reading(file);
  const std::pair<const char*, const char*> attacks[] = {
      {"attach database 'other.db' as other", "ATTACH"},
      {"detach database main", "DETACH"},
      {"pragma journal_mode=delete", "PRAGMA"},
      {"pragma writable_schema=1", "PRAGMA"},
      {"insert into items values ('x', 1, 1, 1)", "INSERT into items"},
      {"update items set size = 0", "UPDATE of items"},
      {"delete from items", "DELETE from items"},
      {"with x as (select 1) insert into items select 1, 1, 1, 1 from x", "INSERT into items"},
      {"insert into items values ('x', 1, 1, 1) returning name", "INSERT into items"},
      {"replace into items values ('x', 1, 1, 1)", "INSERT into items"},
      {"create table t (a)", ""},
      {"create temp table t (a)", ""},
      {"create view v as select 1", ""},
      {"create trigger r after insert on items begin select 1; end", ""},
      {"create virtual table v using fts5(x)", ""},
      {"drop table items", ""},
      {"alter table items rename to things", ""},
      {"vacuum", ""},
      {"vacuum into 'copy.db'", "not a SELECT"},
      {"reindex", ""},
      {"analyze", ""},
      {"begin", "transaction"},
      {"savepoint s", "SAVEPOINT"},
      {"explain select 1", "not a SELECT"},
      {"explain query plan select 1", "not a SELECT"},
      {"select load_extension('x.so')", "load_extension"},
      {"select randomblob(1000000000)", "randomblob"},
      {"select zeroblob(1000000000)", "zeroblob"},
      {"select random()", "random"},
      {"select sqlite_version()", "sqlite_version"},
      {"select fts5(?1)", "fts5"},
      {"select name from items where (select load_extension('x')) is null", "load_extension"},
  };
  for (const auto& [sql, named] : attacks) {
    INFO(sql);
    const auto error = error_of([&] { database.prepare(sql).run(); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kDenied);
    CHECK(error->message().find(named) != std::string::npos);
    CHECK(error->message().find("sample.db") != std::string::npos);
    CHECK(error_of([&] { database.execute(sql); }).has_value());
  }
  // Denied while running, not while preparing.
  CHECK(code_of([&] { database.prepare("select * from pragma_table_info('items')").run(); }) ==
        ErrorCode::kDenied);
  // The schema itself, in every spelling.
  for (const char* sql : {"update sqlite_master set sql = ''", "update sqlite_schema set sql = ''",
                          "delete from sqlite_master", "insert into sqlite_master values (1)"}) {
    INFO(sql);
    CHECK(error_of([&] { database.prepare(sql).run(); }).has_value());
  }
  // Not functions of this build at all.
  for (const char* sql : {"select readfile('/etc/passwd')", "select writefile('x', 'y')",
                          "select edit('x')", "select * from fsdir('/')"}) {
    INFO(sql);
    CHECK(code_of([&] { database.prepare(sql); }) == ErrorCode::kInvalid);
  }
  Database after = Database::open(file, {.read_only = true});
  Statement count = after.prepare("select count(*) from items");
  REQUIRE(count.step());
  CHECK(count.integer(0) == 2);
}

TEST_CASE("a read-only database can not be written even without the authorizer") {
  const Folder folder;
  Database database = Database::open(sample(folder), {.read_only = true});
  CHECK(code_of([&] { database.execute("delete from items"); }) == ErrorCode::kDenied);
}

TEST_CASE("a view or trigger of an untrusted file can not reach a function that is not allowed") {
  const Folder folder;
  const fs::path file = sample(folder);
  Database::open(file).execute("create view trap as select load_extension('x.so') as y");
  Database database = reading(file);
  CHECK(error_of([&] { database.prepare("select * from trap").run(); }).has_value());
}

TEST_CASE("a query without an end stops at its deadline or when it is told to") {
  Database database = Database::open(":memory:", {.untrusted = true});
  database.restrict_to_reading();
  const char* endless =
      "with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c";
  Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  database.set_limits(limits);
  Statement statement = database.prepare(endless);
  CHECK(code_of([&] { statement.step(); }) == ErrorCode::kDeadline);

  std::stop_source stop;
  stop.request_stop();
  limits = {};
  limits.stop = stop.get_token();
  database.set_limits(limits);
  CHECK(code_of([&] { statement.step(); }) == ErrorCode::kCancelled);

  database.clear_limits();
  Statement quick = database.prepare("select 1");
  CHECK(quick.step());
}

TEST_CASE("sizes of SQL and values are bounded") {
  Database database = Database::open(":memory:", {.untrusted = true});
  database.restrict_to_reading();
  const auto run = [&](const std::string& sql) {
    return code_of([&] { database.prepare(sql).run(); });
  };
  CHECK(run("select " + std::string(300 << 10, ' ') + "1") == ErrorCode::kExhausted);
  CHECK(run("select format('%.5000000c', 'x') || format('%.5000000c', 'y')") ==
        ErrorCode::kExhausted);
  std::string nested;
  for (int i = 0; i < 2000; ++i) nested += "(1+";
  CHECK(run("select " + nested) == ErrorCode::kInvalid);
  std::string compound = "select 1";
  for (int i = 0; i < 2000; ++i) compound += " union select 1";
  CHECK(run(compound) == ErrorCode::kInvalid);
  CHECK(run("select 'a' like '" + std::string(10'000, '%') + "'") == ErrorCode::kInvalid);
}

TEST_CASE("a locked database is a conflict, and waiting for it ends at the deadline") {
  const Folder folder;
  const fs::path file = sample(folder);
  Database holder = Database::open(file);
  holder.execute("begin immediate");
  Database other = Database::open(file, {.busy_timeout_ms = 1});
  CHECK(code_of([&] { other.execute("begin immediate"); }) == ErrorCode::kConflict);
  Database patient = Database::open(file, {.busy_timeout_ms = 600'000});
  patient.set_limits(Limits::within(std::chrono::milliseconds(20)));
  CHECK(code_of([&] { patient.execute("begin immediate"); }) == ErrorCode::kDeadline);
  holder.execute("rollback");
  patient.clear_limits();
  CHECK_NOTHROW(patient.transaction([] {}));
}

TEST_CASE("durable means write-ahead log and a full sync") {
  const Folder folder;
  Database database = Database::open(folder.path / "durable.db", {.durable = true});
  Statement mode = database.prepare("pragma journal_mode");
  REQUIRE(mode.step());
  CHECK(mode.text(0) == "wal");
  Statement synchronous = database.prepare("pragma synchronous");
  REQUIRE(synchronous.step());
  CHECK(synchronous.integer(0) == 2);
  CHECK(code_of([] { Database::open(":memory:", {.durable = true}); }) == ErrorCode::kUnsupported);
}

TEST_CASE("a full disk is exhausted, and the transaction leaves nothing") {
  const Folder folder;
  Database database = Database::open(sample(folder));
  database.execute("pragma max_page_count = 20");
  CHECK(code_of([&] {
          database.transaction([&] {
            Statement insert = database.prepare("insert into items values (?1, 0, 0, 0)");
            for (int i = 0; i < 1000; ++i) {
              insert.bind(1, std::string_view(std::string(1000, 'x'))).run();
            }
          });
        }) == ErrorCode::kExhausted);
  Statement count = database.prepare("select count(*) from items");
  REQUIRE(count.step());
  CHECK(count.integer(0) == 2);
}
