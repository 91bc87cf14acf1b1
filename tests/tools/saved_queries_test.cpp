#include <orkestra/core/database.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tools/saved_queries.h>
#include <orkestra/tools/saved_query_file.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>

using namespace orkestra;
namespace fs = std::filesystem;

namespace {

// A folder with a small database and room for a file of queries; gone with the test.
struct Shop {
  fs::path folder, database, queries;
  Shop() {
    static std::atomic<int> count{0};
    folder = fs::temp_directory_path() /
             ("orkestra_queries_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(folder);
    database = folder / "shop.db";
    queries = folder / "queries.sql";
    Database::open(database).execute(
        "create table customers (name text, balance numeric, vip integer, visits integer);"
        "insert into customers values ('Ann', 4211.5, 1, 3), ('Bob', 12, 0, 0), (null, 0, 0, 0);"
        "create table many (n integer);"
        "with recursive c(x) as (select 1 union all select x + 1 from c where x < 10001)"
        " insert into many select x from c");
  }
  ~Shop() { fs::remove_all(folder); }

  std::vector<std::unique_ptr<tools::Tool>> load(const std::string& text) const {
    std::ofstream(queries, std::ios::binary) << text;
    return tools::load_saved_queries(queries, database);
  }
};

const std::string kBalance =
    "-- name: get_balance\n"
    "-- description: Get the balance of a customer.\n"
    "-- param customer: string, copied from the request, one of: select name from customers\n"
    "-- answer: The balance of the customer {customer} is {balance}.\n"
    "select balance from customers where name = :customer;\n";

ToolResult run(tools::Tool& tool, Json arguments) {
  return tool.run({"c", tool.spec().name, std::move(arguments)}, Limits{});
}

}  // namespace

TEST_CASE("a saved query becomes a tool") {
  const Shop shop;
  const auto tools = shop.load(kBalance);
  REQUIRE(tools.size() == 1);
  const ToolSpec& spec = tools[0]->spec();
  CHECK(spec.name == "get_balance");
  CHECK(spec.description == "Get the balance of a customer.");
  CHECK(spec.answer_form == "The balance of the customer {customer} is {balance}.");
  CHECK(spec.parameters == Json::parse(R"({"type":"object","properties":{"customer":{
      "type":"string","x-copy":true,"x-domain":["Ann","Bob"]}},
      "required":["customer"],"additionalProperties":false})"));
  CHECK(spec.traits.reads_private);
  CHECK_FALSE(spec.traits.side_effects);
  CHECK(spec.traits.safe_to_repeat);

  const ToolResult result = run(*tools[0], {{"customer", "Ann"}});
  REQUIRE(result.ok);
  CHECK(result.value == Json{{"balance", 4211.5}});
  CHECK(result.origin.kind == Origin::Kind::kSql);
  CHECK(result.origin.locator == shop.database.string());
  CHECK(result.origin.detail ==
        Json{{"sql", "select balance from customers where name = :customer"},
             {"params", {{"customer", "Ann"}}}});
  CHECK(result.label == Label{Integrity::kTrusted, Confidentiality::kPrivate});
}

TEST_CASE("no row is a failure that names the arguments") {
  const Shop shop;
  const auto tools = shop.load(kBalance +
                               "-- name: both\n-- description: d\n"
                               "-- param name: string\n-- param visits: integer\n"
                               "select vip from customers where name = :name and visits = :visits\n"
                               "-- name: none\n-- description: d\nselect 1 where 0");
  REQUIRE(tools.size() == 3);
  const ToolResult result = run(*tools[0], {{"customer", "Cid"}});
  CHECK_FALSE(result.ok);
  CHECK(result.code == ErrorCode::kNotFound);
  CHECK(result.message == "get_balance found nothing for customer \"Cid\"");
  CHECK(run(*tools[1], {{"name", "Ann"}, {"visits", 4}}).message ==
        "both found nothing for name \"Ann\" and visits 4");
  CHECK(run(*tools[2], Json::object()).message == "none found nothing");
}

