#include <orkestra/core/error.h>
#include <orkestra/model/text/chat/tool_call_text.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

namespace orkestra::model {
namespace {

using test::add_tool;
using test::price_tool;

TEST_CASE("tool calls: well-formed calls are read, the rest is text") {
  const Turn turn = parse_tool_calls(
      "Let me look.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n"
      "<tool_call>{\"name\":\"g\"}</tool_call>",
      ToolCallStyle::kHermes);
  CHECK(turn.role == Role::kAssistant);
  CHECK(turn.text == "Let me look.");
  REQUIRE(turn.tool_calls.size() == 2);
  CHECK(turn.tool_calls[0].name == "f");
  CHECK(turn.tool_calls[0].arguments == Json({{"a", 1}}));
  CHECK(turn.tool_calls[1].arguments == Json::object());
}

TEST_CASE("tool calls: the styles of nano and Jamba") {
  const Turn nano = parse_tool_calls(
      R"(<tool_call>{"description":"D","name":"f","arguments":{"s":"x"}}</tool_call>)",
      ToolCallStyle::kNano);
  REQUIRE(nano.tool_calls.size() == 1);
  CHECK(nano.text.empty());
  CHECK(nano.tool_calls[0].name == "f");
  const Turn jamba = parse_tool_calls(
      R"(<tool_calls>[{"name":"f","arguments":{"s":"x"}},{"name":"g","arguments":"{\"t\":1}"}]</tool_calls>)",
      ToolCallStyle::kJamba);
  REQUIRE(jamba.tool_calls.size() == 2);
  CHECK(jamba.tool_calls[1].arguments == Json({{"t", 1}}));
}

TEST_CASE("tool calls: an argument may hold the closing marker") {
  const Turn turn = parse_tool_calls(
      R"(<tool_call>{"name":"f","arguments":{"s":"a \" </tool_call> b"}}</tool_call>)"
      R"(<tool_call>{"name":"g","arguments":{"s":"</tool_call>"}}</tool_call>)",
      ToolCallStyle::kHermes);
  REQUIRE(turn.tool_calls.size() == 2);
  CHECK(turn.tool_calls[0].arguments == Json({{"s", "a \" </tool_call> b"}}));
  CHECK(turn.tool_calls[1].arguments == Json({{"s", "</tool_call>"}}));
  CHECK(turn.text.empty());
  // A call cut short takes no later one with it.
  const Turn cut =
      parse_tool_calls(R"(<tool_call>{"name":"f</tool_call><tool_call>{"name":"g"}</tool_call>)",
                       ToolCallStyle::kHermes);
  REQUIRE(cut.tool_calls.size() == 1);
  CHECK(cut.tool_calls[0].name == "g");
}

TEST_CASE("tool calls: malformed ones stay text") {
  const std::vector<std::string> malformed{
      "<tool_call>{\"name\":\"f\",\"arguments\":{}}",
      "{\"name\":\"f\"}</tool_call>",
      "<tool_call></tool_call>",
      "<tool_call>not json</tool_call>",
      "<tool_call>{\"name\":5}</tool_call>",
      "<tool_call>{\"arguments\":{}}</tool_call>",
      "<tool_call>{\"name\":\"f\",\"arguments\":[1]}</tool_call>",
      "<tool_call>{\"name\":\"f\",\"arguments\":\"{broken\"}</tool_call>",
      "<tool_call>[]</tool_call>",
      "<tool_call>" + std::string(5000, '[') + "</tool_call>",
      " text alone, spaces kept ",
  };
  for (const std::string& text : malformed) {
    INFO(text.substr(0, 60));
    const Turn turn = parse_tool_calls(text, ToolCallStyle::kHermes);
    CHECK(turn.tool_calls.empty());
    CHECK(turn.text == text);
  }
}

TEST_CASE("tool calls: what a constraint lets a model write is what is read back") {
  const std::vector<ToolSpec> tools{price_tool(), add_tool()};
  const std::vector<ToolCall> calls{
      {.id = "", .name = "zoltrax", .arguments = {{"ship", "Blue \"Moon\""}}},
      {.id = "", .name = "add", .arguments = {{"a", 4200}, {"b", -2.5}}}};
  const std::vector<SpanSource> sources{{"request", "Is Blue \"Moon\" above 4,200 or -2.5?"}};
  for (int i = 0; i < kToolCallStyles; ++i) {
    const auto style = static_cast<ToolCallStyle>(i);
    const auto automaton = ConstraintAutomaton::compile(
        expand_tool_calls(Constraint::tool_call(tools, sources), style));
    for (const ToolCall& call : calls) {
      const std::string written = write_calls({call}, style, tools);
      INFO(written);
      ConstraintMatcher matcher(automaton);
      CHECK(matcher.accept(written));
      CHECK(matcher.at_end());
      const Turn turn = parse_tool_calls(written, style);
      REQUIRE(turn.tool_calls.size() == 1);
      CHECK(turn.tool_calls[0].name == call.name);
      CHECK(turn.tool_calls[0].arguments == call.arguments);
      CHECK(turn.text.empty());
    }
  }
}

