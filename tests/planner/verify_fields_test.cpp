// Claims held against rows and tool results.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using testing::only;
using testing::tool_evidence;
using testing::verify_with;

constexpr auto kSupported = VerdictKind::kSupported;
constexpr auto kContradicted = VerdictKind::kContradicted;
constexpr auto kNotFound = VerdictKind::kNotFound;

struct Row {
  const char* answer;
  VerdictKind verdict;
};

void check_rows(const std::vector<Row>& rows, const std::vector<Evidence>& evidence) {
  for (const auto& row : rows) {
    const auto checked = only(verify_with(row.answer, evidence));
    INFO(row.answer << "\n  " << checked.verdict.reason);
    CHECK(name(checked.verdict.kind) == name(row.verdict));
    CHECK((checked.verdict.kind != kSupported || !checked.verdict.evidence.empty()));
    CHECK_FALSE(checked.verdict.reason.empty());
  }
}

TEST_CASE("a statement is held against the values of what it cites") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"customer", "Bruna Kelly"}}, {{"balance", 4211.5}, {"phone", 300}},
                    "Get the balance and the phone of a customer."),
      tool_evidence("2", {{"customer", "Ben Silva"}}, {{"balance", 300}, {"phone", 17}},
                    "Get the balance and the phone of a customer.")};
  check_rows(
      {
          {"The balance of the customer Bruna Kelly is 4211.5 [1].", kSupported},
          {"The balance of the customer Bruna Kelly is 4,211.50 [1].", kSupported},
          {"The balance of Bruna Kelly is 4211.5 [1].", kSupported},
          {"The balance of Bruna Kelly is 4211.5.", kSupported},
          {"Bruna Kelly's balance is 4211.5 [1].", kSupported},
          {"Customer Bruna Kelly has a balance of 4211.5 [1].", kSupported},
          {"4211.5 is the balance of Bruna Kelly [1].", kSupported},
          {"The balance of Bruna Kelly is 4211.5 and the phone is 300 [1].", kSupported},
          {"The balance and phone of Bruna Kelly are 4211.5 and 300 [1].", kSupported},
          {"The balance of Bruna Kelly is 4211.5 and the balance of Ben Silva is 300 [1][2].",
           kSupported},
          {"Balance of Bruna Kelly: 4211.5 [1]", kSupported},
          {"The balance is 4211.5 [1].", kSupported},
          {"4211.5 [1]", kSupported},

          {"The balance of the customer Bruna Kelly is 4212.5 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is -4211.5 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is 42115 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is 300 [1].", kContradicted},
          {"The balance of Bruna Kelly is 300 and the phone is 4211.5 [1].", kContradicted},
          {"The phone of Bruna Kelly is 4211.5 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is not 4211.5 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly isn't 4211.5 [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is never 4211.5 [1].", kContradicted},
          {"300.5 is the balance of Bruna Kelly [1].", kContradicted},

          {"The balance of the customer Bruna Kelly is 4211.5 million [1].", kContradicted},
          {"The balance of the customer Bruna Kelly is 4211.5 dollars [1].", kNotFound},
          {"The balance of the customer Bruna Kelly is 4211.5% [1].", kNotFound},
          {"The balance of the customer Bruna Kelly is more than 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruna Kelly is at least 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruna Kelly may be 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruna Kelly was 4211.5 [1].", kNotFound},
          {"The old balance of the customer Bruna Kelly is 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruno Kelly is 4211.5 [1].", kNotFound},
          {"The balance of the customer Ben Silva is 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruna is 4211.5 [1].", kNotFound},
          {"The balance of the customer Bruna Kelly is 4211.5 [2].", kNotFound},
          {"The balance of the customer Bruna Kelly is 4211.5 [3].", kNotFound},
          {"The debt of the customer Bruna Kelly is 4211.5 [1].", kNotFound},
          {"The phone is 300 and the balance of Bruna Kelly is unknown [1].", kContradicted},
          {"If asked, the balance of Bruna Kelly is 4211.5 [1].", kNotFound},
          {"Bruna Kelly owes 4211.5 [1].", kNotFound},
          {"Bruna Kelly is the balance of 4211.5 [1].", kNotFound},
          {"The customer of 4211.5 is Bruna Kelly [1].", kNotFound},
          {"The customer is Bruna Kelly [1].", kNotFound},
          {"Bruna Kelly [1]", kNotFound},
          {"4211 [1]", kNotFound},
          {"4211.5", kNotFound},
          {"The balance is 4211.5.", kNotFound},
          {"Is the balance of Bruna Kelly 4211.5 [1]?", kNotFound},
          {"Yes [1].", kNotFound},
          {"The balance [1].", kNotFound},
          {"All customers have a balance of 4211.5 [1].", kNotFound},
          {"Only Bruna Kelly has a balance of 4211.5 [1].", kNotFound},
      },
      evidence);
}