TEST_CASE("several rows are an array, cut at the bounds and marked") {
  const Shop shop;
  const auto tools = shop.load(
      "-- name: all\n-- description: All.\n"
      "select name, visits from customers where name is not null order by name;\n"
      "-- name: more\n-- description: More.\nselect n from many order by n");
  CHECK(run(*tools[0], Json::object()).value ==
        Json::parse(R"([{"name":"Ann","visits":3},{"name":"Bob","visits":0}])"));
  const ToolResult more = run(*tools[1], Json::object());
  CHECK(more.value.size() == 200);
  CHECK(more.truncated);
}

TEST_CASE("types, and domains of every type") {
  const Shop shop;
  const auto tools = shop.load(
      "-- name: q\n-- description: d\n"
      "-- param a: number, one of: select balance from customers order by 1\n"
      "-- param b: integer, one of: select visits from customers order by 1;\n"
      "-- param c: boolean, copied from the request, one of: select vip from customers order by 1\n"
      "-- param d: integer, one of: select n from many\n"
      "select :a + :b as sum, :c as flag, :d as n");
  const Json& properties = tools[0]->spec().parameters.at("properties");
  CHECK(properties.at("a") == Json::parse(R"({"type":"number","x-domain":[0,12,4211.5]})"));
  CHECK(properties.at("b") == Json::parse(R"({"type":"integer","x-domain":[0,3]})"));
  CHECK(properties.at("c") ==
        Json::parse(R"({"type":"boolean","x-copy":true,"x-domain":[false,true]})"));
  // 10,001 values are too many to list.
  CHECK(properties.at("d") == Json::parse(R"({"type":"integer"})"));
  CHECK(run(*tools[0], {{"a", 1.5}, {"b", 2}, {"c", true}, {"d", 9}}).value ==
        Json::parse(R"({"sum":3.5,"flag":1,"n":9})"));
}

TEST_CASE("comments, blank lines, carriage returns and a byte order mark are fine") {
  const Shop shop;
  const auto tools = shop.load(
      "\xEF\xBB\xBF-- Queries of the shop.\r\n\r\n"
      "-- name: one\r\n-- which is simple\r\n-- description: One.\r\n\r\n"
      "select 1 as n -- not: a header\r\n\r\n;\r\n-- done\r\n");
  REQUIRE(tools.size() == 1);
  CHECK(run(*tools[0], Json::object()).value == Json{{"n", 1}});
}

