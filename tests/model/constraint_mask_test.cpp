#include <orkestra/model/text/chat/tool_call_text.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <algorithm>
#include <random>

namespace orkestra::model {
namespace {

using test::add_tool;
using test::nano_tokenizer;
using test::price_tool;

std::vector<std::uint8_t> brute_force(const Tokenizer& tokenizer,
                                      const ConstraintMatcher& matcher) {
  std::vector<std::uint8_t> allowed(static_cast<std::size_t>(tokenizer.size()), 0);
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    const TokenKind kind = tokenizer.kind(id);
    if (kind != TokenKind::kNormal && kind != TokenKind::kUserDefined && kind != TokenKind::kByte) {
      continue;
    }
    ConstraintMatcher copy = matcher;
    allowed[static_cast<std::size_t>(id)] =
        !tokenizer.bytes(id).empty() && copy.accept(tokenizer.bytes(id)) ? 1 : 0;
  }
  if (matcher.complete()) {
    for (const TokenId stop : tokenizer.stops()) allowed[static_cast<std::size_t>(stop)] = 1;
  }
  return allowed;
}

std::vector<Constraint> constraints() {
  const std::vector<SpanSource> sources{
      {"request", "What is the price of the ship Stainstend \"Waishvon\" at 4,200 or -12.5?"}};
  return {
      Constraint::text(),
      Constraint::literal("The price is 12."),
      Constraint::choices({"yes", "no", "no idea"}),
      Constraint::span(sources),
      Constraint::span(sources, {.max_bytes = 9, .whole_words = false}),
      Constraint::json_schema(true),
      Constraint::json_schema({{"type", "string"}, {"maxLength", 8}}),
      Constraint::json_schema({{"type", "integer"}, {"minimum", -17}, {"maximum", 2024}}),
      Constraint::json_schema(
          Json::parse(R"({"type":"object","properties":{"a":{"type":"number"},"b":{"enum":["x",
              "xy"]},"c":{"type":"array","items":{"type":"boolean"},"maxItems":2}},
              "required":["c"]})")),
      expand_tool_calls(Constraint::tool_call({price_tool(), add_tool()}, sources),
                        ToolCallStyle::kNano),
      Constraint::sequence({Constraint::literal("The ship "), Constraint::span(sources),
                            Constraint::text(), Constraint::literal(" [1]")}),
  };
}

TEST_CASE("masks: every token is allowed exactly when its bytes are, on random walks") {
  const auto tokenizer = nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  std::mt19937 random(13);
  std::vector<std::uint8_t> allowed;
  for (const Constraint& constraint : constraints()) {
    const auto automaton = ConstraintAutomaton::compile(constraint);
    for (int walk = 0; walk < 6; ++walk) {
      ConstraintMatcher matcher(automaton);
      for (int step = 0; step < 25; ++step) {
        trie.mask(matcher, allowed);
        REQUIRE(allowed == brute_force(*tokenizer, matcher));
        std::vector<TokenId> choices;
        for (TokenId id = 0; id < tokenizer->size(); ++id) {
          const bool text = !tokenizer->bytes(id).empty();
          if (text && allowed[static_cast<std::size_t>(id)] != 0) choices.push_back(id);
        }
        if (choices.empty()) break;
        REQUIRE(matcher.accept(tokenizer->bytes(choices[random() % choices.size()])));
      }
    }
  }
}

TEST_CASE("masks: a matcher never leads into a dead end") {
  const auto tokenizer = nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  std::mt19937 random(17);
  std::vector<std::uint8_t> allowed;
  for (const Constraint& constraint : constraints()) {
    const auto automaton = ConstraintAutomaton::compile(constraint);
    for (int walk = 0; walk < 20; ++walk) {
      ConstraintMatcher matcher(automaton);
      for (int step = 0; step < 60; ++step) {
        trie.mask(matcher, allowed);
        std::vector<TokenId> choices;
        for (TokenId id = 0; id < tokenizer->size(); ++id) {
          if (allowed[static_cast<std::size_t>(id)] != 0) choices.push_back(id);
        }
        REQUIRE_FALSE(choices.empty());
        const TokenId id = choices[random() % choices.size()];
        if (tokenizer->kind(id) == TokenKind::kControl) break;  // a stop: the walk is done
        REQUIRE(matcher.accept(tokenizer->bytes(id)));
      }
    }
  }
}

