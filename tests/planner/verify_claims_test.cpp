#include <orkestra/planner/verify/verifier.h>
#include <orkestra/tests/catch.h>

#include <random>
#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using Texts = std::vector<std::string>;

Texts texts(std::string_view answer) {
  Texts out;
  for (const auto& claim : split_claims(answer)) out.push_back(claim.text);
  return out;
}

TEST_CASE("an answer is split into its sentences") {
  CHECK(texts("The fee is 4.50. It is due on 3 May.") ==
        Texts{"The fee is 4.50.", "It is due on 3 May."});
  CHECK(texts("Dr. J. Smith met Mrs. Lee. They agreed.") ==
        Texts{"Dr. J. Smith met Mrs. Lee.", "They agreed."});
  CHECK(texts("See No. 5 on p. 12, e.g. the table.") ==
        Texts{"See No. 5 on p. 12, e.g. the table."});
  CHECK(texts("It costs 5. No refunds are given.") ==
        Texts{"It costs 5.", "No refunds are given."});
  CHECK(texts("Open at 9 a.m. on Mondays. Closed at 5 p.m. The desk is on floor 2.") ==
        Texts{"Open at 9 a.m. on Mondays.", "Closed at 5 p.m.", "The desk is on floor 2."});
  CHECK(texts("\"Is it open?\" He said yes!") == Texts{"\"Is it open?\"", "He said yes!"});
  CHECK(texts("One sentence\nover two lines.\n\nAnother paragraph") ==
        Texts{"One sentence over two lines.", "Another paragraph"});
  CHECK(texts("Version 2.1.3 of a.b@c.org costs 1,200.50 (net).") ==
        Texts{"Version 2.1.3 of a.b@c.org costs 1,200.50 (net)."});
}

TEST_CASE("lists are claims without their markers, and no figure is lost to one") {
  CHECK(texts("- The fee is 5.\n- The fine is 9.") == Texts{"The fee is 5.", "The fine is 9."});
  CHECK(texts("1. The fee is 5.\n2. The fine is 9.") == Texts{"The fee is 5.", "The fine is 9."});
  CHECK(texts("5. That is the number of orders.").front() == "5.");
  CHECK(texts("12. Orders are open.") == Texts{"12.", "Orders are open."});
}

TEST_CASE("citations leave the text and are kept") {
  const auto claims = split_claims("The fee is 5 [1][2]. It is due [3, 1]. Bare 7. [4] Then more.");
  REQUIRE(claims.size() == 4);
  CHECK(claims[0].text == "The fee is 5.");
  CHECK(claims[0].cited == Texts{"1", "2"});
  CHECK(claims[1].cited == Texts{"3", "1"});
  CHECK(claims[2].text == "Bare 7.");
  CHECK(claims[2].cited == Texts{"4"});
  CHECK(claims[3].cited.empty());
  CHECK(texts("4211[1]5") == Texts{"4211 5"});
  CHECK(texts("an array [x] and [12345]") == Texts{"an array [x] and [12345]"});
}

TEST_CASE("a bare value is one claim, greetings and questions are claims, emptiness is none") {
  const auto claims = split_claims("4211.5 [1]");
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].text == "4211.5");
  CHECK(claims[0].cited == Texts{"1"});
  CHECK(texts("Hello!").size() == 1);
  CHECK(texts("Yes.").size() == 1);
  CHECK(texts("Is it?").size() == 1);
  CHECK(texts("").empty());
  CHECK(texts(" ... --- [1] \n***\n").empty());
}

TEST_CASE("every word and figure of an answer is in some claim") {
  std::mt19937 random(11);
  static constexpr std::string_view kParts[] = {
      "The fee is 5", ". ",          "! ",   "\n",     "\n\n",  "- ",    "1. ", "2. ",
      "# ",           "| a | 7 |\n", " [1]", "4211.5", " Dr. ", "e.g. ", "(x)", "---\n",
      "\"q\"",        "? ",          "> ",   "J. ",    " and ", "Ä"};
  for (int round = 0; round < 2000; ++round) {
    std::string answer;
    const std::size_t parts = random() % 12;
    for (std::size_t i = 0; i < parts; ++i) answer += kParts[random() % std::size(kParts)];
    CAPTURE(answer);
    std::size_t last = 0;
    std::string covered;
    for (const auto& claim : split_claims(answer)) {
      REQUIRE(claim.begin >= last);
      REQUIRE(claim.end <= answer.size());
      REQUIRE(claim.begin < claim.end);
      covered += answer.substr(claim.begin, claim.end - claim.begin);
      last = claim.end;
    }
    const auto occurrences = [](const std::string& text, std::string_view what) {
      std::size_t n = 0;
      for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++n;
      return n;
    };
    for (const auto* what : {"fee", "4211.5", "7", "Ä", "J", "q"}) {
      REQUIRE(occurrences(covered, what) == occurrences(answer, what));
    }
  }
}

}  // namespace
}  // namespace orkestra::planner