TEST_CASE("prose beside a tool call can't begin a call that is not a valid one") {
  ToolSpec tool{.name = "get_price",
                .parameters = {{"type", "object"},
                               {"properties", {{"device", {{"type", "string"}}}}},
                               {"required", {"device"}},
                               {"additionalProperties", false}}};
  const Constraint expanded =
      expand_tool_calls(Constraint::any_of({Constraint::tool_call({tool}), Constraint::text()}),
                        ToolCallStyle::kHermes);
  const auto automaton = ConstraintAutomaton::compile(expanded);
  const auto allows = [&](const std::string& text) {
    ConstraintMatcher matcher(automaton);
    return matcher.accept(text) && matcher.complete();
  };
  CHECK(allows("It costs 5 < 6, <tool_cal, <<tool_call and </tool_call>."));
  CHECK(allows("<tool_call>{\"name\":\"get_price\",\"arguments\":{\"device\":\"X\"}}</tool_call>"));
  CHECK_FALSE(allows("<tool_call>"));
  CHECK_FALSE(allows("Let me see: <tool_call>{\"name\":\"get_price\"}</tool_call>"));
  CHECK_FALSE(allows("<<tool_call>"));
}

TEST_CASE("tool calls: several in one turn, where the style has them") {
  const std::vector<ToolSpec> tools{price_tool(), add_tool()};
  const std::vector<ToolCall> calls{{.id = "", .name = "add", .arguments = {{"a", 1}, {"b", 2}}},
                                    {.id = "", .name = "zoltrax", .arguments = {{"ship", "one"}}},
                                    {.id = "", .name = "add", .arguments = {{"a", 2}, {"b", 1}}}};
  const std::vector<SpanSource> sources{{"request", "one 1 2"}};
  for (const ToolCallStyle style :
       {ToolCallStyle::kHermes, ToolCallStyle::kJamba, ToolCallStyle::kOpenAi}) {
    const std::string written = write_calls(calls, style, tools);
    INFO(written);
    const Turn turn = parse_tool_calls(written, style);
    REQUIRE(turn.tool_calls.size() == 3);
    CHECK(turn.tool_calls[1].name == "zoltrax");
    CHECK(turn.tool_calls[2].arguments == calls[2].arguments);
    const auto accepts = [&](std::size_t most) {
      ConstraintMatcher matcher(ConstraintAutomaton::compile(
          expand_tool_calls(Constraint::tool_call(tools, sources, most), style)));
      return matcher.accept(written) && matcher.complete();
    };
    CHECK(accepts(3));
    CHECK(accepts(4));
    CHECK_FALSE(accepts(2));
  }
  CHECK_THROWS_AS(Constraint::tool_call(tools, sources, 0), Error);
}

TEST_CASE("tool calls: text until a call, then the call") {
  const std::vector<ToolSpec> tools{add_tool()};
  const std::vector<SpanSource> sources{{"request", "1 2"}};
  const ToolCall call{.id = "", .name = "add", .arguments = {{"a", 1}, {"b", 2}}};
  for (int i = 0; i < kToolCallStyles; ++i) {
    const auto style = static_cast<ToolCallStyle>(i);
    const auto automaton = ConstraintAutomaton::compile(expand_tool_calls(
        Constraint::any_of({Constraint::tool_call(tools, sources), Constraint::text()}), style));
    const auto allows = [&](const std::string& text) {
      ConstraintMatcher matcher(automaton);
      return matcher.accept(text) && matcher.complete();
    };
    const std::string written = write_calls({call}, style, tools);
    INFO(written);
    CHECK(allows(written));
    CHECK(allows("So: {1} < 2, caf\xC3\xA9."));
    CHECK_FALSE(allows(written.substr(0, written.size() - 1)));
    CHECK_FALSE(allows(written + "x"));
    const bool marked = !call_begin(style).empty();
    const std::string after_text = "Let me add.\n" + written;
    CHECK(allows(after_text));  // text where calls are the whole turn, a call elsewhere
    CHECK(parse_tool_calls(after_text, style).tool_calls.size() == (marked ? 1 : 0));
    if (!marked) CHECK_FALSE(allows("{\"a\":1}"));
  }
}

