// Claims held against the rows of a database, and queries that are run again.
#include <orkestra/core/database.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>
#include <orkestra/tools/sql.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using testing::only;
using testing::ScratchFolder;
using testing::verify_against_database;

constexpr auto kSupported = VerdictKind::kSupported;
constexpr auto kContradicted = VerdictKind::kContradicted;
constexpr auto kNotFound = VerdictKind::kNotFound;

constexpr const char* kSchema = R"(
create table customers (id integer primary key, name text not null, balance numeric, city text,
                        manager text);
insert into customers values (1, 'Bruna Kelly', 4211.5, 'Porto', 'Anna Moss');
insert into customers values (2, 'Ben Silva', -300, 'Faro', 'Bruna Kelly');
insert into customers values (3, 'Twin', 5, 'Porto', null);
insert into customers values (4, 'Twin', 7, 'Porto', null);
create table products (sku text primary key, title text, price_eur numeric);
insert into products values ('KT-100', 'Blue Kettle', 30), ('KT-200', 'Red Kettle', 45);
create table warehouses (name text primary key, city text);
insert into warehouses values ('North', 'Porto'), ('South', 'Faro');
create table stock (warehouse text references warehouses (name), product text references products (sku),
                    units integer, primary key (warehouse, product));
insert into stock values ('North', 'KT-100', 120), ('South', 'KT-100', 80);
create table orders (id integer primary key, customer_id integer references customers (id),
                     status text, due date);
insert into orders values (1042, 1, 'open', '2024-05-03'), (1043, 2, 'closed', '2024-06-01');
)";

TEST_CASE("a statement is held against the rows it speaks of") {
  const ScratchFolder folder;
  const auto file = folder.database("shop.db", kSchema);
  const std::vector<std::pair<const char*, VerdictKind>> rows{
      {"The balance of the customer Bruna Kelly is 4211.5.", kSupported},
      {"The balance of the customer Bruna Kelly is 4,211.50 [1].", kSupported},
      {"Bruna Kelly's balance is 4211.5.", kSupported},
      {"The balance of the customer 1 is 4211.5.", kSupported},
      {"The balance of Ben Silva is -300.", kSupported},
      {"The name of the customer 2 is Ben Silva.", kSupported},
      {"The manager of the customer Ben Silva is Bruna Kelly.", kSupported},
      {"The customer Ben Silva has the balance -300 and the city Faro.", kSupported},
      {"The price of the product Blue Kettle is 30.", kSupported},
      {"The price of KT-100 is €30.", kSupported},
      {"The units of the product KT-100 in the warehouse North are 120.", kSupported},
      {"The warehouse North has 120 units of the product KT-100.", kSupported},
      {"The due of the order 1042 is 3 May 2024.", kSupported},
      {"The customer of the order 1042 is Bruna Kelly.", kSupported},
      {"The status of the order 1043 is closed.", kSupported},

      {"The balance of the customer Bruna Kelly is 4212.5.", kContradicted},
      {"The balance of the customer Bruna Kelly is -300.", kContradicted},
      {"The balance of the customer Bruna Kelly is not 4211.5.", kContradicted},
      {"The balance of Ben Silva is 300.", kContradicted},
      {"The city of Bruna Kelly is Faro.", kContradicted},
      {"The status of the order 1043 is open.", kContradicted},
      {"The customer of the order 1043 is Bruna Kelly.", kContradicted},
      {"The due of the order 1042 is 4 May 2024.", kContradicted},
      {"The price of KT-100 is €45.", kContradicted},
      {"The warehouse North has 80 units of the product KT-100.", kContradicted},

      {"The manager of the customer Bruna Kelly is Ben Silva.", kContradicted},
      {"The price of KT-100 is $30.", kNotFound},
      {"The balance of the customer Carl Moss is 4211.5.", kNotFound},
      {"The balance of Twin is 5.", kNotFound},
      {"The balance of the customer 3 is 5.", kSupported},
      {"The product KT-100 has 120 units.", kNotFound},
      {"The balance is 4211.5.", kNotFound},
      {"4211.5", kNotFound},
      {"The balance of Porto is 4211.5.", kNotFound},
      {"There are 4 customers.", kNotFound},
  };
  for (const auto& [answer, verdict] : rows) {
    const auto checked = only(verify_against_database(answer, file));
    INFO(answer << "\n  " << checked.verdict.reason);
    CHECK(name(checked.verdict.kind) == name(verdict));
  }
}

