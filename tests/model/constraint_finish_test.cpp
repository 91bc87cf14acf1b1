// Whatever is begun under a constraint can be finished, and is before the limit cuts it off.

#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/engine/constrained_writer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/constraint_schemas.h>
#include <orkestra/tests/model/text_test_models.h>

#include <algorithm>
#include <random>

namespace orkestra::model {
namespace {

std::vector<Constraint> all_constraints() {
  std::vector<Constraint> all = test::mixed_constraints();
  for (const Json& schema : test::own_schemas()) all.push_back(Constraint::json_schema(schema));
  return all;
}

bool allows(const std::shared_ptr<const ConstraintAutomaton>& automaton, std::string_view text) {
  ConstraintMatcher matcher(automaton);
  return matcher.accept(text) && matcher.complete();
}

// Writes with noise for logits, as a model of random weights at a high temperature would.
struct Noise {
  const Tokenizer& tokenizer;
  const TokenTrie& trie;
  TokenSet writable = text_tokens(tokenizer);
  std::mt19937 random{7};

  std::string write(const ConstraintMatcher& matcher, std::size_t limit) {
    ConstrainedWriter writer(tokenizer, trie, writable, matcher);
    Sampler sampler({.temperature = 1.5, .seed = random()});
    std::vector<float> logits(writable.size());
    std::string text;
    for (std::size_t left = limit; left > 0 && !writer.at_end(); --left) {
      for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 100.0F;
      const TokenId id = writer.pick(sampler, logits, left).id;
      const auto& stops = tokenizer.stops();
      if (id < 0) break;
      if (std::find(stops.begin(), stops.end(), id) != stops.end()) break;
      text += tokenizer.bytes(id);
    }
    return text;
  }
};

TEST_CASE("finish: from every state of random walks, by no more bytes than was said") {
  std::mt19937 random(3);
  const auto tokenizer = test::nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  TokenSet allowed;
  const std::vector<Constraint> constraints = all_constraints();
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const auto automaton = ConstraintAutomaton::compile(constraints[i]);
    for (int walk = 0; walk < 4; ++walk) {
      ConstraintMatcher matcher(automaton);
      std::string text;
      for (int step = 0; step < 40 && !matcher.at_end(); ++step) {
        const std::uint32_t distance = matcher.distance();
        const auto end = matcher.shortest_end();
        INFO("constraint " << i << " at " << text << " distance " << distance);
        REQUIRE(end);
        REQUIRE(end->size() <= distance);
        ConstraintMatcher finished = matcher;
        REQUIRE((end->empty() || finished.accept(*end)));
        REQUIRE(finished.complete());
        trie.mask(matcher, allowed);
        std::vector<TokenId> choices;
        for (TokenId id = 0; id < tokenizer->size(); ++id) {
          const bool written = !tokenizer->bytes(id).empty();
          if (written && allowed[static_cast<std::size_t>(id)] != 0) choices.push_back(id);
        }
        REQUIRE_FALSE((choices.empty() && !matcher.complete()));
        if (choices.empty()) break;
        const TokenId id = choices[random() % choices.size()];
        REQUIRE(matcher.accept(tokenizer->bytes(id)));
        text += tokenizer->bytes(id);
      }
    }
  }
}

TEST_CASE("finish: whatever the limit, the text is whole") {
  const auto tokenizer = test::nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  Noise noise{*tokenizer, trie};
  const std::vector<Constraint> constraints = all_constraints();
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const auto automaton = ConstraintAutomaton::compile(constraints[i]);
    const ConstraintMatcher matcher(automaton);
    const std::size_t least = std::max<std::size_t>(
        1, ConstrainedWriter(*tokenizer, trie, noise.writable, matcher).least_tokens());
    for (const std::size_t more : {0, 1, 2, 3, 7, 20, 60}) {
      const std::string text = noise.write(matcher, least + more);
      INFO("constraint " << i << ", " << more << " tokens more than " << least << ": " << text);
      REQUIRE(allows(automaton, text));
    }
  }
}

TEST_CASE("finish: schemas' texts are valid by the validator, too") {
  const auto tokenizer = test::nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  Noise noise{*tokenizer, trie};
  for (const Json& schema : test::own_schemas()) {
    const auto validator = JsonSchema::compile(schema);
    const ConstraintMatcher matcher(ConstraintAutomaton::compile(Constraint::json_schema(schema)));
    const std::size_t least =
        ConstrainedWriter(*tokenizer, trie, noise.writable, matcher).least_tokens();
    for (const std::size_t more : {0, 2, 9, 40}) {
      const std::string text = noise.write(matcher, least + more);
      INFO(schema.dump() << "  " << text);
      REQUIRE(validator->validate(parse_json(text, "text")).empty());
    }
  }
}

TEST_CASE("finish: the nearest end is the shortest text where there is a choice") {
  const auto shortest = [](const Constraint& constraint, std::string_view begun = "") {
    ConstraintMatcher matcher(ConstraintAutomaton::compile(constraint));
    REQUIRE((begun.empty() || matcher.accept(begun)));
    return matcher.shortest_end();
  };
  const auto schema = [](const char* text) { return Constraint::json_schema(Json::parse(text)); };
  CHECK(shortest(schema(R"({"enum":["aaaa","bb",123]})")) == "123");
  CHECK(shortest(schema(R"({"type":"array","items":{"type":"integer"},"minItems":2})")) == "[0,0]");
  CHECK(shortest(schema(R"({"type":"integer","minimum":95})"), "1") == "00");
  CHECK(shortest(schema(R"({"type":"string","pattern":"^(a{9}|b\\\\)$"})")) == R"("b\\")");
  CHECK(
      shortest(schema(R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"null"}},
      "required":["b"]})"),
               R"({"a":"x)") == R"(","b":null})");
  CHECK(shortest(Constraint::span({{"1", "alpha beta"}}), "alpha b") == "eta");
  CHECK(shortest(Constraint::text()) == "");
}

TEST_CASE("finish: nested as deep as it goes, arrays close again") {
  const auto tokenizer = test::nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  const auto automaton = ConstraintAutomaton::compile(Constraint::json_schema(
      Json::parse(R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"array","minItems":1,"items":
          {"anyOf":[{"$ref":"#/$defs/t"},{"type":"object","properties":{"a":{"type":"object",
          "properties":{"b":{"type":"array","items":{"type":"null"},"minItems":1}},
          "required":["b"]}},"required":["a"]}]}}}})")));
  ConstraintMatcher matcher(automaton);
  int depth = 0;
  while (matcher.accept("[")) ++depth;
  CHECK(depth > 20);
  const auto end = matcher.shortest_end();
  REQUIRE(end);
  CHECK(matcher.accept(*end));
  CHECK(matcher.complete());
}

TEST_CASE("finish: a token taken back leaves no trace") {
  ConstraintMatcher matcher(
      ConstraintAutomaton::compile(Constraint::json_schema(Json::parse(R"({"type":"array"})"))));
  REQUIRE(matcher.accept("[1,[2,"));
  REQUIRE(matcher.accept("{\"a\":[["));
  matcher.undo();
  CHECK_FALSE(matcher.accept("\"b\"]]]"));
  CHECK(matcher.accept("\"b\"]]"));
  CHECK(matcher.complete());
}

}  // namespace
}  // namespace orkestra::model
