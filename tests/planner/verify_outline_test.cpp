#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/outline.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <map>

namespace orkestra::planner {
namespace {

using testing::ScratchFolder;

// Knows the outlines of a few sentences, as a model would read them.
class FixedReader final : public OutlineReader {
 public:
  explicit FixedReader(std::map<std::string, Outline> known) : known_(std::move(known)) {}
  Outline read_question(const std::string& question, const Limits&) override {
    return look_up(question);
  }
  std::vector<Outline> read_statements(const std::vector<std::string>& statements,
                                       const Limits&) override {
    std::vector<Outline> out;
    for (const std::string& statement : statements) out.push_back(look_up(statement));
    return out;
  }

 private:
  Outline look_up(const std::string& sentence) const {
    const auto found = known_.find(sentence);
    return found == known_.end() ? Outline{} : found->second;
  }

  std::map<std::string, Outline> known_;
};

Outline outline(std::string what, std::string of, std::string is = {}, std::string with = {}) {
  return {std::move(what), std::move(of), std::move(with), std::move(is), 0.9};
}

VerdictKind kind(const Outline& claim, const Outline& sentence) {
  return judge_outlines(claim, sentence).kind;
}

std::vector<std::string> missing(const std::string& question, const Outline& read,
                                 const Outline& statement, const std::string& text) {
  Evidence evidence;
  evidence.quote = text;
  evidence.value = text;
  return question_coverage(question, {evidence}, {}, {.question = read, .statements = {statement}})
      .missing;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("outlines of one thing and property agree or differ in their value") {
  const Outline claim = outline("price", "device Zor", "300");
  CHECK(kind(claim, outline("price", "Zor", "300")) == VerdictKind::kSupported);
  CHECK(kind(claim, outline("prices", "the device Zor", "300.0")) == VerdictKind::kSupported);
  CHECK(kind(claim, outline("price", "Zor", "301")) == VerdictKind::kContradicted);
  // It may be the same, said more exactly.
  CHECK(kind(claim, outline("price", "Zor", "300 euros")) == VerdictKind::kNotFound);
  CHECK(kind(outline("owner", "Zor", "Anna"), outline("owner", "Zor", "Anna Kelly")) ==
        VerdictKind::kNotFound);
}

TEST_CASE("outlines of other things, properties and conditions say nothing") {
  const Outline claim = outline("price", "device Zor", "300");
  CHECK(kind(claim, outline("weight", "device Zor", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("unit price", "device Zor", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "ship Zor", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "device Zora", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "Big Zor", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "former device Zor", "300")) == VerdictKind::kNotFound);
  CHECK(kind(outline("price", "Ben", "300"), outline("price", "Anna's brother Ben", "300")) ==
        VerdictKind::kNotFound);
  CHECK(kind(outline("price", "director Ben", "300"),
             outline("price", "former director Ben", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "device", "300")) == VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "Zor", "300", "in 2019")) == VerdictKind::kNotFound);
  CHECK(kind(outline("price", "Zor", "300", "in 2019"), outline("price", "Zor", "300")) ==
        VerdictKind::kNotFound);
  CHECK(kind(claim, outline("price", "device Zor")) == VerdictKind::kNotFound);
  CHECK(kind(outline("price", "", "300"), outline("price", "", "300")) == VerdictKind::kNotFound);
}

TEST_CASE("an outline is trusted where the rest of the sentence can't change it") {
  const Outline read = outline("price", "Zor", "300");
  const auto trusted = [&](const std::string& sentence) { return is_trusted(read, sentence); };
  CHECK(trusted("We note 300 as the price of Zor."));
  CHECK(trusted("According to the list, the price of Zor was set to 300."));
  CHECK(trusted("In this year the price of Zor is 300."));
  CHECK(trusted("Zor comes with the price 300."));
  CHECK_FALSE(trusted("The price of Zor was 300."));
  CHECK_FALSE(trusted("The price of Zor will be 300."));
  CHECK_FALSE(trusted("The price of Zor was never set to 300."));
  CHECK_FALSE(trusted("The price of Zor per year is 300."));
  CHECK_FALSE(trusted("We don't note 300 as the price of Zor."));
  CHECK_FALSE(trusted("300 may be the price of Zor."));
  CHECK_FALSE(trusted("Anna says 300 is the price of Zor."));
  CHECK_FALSE(trusted("According to Anna the price of Zor is 300."));
  CHECK_FALSE(trusted("The price of Zor is 300 or 400."));
  CHECK_FALSE(trusted("The price of Zor is 300 if it rains."));
  CHECK_FALSE(trusted("The price of Zor is about 300."));
  // Its parts must stand there, as whole words, and the reader must be sure.
  CHECK_FALSE(trusted("We note 3001 as the price of Zor."));
  CHECK_FALSE(is_trusted(outline("", "Zor", "300"), "300 for Zor."));
  Outline unsure = read;
  unsure.sureness = 0.1;
  CHECK_FALSE(is_trusted(unsure, "We note 300 as the price of Zor."));
}

TEST_CASE(
    "a claim in other words is supported, or contradicted, by the sentence it was read from") {
  const ScratchFolder folder;
  const auto file = folder.file("list.md",
                                "We note 300 as the price of Zor. The weight of Zor is 12.\n\n"
                                "Nobody knows that 40 is the age of Zor.\n");
  FixedReader reader({
      {"The device Zor has a price of 300.", outline("price", "device Zor", "300")},
      {"The device Zor has a price of 310.", outline("price", "device Zor", "310")},
      {"Zor has an age of 40.", outline("age", "Zor", "40")},
      {"We note 300 as the price of Zor.", outline("price", "Zor", "300")},
      {"Nobody knows that 40 is the age of Zor.", outline("age", "Zor", "40")},
  });
  const auto verdict = [&](const std::string& claim, OutlineReader* outlines) {
    std::vector<std::unique_ptr<Source>> sources;
    sources.push_back(make_document_source(file));
    return testing::only(verify(claim, sources, Limits{}, {}, outlines)).verdict;
  };
  const Verdict held = verdict("The device Zor has a price of 300.", &reader);
  CHECK(held.kind == VerdictKind::kSupported);
  CHECK(held.reason == "the source says so in other words: price of device Zor: 300");
  REQUIRE(held.evidence.size() == 1);
  CHECK(held.evidence[0].quote == "We note 300 as the price of Zor.");
  CHECK(verdict("The device Zor has a price of 310.", &reader).kind == VerdictKind::kContradicted);
  CHECK(verdict("Zor has an age of 40.", &reader).kind == VerdictKind::kNotFound);
  CHECK(verdict("The device Zor has a price of 300.", nullptr).kind == VerdictKind::kNotFound);
}

TEST_CASE("words beside the outline of a question need no answer") {
  const Outline asked = outline("price", "device Zor");
  const Outline said = outline("price", "device Zor", "300");
  const std::string text = "The price of the device Zor is 300.";
  CHECK(missing("I forgot the price of the device Zor.", asked, said, text) == Texts{});
  CHECK(missing("Name the price recorded for the device Zor.", asked, said, text) == Texts{});
  // What begins a condition, and what follows the outline, may be asked for.
  CHECK(missing("With kids in mind, name the price of the device Zor.", asked, said, text) ==
        Texts{"kids", "mind"});
  CHECK(missing("I forgot the price of the device Zor abroad.", asked, said, text) ==
        Texts{"abroad"});
  CHECK(missing("I forgot the tax among the price of the device Zor.", asked, said, text) ==
        Texts{"tax"});
  // What tells of who asks is no condition.
  CHECK(missing("I'm filling in a form and have to put down the price of the device Zor.", asked,
                said, text) == Texts{});
  CHECK(missing("I can't remember the price of the device Zor, can you remind me?", asked, said,
                text) == Texts{});
  CHECK(missing("Which price do we have on file for the device Zor?", asked, said, text) ==
        Texts{});
  CHECK(missing("If we pay early, what is the price of the device Zor?", asked, said, text) ==
        Texts{"early"});
  CHECK(missing("What is the price of the device Zor, not of my boat?", asked, said, text).size() >=
        1);
  CHECK(missing("What is the price of the device Zor, without tax?", asked, said, text) ==
        Texts{"without", "tax"});
  CHECK(missing("Weight of the price of the device Zor?", asked, said, text) == Texts{"weight"});
  CHECK(missing("I forgot something. The price of the device Zor?", asked, said, text) ==
        Texts{"forgot", "something"});
  CHECK(missing("I forgot the price of the device Zor.", {}, said, text) == Texts{"forgot"});
  // Names, figures and conditions stay, whatever was read.
  CHECK(missing("I forgot the price of the device Zor in Lisbon.", asked, said, text) ==
        Texts{"lisbon"});
  CHECK(missing("I forgot the price of the device Zor in 2019.", asked, said, text) ==
        Texts{"2019"});
  CHECK(missing("I forgot the expected price of the device Zor.", asked, said, text) ==
        Texts{"expected"});
  CHECK(missing("I forgot the weight of the device Zor.", outline("weight", "device Zor"), said,
                text) == Texts{"weight"});
}

TEST_CASE("a statement may call the thing by its name alone, but no other kind of thing") {
  const Outline asked = outline("price", "device Zor");
  const std::string question = "What is the price of the device Zor?";
  CHECK(missing(question, asked, outline("price", "Zor", "300"), "The price of Zor is 300.") ==
        Texts{});
  CHECK(missing(question, asked, outline("price", "ship Zor", "300"),
                "The price of the ship Zor is 300.") == Texts{"device"});
  CHECK(missing(question, asked, {}, "The price of Zor is 300.") == Texts{"device"});
}

}  // namespace orkestra::planner