TEST_CASE("tool calls: where a call is the whole text") {
  const Turn tagged = parse_tool_calls(
      "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}\n", ToolCallStyle::kLlama3);
  REQUIRE(tagged.tool_calls.size() == 1);
  CHECK(tagged.tool_calls[0].arguments == Json({{"a", 1}}));
  CHECK(tagged.text.empty());
  const Turn openai = parse_tool_calls(
      R"({"content":null,"tool_calls":[{"id":"1","type":"function",
          "function":{"name":"f","arguments":"{\"a\":1}"}}]})",
      ToolCallStyle::kOpenAi);
  REQUIRE(openai.tool_calls.size() == 1);
  CHECK(openai.tool_calls[0].arguments == Json({{"a", 1}}));
  for (const char* text :
       {"{\"city\": \"Rome\"}", "See {\"name\":\"f\",\"parameters\":{}}", "{", ""}) {
    for (const ToolCallStyle style : {ToolCallStyle::kLlama3, ToolCallStyle::kOpenAi}) {
      const ReadCalls read = read_tool_calls(text, style);
      CHECK(read.turn.tool_calls.empty());
      CHECK(read.turn.text == text);
      CHECK(read.damaged.empty());
    }
  }
}

TEST_CASE("tool calls: damaged ones come with a reason") {
  struct Damaged {
    ToolCallStyle style;
    const char* text;
    const char* says;
  };
  const std::vector<Damaged> cases{
      {ToolCallStyle::kHermes, "<tool_call>{\"name\":\"f\",\"arguments\":{}}",
       "not followed by </tool_call>"},
      {ToolCallStyle::kHermes, "<tool_call>{\"name\":\"f\",}</tool_call>", "the call"},
      {ToolCallStyle::kHermes, "<tool_call>{\"arguments\":{}}</tool_call>",
       "\"name\" has to be the name"},
      {ToolCallStyle::kHermes, "<tool_call>{\"name\":\"f\",\"arguments\":[1]}</tool_call>",
       "arguments of f have to be a JSON object"},
      {ToolCallStyle::kHermes, "<tool_call>{\"name\":\"f\",\"arguments\":\"{a\"}</tool_call>",
       "the arguments"},
      {ToolCallStyle::kJamba, "<tool_calls>[]</tool_calls>", "no call in the list"},
      {ToolCallStyle::kJamba, "<tool_calls>[5]</tool_calls>", "a call is a JSON object"},
      {ToolCallStyle::kJamba, "<tool_calls>[{\"name\":\"f\"}", "not followed by </tool_calls>"},
      {ToolCallStyle::kLlama3, "{\"name\":\"f\",\"parameters\":{", "the call"},
      {ToolCallStyle::kLlama3, "<|python_tag|>f(1)", "the call"},
      {ToolCallStyle::kOpenAi, "{\"tool_calls\":[{\"function\":{\"name\":7}}]}", "\"name\""},
  };
  for (const Damaged& damaged : cases) {
    INFO(damaged.text);
    const ReadCalls read = read_tool_calls(damaged.text, damaged.style);
    CHECK(read.turn.tool_calls.empty());
    CHECK(read.turn.text == damaged.text);
    REQUIRE(read.damaged.size() == 1);
    CAPTURE(read.damaged[0]);
    CHECK(read.damaged[0].find(damaged.says) != std::string::npos);
    CHECK(read.damaged[0].find("Write it as ") != std::string::npos);
  }
  const ReadCalls mixed =
      read_tool_calls("<tool_call>{</tool_call> then <tool_call>{\"name\":\"g\"}</tool_call>",
                      ToolCallStyle::kHermes);
  CHECK(mixed.turn.tool_calls.size() == 1);
  CHECK(mixed.turn.text == "<tool_call>{</tool_call> then");
  CHECK(mixed.damaged.size() == 1);
}

TEST_CASE("tool calls: styles are told from templates") {
  CHECK(detect_tool_call_style("x", "<tool_call>{\"name\"") == ToolCallStyle::kHermes);
  CHECK(detect_tool_call_style("x", R"({"name": "probe", "parameters": {"probe": "y"}})") ==
        ToolCallStyle::kLlama3);
  CHECK(detect_tool_call_style("x",
                               R"([{"type":"function","function":{"name":"probe","arguments")") ==
        ToolCallStyle::kOpenAi);
  CHECK(detect_tool_call_style("... <tool_calls>[{'name'") == ToolCallStyle::kJamba);
  CHECK(detect_tool_call_style("<tool_call>{\"name\": ") == ToolCallStyle::kHermes);
  CHECK(detect_tool_call_style("") == ToolCallStyle::kHermes);
  CHECK(test::nano_format()->style() == ToolCallStyle::kNano);
}

}  // namespace
}  // namespace orkestra::model