TEST_CASE("what is wrong in a file is said by file and line") {
  const std::string head = "-- name: q\n-- description: d\n";
  const std::pair<std::string, std::string> cases[] = {
      {"", "1: no query found"},
      {"-- only a comment\n", "1: no query found"},
      {"\nselect 1", "2: SQL before the first"},
      {"-- name:\nselect 1", "1: a query's name"},
      {"-- name: two words\nselect 1", "1: a query's name"},
      {"-- name: 1st\nselect 1", "1: a query's name"},
      {"-- name: q\nselect 1", "1: the query q has no \"-- description"},
      {"-- name: q\n-- description:\nselect 1", "2: the description is empty"},
      {head + "-- description: e\nselect 1", "3: a second description"},
      {head, "1: the query q has no SQL"},
      {head + ";;\n", "1: the query q has no SQL"},
      {head + "select 1;\n\n" + head + "select 1", "5: the name q was used in line 1"},
      {head + "-- returns: x\nselect 1", "3: unknown header \"returns\"; there are name, desc"},
      {head + "-- parameter: x\nselect 1", "3: unknown header \"parameter\""},
      {head + "-- param: string\nselect 1", "3: a parameter is written"},
      {head + "-- param a b: string\nselect 1", "3: a parameter is written"},
      {head + "-- param a: text\nselect :a", "3: the type of a must be string"},
      {head + "-- param a: string, copied\nselect :a", "3: unknown property \"copied\" of a"},
      {head + "-- param a: string, one of:\nselect :a", "3: \"one of:\" is followed by"},
      {head + "-- param a: string\n-- param a: string\nselect :a",
       "4: the parameter a is declared"},
      {head + "-- param a: string\nselect 1", "3: the parameter a is not used"},
      {head + "-- param customer: string\nselect :custmer",
       "4: the SQL uses :custmer, which has no \"-- param custmer: TYPE\" line; did you mean "
       ":customer?"},
      {head + "select ?", "3: write parameters as :NAME"},
      {head + "\n\nselect nothing from customers", "5: "},
      {head + "select 1; select 2", "3: "},
      {head + "delete from customers", "3: "},
      {head + "select 1 as a, 2 as a", "3: two columns of the result are named a"},
      {head + "-- answer: It is {balanc}.\nselect 1 as balance",
       "3: {balanc} is neither a parameter nor a column of the result; did you mean {balance}?"},
      {head + "-- answer: It is here.\nselect 1 as x", "3: the answer names no column"},
      {head + "-- answer: It is {x.\nselect 1 as x", "3: the answer has a brace"},
      {head + "-- answer: It is x}.\nselect 1 as x", "3: the answer has a brace"},
      {head + "-- answer: It is {}.\nselect 1 as x", "3: the answer has an empty {}"},
      {head + "-- param a: string, one of: select name, vip from customers\nselect :a",
       "3: the SELECT after \"one of:\" must give one column"},
      {head + "-- param a: string, one of: drop table customers\nselect :a", "3: "},
      {head + "-- param a: string, one of: select vip from customers\nselect :a",
       "3: \"one of:\" for a: the value must be a string"},
      {head + "-- param a: string, one of: select name from customers where 0\nselect :a",
       "3: the SELECT after \"one of:\" gives no value"},
  };
  const Shop shop;
  for (const auto& [text, message] : cases) {
    INFO(text);
    try {
      shop.load(text);
      FAIL("was accepted");
    } catch (const Error& e) {
      INFO(e.message());
      CHECK(e.code() == ErrorCode::kInvalid);
      CHECK(e.message().starts_with(shop.queries.string() + ":" + message));
    }
  }
}

TEST_CASE("a missing file or database is not found") {
  const Shop shop;
  const auto code = [](const fs::path& file, const fs::path& database) {
    try {
      tools::load_saved_queries(file, database);
    } catch (const Error& e) {
      return e.code();
    }
    FAIL("was accepted");
    return ErrorCode::kInternal;
  };
  CHECK(code(shop.folder / "none.sql", shop.database) == ErrorCode::kNotFound);
  shop.load(kBalance);
  CHECK(code(shop.queries, shop.folder / "none.db") == ErrorCode::kNotFound);
}

TEST_CASE("a domain that never ends, or is very large, is no domain") {
  const Shop shop;
  const auto tools = shop.load(
      "-- name: q\n-- description: d\n"
      "-- param a: string, one of: select printf('%.600000c', 'x') || n from many\n"
      "select :a");
  CHECK(tools[0]->spec().parameters.at("properties").at("a") == Json{{"type", "string"}});
}

TEST_CASE("random files are parsed or refused, never worse") {
  const std::vector<std::string> pieces = {"-- name: ", "-- description: ",
                                           "-- param ", "-- answer: ",
                                           "a",         "b",
                                           ": string",  ", one of: ",
                                           "select :a", "copied from the request",
                                           "\n",        "\n",
                                           "\r\n",      ";",
                                           "{a}",       "{",
                                           "}",         ":",
                                           ",",         " ",
                                           "\xff",      std::string(1, '\0')};
  std::mt19937 random(9);
  int parsed = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text = round % 2 ? "-- name: q\n-- description: d\n" : "";
    for (auto n = random() % 16; n > 0; --n) text += pieces[random() % pieces.size()];
    try {
      tools::parse_saved_queries(text, "f");
      ++parsed;
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kInvalid);
    }
  }
  CHECK(parsed > 100);
}
