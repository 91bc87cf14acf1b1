#include <orkestra/core/database.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tools/sql.h>
#include <orkestra/tools/tool.h>

#include <unistd.h>

#include <atomic>
#include <fstream>

using namespace orkestra;
namespace fs = std::filesystem;

namespace {

struct Sample {
  fs::path folder, file;
  Sample() {
    static std::atomic<int> count{0};
    folder = fs::temp_directory_path() /
             ("orkestra_sql_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(folder);
    file = folder / "sample.db";
    Database::open(file).execute(
        "create table items (name text, size integer); insert into items values ('one', 1), "
        "('two', 2); create view big as select * from items where size > 1");
  }
  ~Sample() { fs::remove_all(folder); }
};

Json query(const fs::path& file, std::string_view sql, const Json& params = Json::object()) {
  return tools::query_database(file, sql, params, Limits::within(std::chrono::seconds(20)));
}

ErrorCode code(const fs::path& file, std::string_view sql, const Json& params = Json::object()) {
  try {
    query(file, sql, params);
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("was answered");
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("rows are objects in the order of the columns") {
  const Sample sample;
  CHECK(dump_json(query(sample.file, "select name, size from items order by size")) ==
        R"([{"name":"one","size":1},{"name":"two","size":2}])");
  CHECK(query(sample.file, "select size from items where name = :n", {{"n", "two"}}) ==
        Json::parse(R"([{"size":2}])"));
  CHECK(query(sample.file, "select 1 where 0") == Json::array());
  CHECK(dump_json(query(sample.file, "select 1 as a, 2 as a, 3 as a")) ==
        R"([{"a":1,"a_2":2,"a_3":3}])");
}

TEST_CASE("every parameter needs a value, and every value a parameter") {
  const Sample sample;
  CHECK(code(sample.file, "select :a") == ErrorCode::kInvalid);
  CHECK(code(sample.file, "select ?") == ErrorCode::kInvalid);
  CHECK(code(sample.file, "select 1", {{"a", 1}}) == ErrorCode::kInvalid);
}

TEST_CASE("nothing but reading is done") {
  const Sample sample;
  for (const char* sql : {"delete from items", "attach 'x' as y", "pragma user_version=3",
                          "select load_extension('x')", "vacuum into 'x.db'",
                          "with d as (select 1) delete from items"}) {
    INFO(sql);
    CHECK(code(sample.file, sql) == ErrorCode::kDenied);
  }
  CHECK(code(sample.file, "select 1; select 2") == ErrorCode::kInvalid);
  CHECK(query(sample.file, "select count(*) as n from items")[0].at("n") == 2);
}

TEST_CASE("rows and bytes are bounded") {
  const Sample sample;
  const std::string series =
      "with recursive c(x) as (select 1 union all select x + 1 from c limit 100000) "
      "select x, printf('%.100c', 'x') as text from c";
  const tools::QueryRows by_rows =
      tools::query_rows(sample.file, series, Json::object(), {}, {.max_rows = 7});
  CHECK(by_rows.rows.size() == 7);
  CHECK(by_rows.truncated);
  const tools::QueryRows by_bytes =
      tools::query_rows(sample.file, series, Json::object(), {}, {.max_bytes = 1000});
  CHECK(by_bytes.truncated);
  CHECK(by_bytes.rows.size() == 8);
  CHECK(dump_json(by_bytes.rows).size() <= 1000);
  CHECK(code(sample.file, "select printf('%.1000000c', 'x')") == ErrorCode::kExhausted);
}

TEST_CASE("the SQL tool names the tables and gives rows with their origin") {
  const Sample sample;
  tools::ToolRegistry registry;
  registry.add(tools::make_sql_tool(sample.file));
  const ToolSpec& spec = *registry.find("sql_query");
  CHECK(spec.description.find("big(name TEXT, size INTEGER), items(name TEXT, size INTEGER)") !=
        std::string::npos);
  const Json arguments = {{"sql", "select size from items where name = 'two'"}};
  const ToolResult result = registry.call({"c", "sql_query", arguments}, Limits{});
  REQUIRE(result.ok);
  CHECK(result.value == Json::parse(R"([{"size":2}])"));
  CHECK(result.origin.kind == Origin::Kind::kSql);
  CHECK(result.origin.locator == sample.file.string());
  CHECK(result.origin.detail == Json{{"sql", arguments.at("sql")}, {"params", Json::object()}});
  // The origin is enough to run it again.
  CHECK(query(result.origin.locator, result.origin.detail.at("sql").get<std::string>(),
              result.origin.detail.at("params")) == result.value);
  CHECK(registry.call({"c", "sql_query", {{"sql", "drop table items"}}}, Limits{}).code ==
        ErrorCode::kDenied);
}

TEST_CASE("a query without an end fails at the deadline of the call") {
  const Sample sample;
  tools::ToolRegistry registry(std::chrono::hours(1));
  registry.add(tools::make_sql_tool(sample.file));
  const Json arguments = {{"sql",
                           "with recursive c(x) as (select 1 union all select x + 1 from c) select "
                           "count(*) from c"}};
  const ToolResult result =
      registry.call({"c", "sql_query", arguments}, Limits::within(std::chrono::milliseconds(30)));
  CHECK(result.code == ErrorCode::kDeadline);
}

TEST_CASE("a file that is no database is refused when the tool is made") {
  const Sample sample;
  CHECK_THROWS_AS(tools::make_sql_tool(sample.folder / "none.db"), Error);
  std::ofstream(sample.folder / "text.db") << std::string(2000, 'x');
  CHECK_THROWS_AS(tools::make_sql_tool(sample.folder / "text.db"), Error);
}