TEST_CASE("who is what of whom must be as the source has it") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"employee", "Ben"}}, {{"name", "Anna"}},
                    "Get the manager of an employee."),
      tool_evidence("2", {{"employee", "Ben"}}, {{"manager", "Anna"}, {"deputy", "Carl"}},
                    "Get who leads an employee."),
      tool_evidence("3", {{"from", "Lisbon"}, {"to", "Porto"}}, {{"distance", 313}},
                    "Get the distance from a city to another."),
      tool_evidence("4", {{"product", "Kettle"}, {"warehouse", "Faro"}}, {{"units", 120}},
                    "Get the units of a product in a warehouse.")};
  check_rows(
      {
          {"The manager of the employee Ben is Anna [1].", kSupported},
          {"The manager of Ben is Anna [1].", kSupported},
          {"The manager of Anna is Ben [1].", kNotFound},
          {"The employee of Ben is Anna [1].", kNotFound},
          {"The employee of the manager Ben is Anna [1].", kNotFound},
          {"The manager of Ben is Carl [1].", kContradicted},
          {"The manager of Ben is Anna [2].", kSupported},
          {"The manager of Anna is Ben [2].", kNotFound},
          {"The manager of Ben is Carl [2].", kContradicted},
          {"The deputy of Ben is Anna [2].", kContradicted},
          {"The manager of Ben is Carl and the deputy is Anna [2].", kContradicted},
          {"Anna manages Ben [2].", kNotFound},
          {"Ben manages Anna [2].", kNotFound},
          {"The distance from Lisbon to Porto is 313 [3].", kSupported},
          {"The distance from Porto to Lisbon is 313 [3].", kNotFound},
          {"The distance from Lisbon is 313 [3].", kNotFound},
          {"The units of the product Kettle in the warehouse Faro are 120 [4].", kSupported},
          {"The warehouse Faro has 120 units of the product Kettle [4].", kSupported},
          {"There are 120 units of the product Kettle in the warehouse Faro [4].", kSupported},
          {"The units of Kettle in Faro are 120 [4].", kSupported},
          {"The units of Faro in Kettle are 120 [4].", kNotFound},
          {"The units of the product Faro in the warehouse Kettle are 120 [4].", kNotFound},
          {"The units of the product Kettle are 120 [4].", kNotFound},
          {"The warehouse Faro has 102 units of the product Kettle [4].", kContradicted},
      },
      evidence);
}

TEST_CASE("units live in names, counts in descriptions, dates in any form") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"device", "Plylfok"}}, {{"price_usd", 12.5}, {"discount_percent", 5}},
                    "Get the price of a device."),
      tool_evidence("2", {{"status", "open"}}, {{"count(*)", 17}},
                    "Count the orders that have a status."),
      tool_evidence("3", {{"order", "RJ-5814"}}, {{"deadline", "2024-05-03"}},
                    "Find the deadline of one order."),
      tool_evidence("4", Json::object(), {{"name", "Bruna Kelly"}, {"balance", 79797}},
                    "Get the customer with the highest balance."),
      tool_evidence("5", {{"customer", "Bruna Kelly"}}, {{"orders", 4}}, "Count orders."),
      tool_evidence("6", {{"customer", "Bruna Kelly"}}, {{"sum(amount)", 90.5}},
                    "Add up payments."),
      tool_evidence("7", {{"order", "RJ-5814"}}, {{"status", "open"}},
                    "Get the status of an order that is not closed.")};
  check_rows(
      {
          {"The price of the device Plylfok is $12.50 [1].", kSupported},
          {"The price of the device Plylfok is 12.5 USD [1].", kSupported},
          {"The price of the device Plylfok is 12.5 [1].", kSupported},
          {"The price of the device Plylfok is €12.50 [1].", kNotFound},
          {"The discount of the device Plylfok is 5% [1].", kSupported},
          {"The discount of the device Plylfok is $5 [1].", kNotFound},
          {"The price of the device Plylfok is 12.5% [1].", kNotFound},
          {"There are 17 orders with the status open [2].", kSupported},
          {"There are 18 orders with the status open [2].", kContradicted},
          {"There are 17 orders with the status closed [2].", kNotFound},
          {"There are 17 customers with the status open [2].", kNotFound},
          {"The deadline of the order RJ-5814 is 3 May 2024 [3].", kSupported},
          {"The deadline of the order RJ-5814 is May 3rd, 2024 [3].", kSupported},
          {"The deadline of the order RJ-5814 is 2024-05-04 [3].", kContradicted},
          {"The deadline of the order RJ-5814 is after 3 May 2024 [3].", kNotFound},
          {"The deadline of the order RJ-5815 is 3 May 2024 [3].", kNotFound},
          {"3 May 2024 [3]", kSupported},
          {"2024-05-04 [3]", kContradicted},
          {"The number of orders with the status open is 17 [2].", kSupported},
          {"The number of orders with the status open is 18 [2].", kContradicted},
          {"The number of orders of Bruna Kelly is 4 [5].", kSupported},
          {"The number of customers of Bruna Kelly is 4 [5].", kNotFound},
          {"The total amount of Bruna Kelly is 90.5 [6].", kSupported},
          {"The average amount of Bruna Kelly is 90.5 [6].", kNotFound},
          {"The status of the order RJ-5814 is open [7].", kSupported},
          {"The status of the closed order RJ-5814 is open [7].", kNotFound},
          {"The customer with the highest balance is Bruna Kelly [4].", kSupported},
          {"The customer with the lowest balance is Bruna Kelly [4].", kNotFound},
          {"The customer with the highest balance is Ben Silva [4].", kContradicted},
      },
      evidence);
}

