#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using Texts = std::vector<std::string>;
using testing::tool_evidence;

const std::vector<Evidence> kEvidence{
    tool_evidence("1", {{"customer", "Bruna Kelly"}}, {{"balance", 4211.5}},
                  "Get the balance of a customer.", "getBalance")};

TEST_CASE("a question is covered when the evidence accounts for its words") {
  for (const auto* question :
       {"What is the balance of the customer Bruna Kelly?", "Please tell me Bruna Kelly's balance.",
        "I need to know the balances of customer Kelly, Bruna", "Show me the balance!"}) {
    const auto coverage = question_coverage(question, kEvidence);
    CAPTURE(question);
    CHECK(coverage.missing == Texts{});
    CHECK_FALSE(coverage.covered.empty());
  }
}

TEST_CASE("what the evidence never touches is missing") {
  CHECK(question_coverage("When is the deadline of Bruna Kelly?", kEvidence).missing ==
        Texts{"deadline"});
  CHECK(question_coverage("What is the balance of Bruna Silva?", kEvidence).missing ==
        Texts{"silva"});
  CHECK(question_coverage("Which balance is over 4211.5?", kEvidence).complete() == false);
  CHECK(question_coverage("What is the balance of order 17?", kEvidence).missing ==
        Texts{"order", "17"});
  CHECK(question_coverage("What is the balance?", {}).missing == Texts{"balance"});
  CHECK(question_coverage("What is it?", {}).complete());
}

TEST_CASE("a quoted phrase must be whole") {
  const std::vector<Evidence> two{
      tool_evidence("1", {{"customer", "Bruna Kelly"}}, {{"balance", 1}}, "Get the balance."),
      tool_evidence("2", {{"customer", "Ben Silva"}}, {{"balance", 2}}, "Get the balance.")};
  CHECK(question_coverage("The balance of \"Bruna Kelly\"?", two).complete());
  CHECK(question_coverage("The balance of \"Ben Kelly\"?", two).missing == Texts{"ben kelly"});
  CHECK(question_coverage("The balance of “Kelly Ben”?", two).missing == Texts{"kelly ben"});
}

TEST_CASE("a query counts by its tables and constants, not by columns it does not return") {
  Evidence evidence = tool_evidence("1", Json::object(), {{"n", 3}}, "Run SQL.", "sql_query");
  evidence.origin.kind = Origin::Kind::kSql;
  evidence.origin.detail = {
      {"sql", "select count(*) as n from orders where status = 'open' order by deadline"},
      {"params", Json::object()}};
  CHECK(question_coverage("How many orders are open?", {evidence}).complete());
  CHECK(question_coverage("What is the deadline?", {evidence}).missing == Texts{"deadline"});
}

}  // namespace
}  // namespace orkestra::planner
