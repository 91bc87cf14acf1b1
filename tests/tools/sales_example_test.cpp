// The example data: the committed database is what its SQL file builds, names are told apart, and
// every saved query answers.
#include <orkestra/core/database.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tools/saved_queries.h>

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace orkestra;
namespace fs = std::filesystem;

namespace {

const fs::path kSales = fs::path(ORKESTRA_SOURCE_DIR) / "examples" / "sales";

Database built() {
  std::ifstream in(kSales / "sales.sql", std::ios::binary);
  const std::string sql(std::istreambuf_iterator<char>(in), {});
  Database database = Database::open(":memory:");
  database.execute(sql);
  return database;
}

Json rows(Database& database, const std::string& sql) {
  Statement statement = database.prepare(sql);
  Json out = Json::array();
  while (statement.step()) {
    Json row = Json::array();
    for (int i = 0; i < statement.columns(); ++i) row.push_back(statement.json(i));
    out.push_back(std::move(row));
  }
  return out;
}

// Everything of one column, in order.
std::vector<std::string> column(Database& database, const std::string& sql) {
  std::vector<std::string> out;
  for (const Json& row : rows(database, sql)) out.push_back(row[0].get<std::string>());
  return out;
}

}  // namespace

TEST_CASE("sales.db holds what sales.sql builds") {
  Database fresh = built();
  Database committed = Database::open(kSales / "sales.db", {.read_only = true});
  CHECK(fs::file_size(kSales / "sales.db") < 100'000);
  const std::string schema = "select name, sql from sqlite_schema order by name";
  CHECK(rows(fresh, schema) == rows(committed, schema));
  const auto tables = column(fresh, "select name from sqlite_schema where type = 'table'");
  CHECK(tables.size() == 6);
  for (const std::string& table : tables) {
    INFO(table);
    const std::string all = "select * from " + table + " order by 1, 2";
    CHECK(rows(fresh, all).size() >= 6);
    CHECK(rows(fresh, all) == rows(committed, all));
  }
  CHECK(rows(fresh, "pragma foreign_key_check").empty());
}

TEST_CASE("no name is a part of another") {
  Database database = built();
  const auto names =
      column(database,
             "select lower(name) from customers union all select lower(name) from devices union "
             "all select "
             "lower(name) from warehouses union all select lower(id) from orders union all select "
             "lower(name) from regions");
  CHECK(names.size() > 80);
  for (const std::string& a : names) {
    const auto holds = [&](const std::string& b) { return b.find(a) != std::string::npos; };
    INFO(a);
    CHECK(std::count_if(names.begin(), names.end(), holds) == 1);
  }
}

TEST_CASE("every saved query of the example answers for every value of its parameters") {
  int answered = 0;
  for (const char* file : {"queries.sql", "reports.sql"}) {
    tools::ToolRegistry registry;
    for (auto& tool : tools::load_saved_queries(kSales / file, kSales / "sales.db")) {
      registry.add(std::move(tool));
    }
    CHECK(registry.specs().size() <= 5);
    for (const ToolSpec& spec : registry.specs()) {
      Json arguments = Json::object();
      const auto call = [&] {
        INFO(spec.name << " " << dump_json(arguments));
        const ToolResult result = registry.call({"c", spec.name, arguments}, Limits{});
        // A customer may have no order; everything else is there.
        CHECK((result.ok || spec.name == "customer_orders"));
        answered += result.ok ? 1 : 0;
      };
      std::string last;
      for (const auto& [name, schema] : spec.parameters.at("properties").items()) {
        CHECK(schema.value("x-copy", false));
        arguments[name] = schema.contains("x-domain") ? schema["x-domain"][0] : Json("2025-12-31");
        last = name;
      }
      const Json& schema = spec.parameters.at("properties").at(last);
      if (!schema.contains("x-domain")) {
        call();
        continue;
      }
      for (const Json& value : schema["x-domain"]) {
        arguments[last] = value;
        call();
      }
    }
  }
  CHECK(answered > 100);
}