TEST_CASE("a row's origin fetches it again") {
  const ScratchFolder folder;
  const auto file = folder.database("shop.db", kSchema);
  for (const auto* answer : {"The balance of the customer Bruna Kelly is 4211.5.",
                             "The warehouse North has 120 units of the product KT-100.",
                             "The customer of the order 1042 is Bruna Kelly."}) {
    const auto checked = only(verify_against_database(answer, file));
    REQUIRE(checked.verdict.kind == kSupported);
    const Evidence& evidence = checked.verdict.evidence.at(0);
    const Json& detail = evidence.origin.detail;
    const Json rows = tools::query_database(file, detail.at("sql").get<std::string>(),
                                            detail.at("params"), Limits{});
    REQUIRE(rows.size() == 1);
    CHECK(dump_json_spaced(rows[0]) == evidence.quote);
  }
}

Evidence balance_of_bruna(const std::filesystem::path& file) {
  Evidence evidence;
  evidence.id = "1";
  evidence.value = {{"balance", 4211.5}};
  evidence.quote = dump_json_spaced(evidence.value);
  evidence.hash = sha256_hex(evidence.quote);
  evidence.description = "Get the balance of a customer.";
  evidence.origin = {Origin::Kind::kSql,
                     file.string(),
                     {{"sql", "select balance from customers where name = :customer"},
                      {"params", {{"customer", "Bruna Kelly"}}}}};
  return evidence;
}

CheckedClaim verify_again(const std::string& answer, const Evidence& evidence) {
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_evidence_source(
      {evidence}, [](const std::filesystem::path& database, std::string_view sql,
                     const Json& parameters, const Limits& limits) {
        return tools::query_database(database, sql, parameters, limits);
      }));
  return only(verify(answer, sources, Limits{}));
}

TEST_CASE("a changed figure turns what was supported into contradicted") {
  const ScratchFolder folder;
  const auto file = folder.database("shop.db", kSchema);
  const std::string answer = "The balance of the customer Bruna Kelly is 4211.5 [1].";
  const Evidence evidence = balance_of_bruna(file);
  CHECK(only(verify_against_database(answer, file)).verdict.kind == kSupported);
  CHECK(verify_again(answer, evidence).verdict.kind == kSupported);
  CHECK(verify_again("4211.5 [1]", evidence).verdict.kind == kSupported);
  {
    Database database = Database::open(file);
    database.execute("update customers set balance = 4211.6 where name = 'Bruna Kelly'");
  }
  CHECK(only(verify_against_database(answer, file)).verdict.kind == kContradicted);
  const auto again = verify_again(answer, evidence);
  CHECK(again.verdict.kind == kContradicted);
  CHECK(again.verdict.evidence.at(0).quote == "{\"balance\": 4211.6}");
  CHECK(again.verdict.evidence.at(0).hash == sha256_hex("{\"balance\": 4211.6}"));
  CHECK(again.verdict.reason == "the source says balance is 4211.6, not 4211.5");
  CHECK(verify_again("4211.5 [1]", evidence).verdict.kind == kContradicted);
  {
    Database database = Database::open(file);
    database.execute("delete from customers");
  }
  const auto gone = verify_again(answer, evidence);
  CHECK(gone.verdict.kind == kNotFound);
  CHECK(gone.verdict.reason == "the query of [1] finds nothing any more");
}

TEST_CASE("a recorded query that writes, or can't run, supports nothing") {
  const ScratchFolder folder;
  const auto file = folder.database("shop.db", kSchema);
  Evidence evidence = balance_of_bruna(file);
  evidence.origin.detail["sql"] = "delete from customers where name = :customer";
  const auto checked = verify_again("4211.5 [1]", evidence);
  CHECK(checked.verdict.kind == kNotFound);
  CHECK(checked.verdict.reason.find("can't be run again") != std::string::npos);
  CHECK(only(verify_against_database("The balance of Bruna Kelly is 4211.5.", file)).verdict.kind ==
        kSupported);
}

TEST_CASE("odd schemas are read without harm") {
  const ScratchFolder folder;
  const auto file = folder.database("odd.db", R"(
    create table "a ""b" ("x y" text, "select" blob, rowid text, n);
    insert into "a ""b" values ('Bruna Kelly', x'00ff', 'r', 1e300), (null, null, null, null);
    create table w (k text primary key, v integer) without rowid;
    insert into w values ('Kelly', 5);
    create table self (id integer primary key, name text, boss integer references self (id));
    insert into self values (1, 'Anna', null), (2, 'Ben', 1);
    create view v as select * from w;
    create virtual table f using fts5 (body);
    create table empty (x);
  )");
  CHECK(only(verify_against_database("The v of Kelly is 5.", file)).verdict.kind == kSupported);
  CHECK(only(verify_against_database("The boss of Bruna Kelly is 5.", file)).verdict.kind ==
        kNotFound);
}

}  // namespace
}  // namespace orkestra::planner