TEST_CASE("figures that follow from the cited rows are computed, exactly") {
  const Json rows = Json::array({{{"name", "Anna"}, {"balance", 10.1}, {"city", "Faro"}},
                                 {{"name", "Ben"}, {"balance", 20.2}, {"city", "Faro"}},
                                 {{"name", "Carl"}, {"balance", 4}, {"city", "Porto"}}});
  const std::vector<Evidence> evidence{
      tool_evidence("1", Json::object(), rows, "List the customers with balance and city.")};
  check_rows(
      {
          {"The total balance of all customers is 34.3 [1].", kSupported},
          {"The total balance is 34.4 [1].", kContradicted},
          {"The total balance of Anna and Ben is 30.3 [1].", kSupported},
          {"The average balance is 11.43 [1].", kSupported},
          {"The average balance is 11.44 [1].", kContradicted},
          {"The difference between the balance of Anna and Ben is 10.1 [1].", kSupported},
          {"The balance of Ben is 10.1 more than the balance of Anna [1].", kSupported},
          {"The balance of Anna is 10.1 more than the balance of Ben [1].", kContradicted},
          {"The balance of Anna is 50 percent of the balance of Ben [1].", kSupported},
          {"The number of customers is 3 [1].", kSupported},
          {"The number of customers is 4 [1].", kContradicted},
          {"The total balance of the best customers is 34.3 [1].", kNotFound},
          {"The total balance is not 34.3 [1].", kNotFound},
          {"The balance of Ben is 20.2 [1].", kSupported},
          {"The balance of Ben is 10.1 [1].", kContradicted},
          {"The city of Carl is Porto [1].", kSupported},
          {"The city of Carl is Faro [1].", kContradicted},
          {"The balance is 4 [1].", kNotFound},
          {"The customers are Anna, Ben and Carl [1].", kSupported},
          {"Anna, Ben, Carl [1]", kSupported},
          {"The customers are Anna and Ben [1].", kNotFound},
          {"The customers are Anna, Ben and Dora [1].", kNotFound},
      },
      evidence);
  auto limited = tool_evidence("1", Json::object(), rows, "List the customers.");
  limited.origin.detail["sql"] = "select * from customers limit 3";
  CHECK(only(verify_with("The number of customers is 3 [1].", {limited})).verdict.kind ==
        kNotFound);
}

