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
  CHECK(question_coverage("The balance of 'Ben Silva'?", two).complete());
  CHECK(question_coverage("The balance of 'Kelly Ben'?", two).missing == Texts{"kelly ben"});
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

TEST_CASE("other words for a thing count, where they can mean nothing else at hand") {
  const auto about = [](const std::string& name, const Json& value, const std::string& said) {
    return std::vector<Evidence>{
        tool_evidence("1", {{"customer", "Kelly"}}, {{name, value}}, said, "find_" + name)};
  };
  const auto price = about("price", 12, "Get the price for a customer.");
  const auto director = about("director", "Ann Bell", "Who directs a warehouse.");
  const auto deadline = about("deadline", "2025-01-02", "Get the deadline of an order.");
  CHECK(question_coverage("What does Kelly cost?", price).complete());
  CHECK(question_coverage("What must I pay for Kelly?", price).complete());
  CHECK(question_coverage("Who is in charge of Kelly?", director).complete());
  CHECK(question_coverage("Name of Kelly's director, please", director).complete());
  CHECK(question_coverage("By what date is Kelly due?", deadline).complete());
  CHECK(question_coverage("hi, can u check the deadline of Kelly pls", deadline).complete());
  CHECK(question_coverage("What happened to Kelly?", price).missing == Texts{"happened"});
  CHECK(question_coverage("To whom does Kelly belong?", price).missing == Texts{"belong"});
  CHECK(question_coverage("Where is Kelly?", price).missing == Texts{"where"});
  CHECK(question_coverage("Who manages Kelly?", price).missing == Texts{"manages"});

  SECTION("not where another tool speaks of the very word") {
    CHECK(question_coverage("What does Kelly cost?", price, {.elsewhere = {"Get the cost."}})
              .missing == Texts{"cost"});
  }
  SECTION("not where the word may mean what another tool gives") {
    CHECK(question_coverage("What does Kelly cost?", price, {.elsewhere = {"Get the fee."}})
              .missing == Texts{"cost"});
    CHECK(question_coverage("Who runs Kelly?", director, {.elsewhere = {"Find the manager."}})
              .missing == Texts{"runs"});
  }
}

TEST_CASE("whether something is so is answered by how it is") {
  const std::vector<Evidence> low{tool_evidence("1", {{"customer", "Kelly"}}, {{"priority", "low"}},
                                                "Get the priority of a customer.")};
  CHECK(question_coverage("Is Kelly a high priority customer?", low).complete());
  CHECK(question_coverage("Is Kelly a high balance customer?", low).missing ==
        Texts{"high", "balance"});
  CHECK(question_coverage("Which customer has a high priority?", low).missing == Texts{"high"});
  CHECK(question_coverage("Is Kelly rich?", low).missing == Texts{"rich"});
}

Evidence said(const std::string& text) {
  Evidence evidence;
  evidence.quote = text;
  evidence.value = text;
  return evidence;
}

TEST_CASE("a figure is met by the tightest bound that holds for it") {
  const std::string five = "A discount of up to 5 percent is decided by the salesperson.";
  const std::string fifteen = "A discount of up to 15 percent is decided by the director.";
  const std::string large = "A discount of more than 15 percent is decided by the management.";
  const AtHand all{.texts = {five + " " + fifteen + " " + large}};
  const auto answers = [&](const std::string& text, const std::string& question) {
    return question_coverage(question, {said(text)}, all).complete();
  };
  CHECK(answers(fifteen, "Who decides about a discount of 10 percent?"));
  CHECK_FALSE(answers(five, "Who decides about a discount of 10 percent?"));
  CHECK_FALSE(answers(large, "Who decides about a discount of 10 percent?"));
  CHECK(answers(five, "Who decides about a discount of 3 percent?"));
  CHECK_FALSE(answers(fifteen, "Who decides about a discount of 3 percent?"));
  CHECK(answers(large, "Who decides about a discount of 20 percent?"));
  CHECK_FALSE(answers(fifteen, "Who decides about a discount of 10 euros?"));
  CHECK(question_coverage("How is a journey of 300 km made?",
                          {said("Journeys of up to 600 kilometres are made by train.")})
            .complete());
}

TEST_CASE("a text that holds under further conditions does not answer a question with fewer") {
  const auto plan = said("A region that misses its target presents a plan.");
  const auto twice = said("When a region misses its target twice in a row, discounts end.");
  const auto first = said("When a region misses its target, it presents a plan.");
  const std::string question = "What happens when a region misses its target?";
  CHECK(question_coverage(question, {plan}).complete());
  CHECK(question_coverage(question, {first}).complete());
  CHECK(question_coverage(question, {twice}).further.size() == 1);
  CHECK_FALSE(question_coverage(question, {twice}).complete());
  CHECK(question_coverage("When do discounts end?", {twice}).complete());
}

TEST_CASE("courtesies and words of asking are not asked for, the same words as things are") {
  for (const auto* question :
       {"Sorry to bother you. What is the balance of Kelly? Be brief.",
        "Quick question: Kelly's balance", "I need the balance of Kelly. It is urgent.",
        "We are missing the balance of Kelly.", "For my report: return the balance of Kelly.",
        "I mean the balance. I have to know today."}) {
    CAPTURE(question);
    CHECK(question_coverage(question, kEvidence).missing == Texts{});
  }
  const auto list = said("The lawyer keeps a list of all tenders.");
  CHECK(question_coverage("What does a tender need?", {list}).missing == Texts{"need"});
  const auto pays = said("For a vacancy one pays 381 euros.");
  CHECK(question_coverage("How much does one pay for a return?", {pays}).missing ==
        Texts{"return"});
  CHECK(question_coverage("Is the balance of Kelly urgent?", kEvidence).missing == Texts{"urgent"});
}

TEST_CASE("how long is met by a length of time, not by anything") {
  const auto set = said("The pace of Kelly was set to 2015-09-21.");
  CHECK(question_coverage("How long is Kelly?", {set}).missing == Texts{"long"});
}

TEST_CASE("verbs count in all their forms") {
  CHECK(question_coverage("Do you send an order?", {said("An order is not sent.")}).complete());
  CHECK(question_coverage("Who approves a flight?", {said("A flight needs an approval.")})
            .complete());
  CHECK(question_coverage("How long may I take to send back a device?",
                          {said("A device can be returned within 30 days.")})
            .complete());
}

}  // namespace
}  // namespace orkestra::planner
