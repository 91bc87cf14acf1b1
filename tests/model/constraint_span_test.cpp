#include <orkestra/core/error.h>
#include <orkestra/core/json.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/constraint/copy_sources.h>
#include <orkestra/model/text/constraint/span_index.h>
#include <orkestra/model/text/constraint/suffix_array.h>
#include <orkestra/tests/catch.h>

#include <random>
#include <set>

namespace orkestra::model {
namespace {

bool allows(const Constraint& constraint, std::string_view text) {
  ConstraintMatcher matcher(ConstraintAutomaton::compile(constraint));
  return matcher.accept(text) && matcher.complete();
}

TEST_CASE("spans: whole words of a source, verbatim") {
  const Constraint span = Constraint::span(
      {{"1", "The ship (Blue Moon) costs 4,200.50 or -5, on 2024-05-01; n\xC3\xA4he A.B."}});
  for (const char* text :
       {"The", "ship", "Blue Moon", "(Blue Moon)", "4,200.50", "-5", "costs 4,200.50", "2024-05-01",
        "2024", "05", "n\xC3\xA4he", "A.B", "A.B.", "A", "The ship (Blue Moon) costs"}) {
    INFO(text);
    CHECK(allows(span, text));
  }
  for (const char* text : {"", "Th", "he", "ship ", " ship", "blue Moon", "4", "200", "4,200", "5",
                           "50", ".50", "n\xC3", "n", "he A", "The Moon", "2024-0"}) {
    INFO(text);
    CHECK_FALSE(allows(span, text));
  }
}

TEST_CASE("spans: rules on length and edges") {
  const std::vector<SpanSource> sources{{"1", "alpha beta"}, {"2", "gamma"}};
  const Constraint three = Constraint::span(sources, {.min_bytes = 5, .max_bytes = 7});
  CHECK(allows(three, "alpha"));
  CHECK(allows(three, "gamma"));
  CHECK_FALSE(allows(three, "beta"));
  CHECK_FALSE(allows(three, "alpha beta"));
  CHECK_FALSE(allows(three, "beta gamma"));  // no span reaches from one source into the next
  const Constraint loose = Constraint::span(sources, {.whole_words = false});
  CHECK(allows(loose, "lpha b"));
  CHECK(allows(loose, " "));
  CHECK_FALSE(allows(Constraint::span({{"1", "\xC3\xA9"}}, {.whole_words = false}), "\xC3"));
  CHECK(allows(Constraint::span({{"1",
                                  "ab\xFF"
                                  "cd"}}),
               "cd"));
  CHECK_FALSE(allows(Constraint::span({{"1",
                                        "ab\xFF"
                                        "cd"}}),
                     "ab\xFF"));
  CHECK_THROWS_AS(ConstraintAutomaton::compile(Constraint::span({{"1", " \n"}})), Error);
  CHECK_THROWS_AS(
      ConstraintAutomaton::compile(Constraint::span({{"1", std::string(9 << 20, 'a')}})), Error);
}

TEST_CASE("spans: white space that counts as one space") {
  const std::vector<SpanSource> sources{{"1", "The  price\n\tis\r\n 5.  "}};
  const Constraint loose = Constraint::span(sources, {.one_space = true});
  for (const char* text : {"The price", "price is 5", "is 5.", "The price is 5."}) {
    INFO(text);
    CHECK(allows(loose, text));
  }
  CHECK_FALSE(allows(loose, "The  price"));
  CHECK_FALSE(allows(loose, "The price "));
  CHECK(allows(Constraint::span(sources), "The  price"));
}

TEST_CASE("suffixes are sorted whatever the text") {
  std::mt19937 random(9);
  std::vector<std::string> texts{"",
                                 "a",
                                 "aa",
                                 "ab",
                                 "ba",
                                 std::string(5000, 'a'),
                                 "abababababab",
                                 std::string(300, 'b') + std::string(300, 'a')};
  for (int i = 0; i < 300; ++i) {
    std::string text(random() % 60, ' ');
    const unsigned letters = 1 + random() % 4;
    for (char& c : text) c = static_cast<char>('a' + random() % letters);
    if (i % 5 == 0) text += std::string("\0\xFF\0", 3) + text;
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    const std::vector<std::uint32_t> order = suffix_array(text);
    REQUIRE(order.size() == text.size());
    for (std::size_t i = 1; i < order.size(); ++i) {
      REQUIRE(std::string_view(text).substr(order[i - 1]) <
              std::string_view(text).substr(order[i]));
    }
  }
}

TEST_CASE("spans: exactly the substrings that rules allow") {
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    std::string source;
    const std::size_t length = 1 + random() % 24;
    for (std::size_t i = 0; i < length; ++i) source += "ab1.,- \"\\\n"[random() % 10];
    std::set<std::string> wanted;
    const auto space = [](char c) { return c == ' ' || c == '\n'; };
    for (std::size_t begin = 0; begin < length; ++begin) {
      for (std::size_t end = begin + 1; end <= length; ++end) {
        if (!inside_word(source, begin) && !inside_word(source, end) && !space(source[begin]) &&
            !space(source[end - 1])) {
          wanted.insert(source.substr(begin, end - begin));
        }
      }
    }
    if (wanted.empty()) continue;
    const auto plain = ConstraintAutomaton::compile(Constraint::span({{"1", source}}));
    const auto json = ConstraintAutomaton::compile(
        Constraint::json_schema({{"type", "string"}, {"x-copy", true}}, {{"1", source}}));
    for (std::size_t begin = 0; begin < length; ++begin) {
      for (std::size_t end = begin; end <= length; ++end) {
        const std::string text = source.substr(begin, end - begin);
        INFO("'" << text << "' of '" << source << "'");
        ConstraintMatcher matcher(plain);
        REQUIRE((matcher.accept(text) && matcher.complete()) == wanted.contains(text));
        ConstraintMatcher quoted(json);
        REQUIRE((quoted.accept(dump_json(Json(text))) && quoted.complete()) ==
                wanted.contains(text));
      }
    }
  }
}

TEST_CASE("x-copy: numbers stand in the request as whole words") {
  const std::vector<SpanSource> sources{
      {"request", "Add 4,200 and -3.50 to 007, 1,2,3 not v12b, 2024-05-01, 1.2.3 or x34567."}};
  const auto numbers = numbers_in(sources, false);
  const std::set<std::string> found(numbers.begin(), numbers.end());
  for (const char* number : {"4200", "-3.50", "7", "1", "2", "3", "2024"}) {
    INFO(number);
    CHECK(found.contains(number));
  }
  for (const char* number : {"4", "200", "3.50", "007", "12", "1.2", "34567"}) {
    INFO(number);
    CHECK_FALSE(found.contains(number));
  }
  const Constraint number =
      Constraint::json_schema({{"type", "number"}, {"x-copy", true}}, sources);
  CHECK(allows(number, "4200"));
  CHECK_FALSE(allows(number, "42"));
  CHECK_FALSE(allows(number, "4201"));
  const Constraint integer =
      Constraint::json_schema({{"type", "integer"}, {"x-copy", true}}, sources);
  CHECK_FALSE(allows(integer, "-3.50"));
  CHECK(allows(integer, "7"));
}

TEST_CASE("x-domain: only values that exist; with x-copy those the request names") {
  const Json domain = {"North", "North East", "South", 7};
  const Json both = {{"x-domain", domain}, {"x-copy", true}};
  const std::vector<SpanSource> named{{"request", "Sales of north east, not Southern, in 7?"}};
  CHECK(allows(Constraint::json_schema({{"x-domain", domain}}, named), "\"South\""));
  CHECK_FALSE(allows(Constraint::json_schema({{"x-domain", domain}}, named), "\"West\""));
  CHECK(allows(Constraint::json_schema(both, named), "\"North East\""));
  CHECK(allows(Constraint::json_schema(both, named), "7"));
  CHECK_FALSE(allows(Constraint::json_schema(both, named), "\"north east\""));
  CHECK_FALSE(allows(Constraint::json_schema(both, named), "\"South\""));
  // None is named: all are allowed.
  CHECK(allows(Constraint::json_schema(both, {{"request", "Sales?"}}), "\"South\""));
}

TEST_CASE("x-copy: a tool whose argument no source can fill is not offered") {
  const auto tool = [](const char* name, const char* type) {
    return Constraint::sequence(
        {Constraint::literal(name),
         Constraint::json_schema({{"type", type}, {"x-copy", true}}, {{"request", "no figures"}})});
  };
  const Constraint tools = Constraint::any_of({tool("add:", "number"), tool("find:", "string")});
  CHECK(allows(tools, "find:\"figures\""));
  ConstraintMatcher matcher(ConstraintAutomaton::compile(tools));
  CHECK_FALSE(matcher.accept("a"));
  CHECK_THROWS_AS(ConstraintAutomaton::compile(tool("add:", "number")), Error);
  // An optional argument that can't be filled is left out.
  const Constraint optional = Constraint::json_schema(
      Json::parse(R"({"properties":{"n":{"type":"number","x-copy":true}}})"),
      {{"request", "no figures"}});
  CHECK(allows(optional, "{}"));
  CHECK_FALSE(allows(optional, "{\"n\":1}"));
}

}  // namespace
}  // namespace orkestra::model
