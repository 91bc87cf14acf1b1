#include <orkestra/model/text/constraint_automaton.h>
#include <orkestra/model/text/tool_call_text.h>
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
  for (const ToolCallStyle style :
       {ToolCallStyle::kNano, ToolCallStyle::kHermes, ToolCallStyle::kJamba}) {
    const auto automaton = ConstraintAutomaton::compile(
        expand_tool_calls(Constraint::tool_call(tools, sources), style));
    for (const ToolCall& call : calls) {
      std::string written = write_call(call, style, tools);
      if (style == ToolCallStyle::kJamba) written = "[" + written + "]";
      written = std::string(call_begin(style)) + written + std::string(call_end(style));
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

TEST_CASE("tool calls: styles are told from templates") {
  CHECK(detect_tool_call_style("... <tool_calls>[{'name'") == ToolCallStyle::kJamba);
  CHECK(detect_tool_call_style("<tool_call>{\"name\": ") == ToolCallStyle::kHermes);
  CHECK(detect_tool_call_style("") == ToolCallStyle::kHermes);
  CHECK(test::nano_format()->style() == ToolCallStyle::kNano);
}

}  // namespace
}  // namespace orkestra::model
