// Random schemas, regular expressions and hostile ones: the automaton agrees with the validator and
// with RE2, or refuses; nothing grows without bound.

#include <orkestra/core/error.h>
#include <orkestra/core/json_schema.h>
#include <orkestra/model/engine/constrained_writer.h>
#include <orkestra/model/text/constraint/char_dfa.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <re2/re2.h>

#include <algorithm>
#include <random>

namespace orkestra::model {
namespace {

class RandomSchemas {
 public:
  explicit RandomSchemas(unsigned seed) : random_(seed) {}

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  Json schema(int depth) {
    if (depth == 0 || below(12) == 0) return leaf();
    switch (below(9)) {
      case 0:
        return {{"anyOf", {schema(depth - 1), schema(depth - 1)}}};
      case 1:
        return {{"oneOf", {schema(depth - 1), schema(depth - 1)}}};
      case 2:
        return {{"allOf", {schema(depth - 1), schema(depth - 1)}}};
      case 3:
        return {{"not", schema(depth - 1)}};
      case 4:
        return {
            {"if", schema(depth - 1)}, {"then", schema(depth - 1)}, {"else", schema(depth - 1)}};
      case 5:
        return array(depth);
      case 6:
      case 7:
        return object(depth);
      default:
        return leaf();
    }
  }

  Json value(int depth) {
    switch (below(depth > 0 ? 8 : 5)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<int>(below(14)) - 4;
      case 3:
        return (static_cast<int>(below(60)) - 20) / 4.0;
      case 4:
        return word();
      case 5: {
        Json items = Json::array();
        for (unsigned n = below(4); n > 0; --n) items.push_back(value(depth - 1));
        return items;
      }
      default: {
        Json members = Json::object();
        for (unsigned n = below(4); n > 0; --n) members[name()] = value(depth - 1);
        return members;
      }
    }
  }

 private:
  std::string name() { return std::string(1, "abc"[below(3)]); }
  std::string word() {
    std::string text;
    for (unsigned n = below(5); n > 0; --n) text += "ab0\"\n"[below(5)];
    return text;
  }

  Json leaf() {
    Json out = Json::object();
    switch (below(8)) {
      case 0:
        return below(8) != 0;
      case 1:
        return {{"const", value(1)}};
      case 2:
        return {{"enum", {value(1), value(1), value(0)}}};
      case 3:
        out["type"] = "string";
        if (below(2) == 0) out["minLength"] = below(3);
        if (below(2) == 0) out["maxLength"] = 1 + below(3);
        if (below(3) == 0) out["pattern"] = below(2) == 0 ? "^a+b?$" : "[0\"]";
        return out;
      case 4:
        out["type"] = below(2) == 0 ? "integer" : "number";
        if (below(2) == 0) out["minimum"] = static_cast<int>(below(6)) - 3;
        if (below(2) == 0) out["exclusiveMaximum"] = below(8);
        if (below(3) == 0) out["multipleOf"] = 1 + below(3);
        return out;
      default: {
        constexpr const char* kTypes[] = {"null",   "boolean", "integer", "number",
                                          "string", "array",   "object"};
        return {{"type", {kTypes[below(7)], kTypes[below(7)]}}};
      }
    }
  }

  Json array(int depth) {
    Json out{{"type", "array"}};
    if (below(2) == 0) out["items"] = schema(depth - 1);
    if (below(3) == 0) out["prefixItems"] = {schema(depth - 1)};
    if (below(3) == 0) out["minItems"] = below(3);
    if (below(3) == 0) out["maxItems"] = 1 + below(3);
    return out;
  }

  Json object(int depth) {
    Json out{{"type", "object"}};
    for (unsigned n = below(3); n > 0; --n) out["properties"][name()] = schema(depth - 1);
    if (below(2) == 0) out["required"] = {name()};
    if (below(3) == 0) out["additionalProperties"] = schema(depth - 1);
    if (below(4) == 0) out["patternProperties"]["^[ab]"] = schema(depth - 1);
    if (below(4) == 0) out["minProperties"] = below(3);
    if (below(4) == 0) out["maxProperties"] = 1 + below(2);
    if (below(5) == 0) out["dependentRequired"]["a"] = {"b"};
    if (below(5) == 0) out["propertyNames"] = {{"maxLength", 1}};
    return out;
  }