TEST_CASE("masks: control tokens only where the output may end") {
  const auto tokenizer = nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  std::vector<std::uint8_t> allowed;
  ConstraintMatcher matcher(ConstraintAutomaton::compile(Constraint::literal("a")));
  trie.mask(matcher, allowed);
  CHECK(allowed[7] == 0);
  REQUIRE(matcher.accept("a"));
  trie.mask(matcher, allowed);
  CHECK(allowed[7] == 1);
  const std::vector<TokenId>& stops = tokenizer->stops();
  CHECK(std::count(allowed.begin(), allowed.end(), 1) == static_cast<std::ptrdiff_t>(stops.size()));
  trie.mask(ConstraintMatcher(ConstraintAutomaton::compile(Constraint::text())), allowed);
  for (TokenId id = 0; id < tokenizer->size(); ++id) {
    const TokenKind kind = tokenizer->kind(id);
    const bool text =
        kind == TokenKind::kNormal || kind == TokenKind::kUserDefined || kind == TokenKind::kByte;
    const bool stop = std::find(stops.begin(), stops.end(), id) != stops.end();
    CHECK(allowed[static_cast<std::size_t>(id)] == (text || stop ? 1 : 0));
  }
}

TEST_CASE("forced bytes: what must come next, up to the next choice") {
  const auto forced = [](const Constraint& constraint, std::string_view written) {
    ConstraintMatcher matcher(ConstraintAutomaton::compile(constraint));
    REQUIRE(matcher.accept(written));
    return matcher.forced_bytes();
  };
  const Constraint call = Constraint::json_schema(
      Json::parse(R"({"type":"object","properties":{"region":{"enum":["North","Norway"]},
          "year":{"const":2024}},"required":["region","year"]})"));
  CHECK(forced(call, "") == R"({"region":"Nor)");
  CHECK(forced(call, R"({"region":"North)") == R"(","year":2024})");
  CHECK(forced(Constraint::choices({"yes", "yes it is"}), "") == "yes");
  CHECK(forced(Constraint::choices({"yes", "yes it is"}), "yes").empty());  // it may end here
  CHECK(forced(Constraint::text(), "").empty());
  CHECK(forced(Constraint::span({{"1", "Blue Moon"}}), "B") == "lue");
  ConstraintMatcher matcher(ConstraintAutomaton::compile(Constraint::literal("abcdef")));
  CHECK(matcher.forced_bytes(3) == "abc");
  CHECK(matcher.accept("abc"));
  CHECK(matcher.forced_bytes() == "def");
}

TEST_CASE("masks: long outputs keep their cost") {
  ConstraintMatcher matcher(ConstraintAutomaton::compile(Constraint::json_schema(true)));
  REQUIRE(matcher.accept("["));
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t before = matcher.work();
    REQUIRE(matcher.accept("[{\"a\":[1,2]}],"));
    last = matcher.work() - before;
    if (i == 0) first = last;
  }
  CHECK(last <= first);
}

TEST_CASE("masks: what a mask costs doesn't grow with the size of the vocabulary inside a string") {
  const auto tokenizer = nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  ConstraintMatcher matcher(ConstraintAutomaton::compile(Constraint::json_schema(Json::parse(
      R"({"type":"object","properties":{"a":{"type":"string","maxLength":500},
          "b":{"type":"string","pattern":"^[a-z ]*$"}},"required":["a","b"]})"))));
  std::vector<std::uint8_t> allowed;
  for (const char* text : {R"({"a":")", "some words", R"(","b":")", "and more of them"}) {
    REQUIRE(matcher.accept(text));
    const std::uint64_t before = matcher.work();
    trie.mask(matcher, allowed);
    CHECK(std::count(allowed.begin(), allowed.end(), 1) > 500);
    CHECK(matcher.work() - before < 400);
  }
}

TEST_CASE("masks: spans with thousands of places to be at") {
  const auto tokenizer = nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  std::mt19937 random(23);
  std::string source;
  const std::vector<std::string> words{"the ", "price ",        "of ", "1,200 ",
                                       "}, ",  "ship \"A\"\n ", "-5 "};
  for (int i = 0; i < 9000; ++i) source += words[random() % words.size()];
  for (const bool one_space : {false, true}) {
    const auto automaton = ConstraintAutomaton::compile(Constraint::sequence(
        {Constraint::span({{"1", source}}, {.max_bytes = 60, .one_space = one_space}),
         Constraint::literal("\".")}));
    std::vector<std::uint8_t> allowed;
    for (int walk = 0; walk < 8; ++walk) {
      ConstraintMatcher matcher(automaton);
      for (int step = 0; step < 12 && !matcher.at_end(); ++step) {
        trie.mask(matcher, allowed);
        REQUIRE(allowed == brute_force(*tokenizer, matcher));
        std::vector<TokenId> choices;
        for (TokenId id = 0; id < tokenizer->size(); ++id) {
          const bool text = !tokenizer->bytes(id).empty();
          if (text && allowed[static_cast<std::size_t>(id)] != 0) choices.push_back(id);
        }
        REQUIRE_FALSE(choices.empty());
        REQUIRE(matcher.accept(tokenizer->bytes(choices[random() % choices.size()])));
      }
    }
  }
}

}  // namespace
}  // namespace orkestra::model