TEST_CASE("a difference of two figures of one thing is computed from the results that hold them") {
  const auto about = [](const char* region) { return Json{{"region", region}}; };
  const std::vector<Evidence> two{
      tool_evidence("1", about("North"), {{"revenue", 4200}}, "Get the revenue of a region."),
      tool_evidence("2", about("North"), {{"target", 5000}}, "Get the target of a region."),
      tool_evidence("3", about("South"), {{"target", 900}}, "Get the target of a region.")};
  check_rows(
      {
          {"The difference between the revenue and the target of the region North is 800 [1][2].",
           kSupported},
          {"The difference between the revenue and the target of the region North is 900 [1][2].",
           kContradicted},
          {"The difference between the revenue and the target of the region South is 800 [1][2].",
           kNotFound},
          {"The revenue of the region North is 800 less than the target [1][2].", kSupported},
          {"The revenue of the region North is 800 more than the target [1][2].", kContradicted},
          {"The target of the region North is 800 more than the revenue [1][2].", kSupported},
          {"The revenue of North is 84 percent of the target [1][2].", kSupported},
          {"The revenue of North is 85 percent of the target [1][2].", kContradicted},
          {"The difference between the revenue of North and the target of South is 3300 [1][3].",
           kNotFound},
          {"The difference between the revenue and the target of the region North is 800 [1].",
           kNotFound},
      },
      two);
  const Json rows = Json::array({{{"region", "North"}, {"revenue", 4200}, {"target", 5000}},
                                 {{"region", "South"}, {"revenue", 1000}, {"target", 900}}});
  const std::vector<Evidence> table{
      tool_evidence("1", Json::object(), rows, "Get the revenue and the target of all regions.")};
  check_rows(
      {
          {"The difference between the revenue and the target of North is 800 [1].", kSupported},
          {"The difference between the revenue and the target of South is 800 [1].", kContradicted},
          {"The difference between the revenue and the target is 800 [1].", kNotFound},
          {"The revenue of South is 100 more than the target [1].", kSupported},
      },
      table);
}

TEST_CASE("arguments may be listed in the order the tool takes them") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"a", 19}, {"b", 23}}, {{"sum", 42}}, "Add two whole numbers."),
      tool_evidence("2", {{"from", "Faro"}, {"to", "Porto"}}, {{"distance", 555}},
                    "Get the distance between two places.")};
  check_rows(
      {
          {"The sum of 19 and 23 is 42 [1].", kSupported},
          {"The sum of 19 and 23 is 43 [1].", kContradicted},
          {"The sum of 23 and 19 is 42 [1].", kNotFound},
          {"The sum of 19 and 42 is 42 [1].", kNotFound},
          {"The sum of 19 and 24 is 42 [1].", kNotFound},
          {"The distance from Porto to Faro is 555 [2].", kNotFound},
      },
      evidence);
}

TEST_CASE("evidence that was tampered with supports nothing") {
  auto evidence =
      tool_evidence("1", {{"customer", "Bruna Kelly"}}, {{"balance", 5}}, "Get the balance.");
  CHECK(only(verify_with("The balance of the customer Bruna Kelly is 5 [1].", {evidence}))
            .verdict.kind == kSupported);
  evidence.quote = "{\"balance\": 6}";
  const auto checked =
      only(verify_with("The balance of the customer Bruna Kelly is 5 [1].", {evidence}));
  CHECK(checked.verdict.kind == kNotFound);
  CHECK(checked.verdict.reason == "the quote of [1] does not match its hash");
}

TEST_CASE("a bare value of several is supported only as what was asked for") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"text", "a b c"}}, {{"words", 3}, {"lines", 1}, {"characters", 5}},
                    "Count the words, lines and characters of a text.", "word_count")};
  const std::string question = "How many words has \"a b c\"?";
  CHECK(only(verify_with("3 [1]", evidence, question)).verdict.kind == kSupported);
  for (const std::string wrong : {"5 [1]", "1 [1]", "4 [1]"}) {
    CAPTURE(wrong);
    CHECK(only(verify_with(wrong, evidence, question)).verdict.kind == kNotFound);
  }
  CHECK(only(verify_with("5 [1]", evidence, question)).verdict.reason.find("characters") !=
        std::string::npos);
  // A statement says itself which one it means.
  CHECK(only(verify_with("The characters are 5 [1].", evidence, question)).verdict.kind ==
        kSupported);
}

TEST_CASE("a bare value without a name of its own is supported beside its unit") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"amount", 5}}, {{"value", 3.1}, {"unit", "mi"}}, "Convert units.")};
  CHECK(only(verify_with("3.1 [1]", evidence, "How many miles are 5 kilometres?")).verdict.kind ==
        kSupported);
}

TEST_CASE("a bare value counts less than a statement") {
  const std::vector<Evidence> evidence{
      tool_evidence("1", {{"customer", "Bruna Kelly"}}, {{"balance", 4211.5}}, "Get the balance.")};
  const auto bare = only(verify_with("4211.5 [1]", evidence));
  const auto full =
      only(verify_with("The balance of the customer Bruna Kelly is 4211.5 [1].", evidence));
  CHECK(bare.verdict.score < full.verdict.score);
  CHECK(full.verdict.score == 1.0);
  CHECK(bare.verdict.reason.find("bare value") != std::string::npos);
  CHECK(only(verify_with("4212.5 [1]", evidence)).verdict.kind == kContradicted);
  CHECK(full.verdict.evidence.at(0).hash == sha256_hex(full.verdict.evidence.at(0).quote));
}

}  // namespace
}  // namespace orkestra::planner