  std::mt19937 random_;
};

bool refused(const Error& error) {
  return error.code() == ErrorCode::kUnsupported || error.code() == ErrorCode::kExhausted ||
         error.code() == ErrorCode::kInvalid;
}

TEST_CASE("fuzz: on random schemas and values automaton and validator agree") {
  RandomSchemas make(41);
  int compiled = 0;
  int valid = 0;
  int invalid = 0;
  for (int round = 0; round < 1500; ++round) {
    const Json schema = make.schema(3);
    const auto validator = JsonSchema::compile(schema);
    std::shared_ptr<const ConstraintAutomaton> automaton;
    try {
      automaton =
          ConstraintAutomaton::compile(Constraint::json_schema(schema, {}, JsonForm::kAny), true);
    } catch (const Error& error) {
      REQUIRE(refused(error));
      continue;
    }
    ++compiled;
    for (int i = 0; i < 25; ++i) {
      const Json value = make.value(3);
      const bool good = validator->validate(value).empty();
      ConstraintMatcher matcher(automaton);
      const std::string text = i % 2 == 0 ? dump_json(value) : value.dump(1);
      INFO(dump_json(schema) << "\n" << text);
      REQUIRE((matcher.accept(text) && matcher.complete()) == good);
      ++(good ? valid : invalid);
    }
  }
  CHECK(compiled > 900);
  CHECK(valid > 5000);
  CHECK(invalid > 5000);
}

TEST_CASE("fuzz: what is written under random schemas is valid, whatever the limit") {
  RandomSchemas make(43);
  const auto tokenizer = test::nano_tokenizer();
  const TokenTrie trie(*tokenizer);
  const TokenSet writable = text_tokens(*tokenizer);
  std::vector<float> logits(writable.size());
  std::mt19937 random(44);
  int written = 0;
  for (int round = 0; round < 400; ++round) {
    const Json schema = make.schema(3);
    std::shared_ptr<const ConstraintAutomaton> automaton;
    try {
      automaton = ConstraintAutomaton::compile(Constraint::json_schema(schema));
    } catch (const Error& error) {
      REQUIRE(refused(error));
      continue;
    }
    ConstrainedWriter writer(*tokenizer, trie, writable, ConstraintMatcher(automaton));
    Sampler sampler({.temperature = 1.5, .seed = random()});
    std::string text;
    for (std::size_t left = writer.least_tokens() + random() % 12; left > 0 && !writer.at_end();
         --left) {
      for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 100.0F;
      const TokenId id = writer.pick(sampler, logits, left).id;
      if (id < 0 || tokenizer->bytes(id).empty()) break;
      text += tokenizer->bytes(id);
    }
    INFO(dump_json(schema) << "\n" << text);
    REQUIRE(JsonSchema::compile(schema)->validate(parse_json(text, "text")).empty());
    ++written;
  }
  CHECK(written > 200);
}

TEST_CASE("fuzz: regular expressions mean what RE2 says") {
  std::mt19937 random(47);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const std::vector<std::string> atoms{"a",   "b",        "0",      "[ab]",   "[^a]",   "\\d",
                                       "\\D", "\\.",      "(ab)",   "(a|b0)", "(?:b|)", ".",
                                       "x",   "[a-c0-2]", "[^\\d]", "(a*b)"};
  const std::vector<std::string> repeats{"",  "",    "",      "*",     "+",
                                         "?", "{2}", "{1,3}", "{0,2}", "{2,}"};
  const std::vector<std::string> letters{"a", "b", "0", ".", "x", "c", "\xC3\xA9", "1"};
  int found = 0;
  int missed = 0;
  for (int round = 0; round < 600; ++round) {
    std::string pattern = below(2) == 0 ? "^" : "";
    for (unsigned n = 1 + below(4); n > 0; --n) {
      pattern += atoms[below(static_cast<unsigned>(atoms.size()))];
      pattern += repeats[below(static_cast<unsigned>(repeats.size()))];
      if (below(6) == 0) pattern += "|";
    }
    if (below(2) == 0) pattern += "$";
    const RE2 reference(pattern);
    REQUIRE(reference.ok());
    const CharDfa dfa = CharDfa::regex(pattern);
    for (int i = 0; i < 40; ++i) {
      std::string text;
      for (unsigned n = below(7); n > 0; --n) {
        text += letters[below(static_cast<unsigned>(letters.size()))];
      }
      INFO(pattern << "  on  '" << text << "'");
      const bool matches = RE2::PartialMatch(text, reference);
      REQUIRE(dfa.accepts(text) == matches);
      REQUIRE(dfa.complement().accepts(text) != matches);
      ++(matches ? found : missed);
    }
  }
  CHECK(found > 4000);
  CHECK(missed > 2000);
}

TEST_CASE("fuzz: schemas made to explode are compiled small or refused") {
  std::vector<Json> hostile;
  Json nested = true;
  for (int i = 0; i < 400; ++i) nested = {{"type", "array"}, {"items", nested}, {"minItems", 1}};
  hostile.push_back(nested);
  Json wide = Json::array();
  for (int i = 0; i < 60; ++i) {
    wide.push_back({{"properties", {{"p" + std::to_string(i), {{"type", "string"}}}}}});
  }
  hostile.push_back({{"oneOf", wide}});
  hostile.push_back({{"not", {{"allOf", wide}}}});
  Json factors = Json::array();
  for (int i = 0; i < 30; ++i) {
    factors.push_back({{"anyOf", {{{"minLength", i}}, {{"minimum", i}}, {{"minItems", i}}}}});
  }
  hostile.push_back({{"allOf", factors}});
  for (const char* pattern : {"(a|b)*a(a|b){18}", "(.{1,200}){1,200}", "((a{1,50}){1,50}){1,50}",
                              "^(a?){300}a{300}$", "(x+x+)+y", "[\\u0000-\\uffff]{1,15000}z"}) {
    hostile.push_back({{"type", "string"}, {"pattern", pattern}});
  }
  hostile.push_back({{"type", "string"}, {"minLength", 1'000'000'000}});
  hostile.push_back({{"type", "array"}, {"minItems", 1'000'000'000}});
  hostile.push_back({{"type", "object"}, {"minProperties", 1'000'000'000}});
  Json properties = Json::object();
  for (int i = 0; i < 900; ++i) properties["property" + std::to_string(i)] = {{"type", "integer"}};
  hostile.push_back({{"type", "object"}, {"properties", properties}, {"minProperties", 5}});
  Json doubling = {{"$ref", "#/$defs/d0"}};
  for (int i = 0; i < 24; ++i) {
    const Json next = {{"$ref", "#/$defs/d" + std::to_string(i + 1)}};
    doubling["$defs"]["d" + std::to_string(i)] = {
        {"type", "object"}, {"properties", {{"l", next}, {"r", next}}}, {"required", {"l", "r"}}};
  }
  doubling["$defs"]["d24"] = true;
  hostile.push_back(doubling);
  for (const Json& schema : hostile) {
    INFO(dump_json(schema).substr(0, 200));
    for (const JsonForm form : {JsonForm::kCompact, JsonForm::kAny}) {
      try {
        ConstraintMatcher matcher(
            ConstraintAutomaton::compile(Constraint::json_schema(schema, {}, form)));
        for (const char c : std::string_view("{\"property1\":[[[[[[\"aaaaaaaaaa")) {
          const std::uint64_t before = matcher.work();
          if (!matcher.accept(std::string_view(&c, 1))) break;
          REQUIRE(matcher.work() - before < 50'000);
        }
      } catch (const Error& error) {
        REQUIRE(refused(error));
      }
    }
  }
}

}  // namespace
}  // namespace orkestra::model
