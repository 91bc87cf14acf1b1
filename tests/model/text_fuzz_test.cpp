// Bounded runs over random and mutated bytes: nothing but an Error may come out of a parser.
#include <orkestra/core/error.h>
#include <orkestra/model/scripted/scripted_model.h>
#include <orkestra/model/text/chat/tool_call_text.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/jinja/jinja.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <random>

namespace orkestra::model {
namespace {

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string operator()(std::string text, const std::vector<std::string>& words) {
    const std::size_t edits = 1 + random_() % 6;
    for (std::size_t i = 0; i < edits; ++i) {
      const std::size_t at = text.empty() ? 0 : random_() % text.size();
      switch (random_() % 5) {
        case 0:
          text.insert(at, words[random_() % words.size()]);
          break;
        case 1:
          text.erase(at, random_() % 8);
          break;
        case 2:
          text.insert(at, 1, static_cast<char>(random_() & 0xFFU));
          break;
        case 3:
          text.insert(at, text.substr(random_() % (text.size() + 1), random_() % 20));
          break;
        default:
          if (!text.empty()) text[at] = static_cast<char>(random_() & 0xFFU);
      }
    }
    return text;
  }

 private:
  std::mt19937 random_;
};

template <typename Work>
bool only_errors(Work work) {
  try {
    work();
    return true;
  } catch (const Error& e) {
    return e.code() != ErrorCode::kInternal && !e.message().empty();
  }
}

TEST_CASE("fuzz: templates") {
  const std::vector<std::string> seeds{
      "{% for m in messages %}{{ m.role | upper }}: {{ m['content'][1:] }}{% endfor %}",
      "{% set ns = namespace(a=1) %}{% if ns.a == 1 and not x %}{% set ns.a = 2 %}{% endif %}",
      "{% macro f(a, b='c') %}{{ a ~ b }}{% endmacro %}{{ f(1) | trim }}{# c #}{{- 'x' -}}",
      std::string(test::nano_file()->text("tokenizer.chat_template"))};
  const std::vector<std::string> words{
      "{{",   "}}",        "{%",          "%}",   "{%-",      "-%}", "{#",       "#}",
      "|",    "tojson",    "[::-1]",      "(",    ")",        "'",   " is ",     "defined",
      " in ", "loop.last", "{% endif %}", "else", "range(9)", " ~ ", ".items()", "namespace("};
  const Json context = {{"messages", {{{"role", "user"}, {"content", "a\xC3"}}}}, {"n", 1}};
  Mutator mutate(1);
  int compiled = 0;
  for (int i = 0; i < 8000; ++i) {
    const std::string source = mutate(seeds[static_cast<std::size_t>(i) % seeds.size()], words);
    INFO(source);
    REQUIRE(only_errors([&] {
      const auto chat_template = jinja::Template::compile(source);
      ++compiled;
      chat_template->render(context);
    }));
  }
  CHECK(compiled > 500);
}

TEST_CASE("fuzz: tool calls and prompts") {
  const std::vector<std::string> words{
      "<tool_call>", "</tool_call>", "{\"name\":", "\"arguments\"", "[",
      "{",           "\\u00",        "\"",         "<|eom|>",       "<tool_calls>",
      "<think>",     "</think>",     "function",   "parameters",    "<|python_tag|>"};
  Mutator mutate(2);
  const std::vector<ToolCall> calls{
      {.id = "", .name = "f", .arguments = Json::parse(R"({"a":[1,"x"]})")},
      {.id = "", .name = "g", .arguments = Json::object()}};
  for (int i = 0; i < 8000; ++i) {
    const auto style = static_cast<ToolCallStyle>(i % kToolCallStyles);
    const bool bare = call_begin(style).empty();
    const std::string text =
        mutate((bare ? "" : "Hi ") +
                   write_calls({calls.begin(), calls.begin() + (bare ? 1 : 2)}, style, {}),
               words);
    INFO(text);
    REQUIRE(only_errors([&] {
      const ChatTraits traits{.calls = style, .reasoning = {"<think>", "</think>"}};
      const WrittenTurn read = read_turn(text, traits, i % 7 == 0, i % 3 != 0);
      for (const std::string& reason : read.damaged) REQUIRE(reason.size() > 40);
      const Turn& turn = read.turn;
      const Conversation conversation =
          Conversation().with_turn(turn).with_turn({.role = Role::kUser, .text = text});
      const EncodedPrompt prompt = test::nano_format()->encode(conversation, "m");
      REQUIRE(test::pieces_of(*test::nano_tokenizer(), prompt.tokens) ==
              test::nano_format()->render(conversation));
    }));
  }
}

TEST_CASE("fuzz: schemas, and texts held against them") {
  const std::string seed =
      R"({"type":"object","properties":{"a":{"type":"string","x-copy":true},
          "b":{"type":"array","items":{"$ref":"#/$defs/n"},"minItems":1},"c":{"enum":[1,"x"]}},
          "required":["a"],"$defs":{"n":{"type":"integer","minimum":-3,"maximum":1e3}}})";
  const std::vector<std::string> words{"\"type\":",
                                       "\"x-copy\":true,",
                                       "\"$ref\":\"#\",",
                                       "{}",
                                       "\"anyOf\":[",
                                       "true",
                                       "-1",
                                       "1e400",
                                       "\"minLength\":9",
                                       "[",
                                       "\"required\":",
                                       ","};
  Mutator mutate(3);
  int compiled = 0;
  for (int i = 0; i < 8000; ++i) {
    const std::string text = mutate(seed, words);
    INFO(text);
    REQUIRE(only_errors([&] {
      const auto automaton = ConstraintAutomaton::compile(
          Constraint::json_schema(parse_json(text), {{"r", "some 12 words\xFF of text"}}));
      ++compiled;
      ConstraintMatcher matcher(automaton);
      for (const char c : mutate(R"({"a":"some","b":[1,2]})", words)) {
        if (!matcher.accept_byte(static_cast<std::uint8_t>(c))) break;
      }
    }));
  }
  CHECK(compiled > 50);
}

TEST_CASE("fuzz: scripts") {
  const std::vector<std::string> words{"{\"text\":\"a\"}", "\n", "{\"score\":[", "1e999",
                                       "\"call\""};
  Mutator mutate(4);
  for (int i = 0; i < 2000; ++i) {
    const std::string script = mutate(
        "{\"text\":\"a\",\"expect\":\"b\"}\n{\"call\":{\"name\":\"f\",\"arguments\":{}}}\n", words);
    INFO(script);
    REQUIRE(only_errors([&] { make_scripted_model(script, "s"); }));
  }
}

}  // namespace
}  // namespace orkestra::model
