#include <orkestra/core/error.h>
#include <orkestra/planner/verify/requirement.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using Status = RequirementResult::Status;

CheckedClaim claim(std::string text, VerdictKind kind, std::vector<std::string> cited = {}) {
  CheckedClaim checked;
  checked.claim.text = std::move(text);
  checked.claim.cited = std::move(cited);
  checked.verdict.kind = kind;
  return checked;
}

TEST_CASE("word counts leave citations out") {
  const std::string answer = "The fee is 4.50 euros [1][2].";
  CHECK(check(parse_requirement("max-words: 5"), answer, {}).status == Status::kMet);
  const auto over = check(parse_requirement("max-words: 4"), answer, {});
  CHECK(over.status == Status::kNotMet);
  CHECK(over.reason == "the answer has 5 words, at most 4 are allowed");
  CHECK(check(parse_requirement("min-words: 6"), answer, {}).status == Status::kNotMet);
  CHECK(check(parse_requirement("min-words: 5"), answer, {}).status == Status::kMet);
}

TEST_CASE("patterns, mentions and citations") {
  CHECK(check(parse_requirement("regex: ^The fee"), "The fee is 5.", {}).status == Status::kMet);
  CHECK(check(parse_requirement("regex: ^fee"), "The fee is 5.", {}).status == Status::kNotMet);

  const auto mention = parse_requirement("mention: warranty");
  const auto held = claim("The warranty lasts 2 years.", VerdictKind::kSupported, {"1"});
  const auto lost = claim("The warranty lasts 3 years.", VerdictKind::kContradicted, {"1"});
  CHECK(check(mention, held.claim.text, {held}).status == Status::kMet);
  CHECK(check(mention, lost.claim.text, {lost}).status == Status::kNotMet);
  CHECK(check(mention, lost.claim.text, {lost}).reason ==
        "\"warranty\" is mentioned, but in no supported statement");
  CHECK(check(mention, "Nothing.", {}).status == Status::kNotMet);
  CHECK(check(parse_requirement("mention: warranties"), held.claim.text, {held}).status ==
        Status::kMet);

  const auto cite = parse_requirement("cite");
  const auto uncited = claim("The fee is 5.", VerdictKind::kSupported);
  CHECK(check(cite, "", {held}).status == Status::kMet);
  CHECK(check(cite, "", {held, uncited}).status == Status::kNotMet);
  CHECK(check(cite, "", {lost}).status == Status::kNotMet);
  CHECK(check(cite, "", {}).status == Status::kNotMet);
}

TEST_CASE("a schema is held against the answer as JSON") {
  const testing::ScratchFolder folder;
  const auto file = folder.file(
      "s.json",
      R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})");
  const auto schema = parse_requirement("schema: " + file.string());
  CHECK(check(schema, R"({"n": 5})", {}).status == Status::kMet);
  CHECK(check(schema, "```json\n{\"n\": 5}\n```", {}).status == Status::kMet);
  CHECK(check(schema, R"({"n": "5"})", {}).status == Status::kNotMet);
  CHECK(check(schema, "five", {}).status == Status::kNotMet);
  CHECK(check(schema, "```\n{", {}).status == Status::kNotMet);
}

TEST_CASE("free text stays undecided, nonsense is refused with the kinds there are") {
  CHECK(check(parse_requirement("Be kind."), "Hello.", {}).status == Status::kUndecided);
  CHECK(parse_requirement("note: be kind").kind == Requirement::Kind::kFreeText);
  for (const auto* text :
       {"", "  ", "max-words: many", "max-words:", "regex: (", "regex:", "mention:", "cite: all",
        "schema:", "schema: /nowhere.json", "max-words: -1"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_requirement(text), Error);
  }
  CHECK_THROWS_WITH(parse_requirement("max-words: many"), Catch::Contains("\"mention: WORDS\""));
}

TEST_CASE("requirements survive their JSON") {
  for (const auto* text : {"max-words: 5", "regex: ^a", "mention: x y", "cite", "Be kind."}) {
    const auto requirement = parse_requirement(text);
    const auto again = requirement_from_json(parse_json(dump_json(to_json(requirement))));
    CHECK(to_json(again) == to_json(requirement));
    CHECK(again.kind == requirement.kind);
  }
  CHECK_THROWS_AS(requirement_from_json({{"name", 5}}), Error);
  const auto result = to_json(check(parse_requirement("max-words: 1"), "a b", {}));
  CHECK(result.at("status") == "not_met");
}

}  // namespace
}  // namespace orkestra::planner
