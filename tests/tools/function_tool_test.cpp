#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tools/function_tool.h>

#include <stdexcept>

namespace orkestra::tools {
namespace {

ToolResult call(std::unique_ptr<Tool> tool, const Json& arguments) {
  ToolRegistry registry;
  const std::string name = tool->spec().name;
  registry.add(std::move(tool));
  return registry.call({.id = "s1", .name = name, .arguments = arguments},
                       Limits::within(std::chrono::seconds(5)));
}

double ratio(double a, double b) { return a / b; }

}  // namespace

TEST_CASE("a function becomes a tool whose schema comes from its parameters") {
  const auto tool =
      function_tool({.name = "describe", .description = "Describe."},
                    {{"count", "how many"}, {"name", "", true}, {"loud"}, {"tags"}, {"factor"}},
                    [](int, const std::string&, bool, const std::vector<std::string>&,
                       std::optional<double>) { return 1; });
  const Json& schema = tool->spec().parameters;
  CHECK(schema.at("properties").at("count") ==
        Json{{"type", "integer"}, {"description", "how many"}});
  CHECK(schema.at("properties").at("name") == Json{{"type", "string"}, {"x-copy", true}});
  CHECK(schema.at("properties").at("loud") == Json{{"type", "boolean"}});
  CHECK(schema.at("properties").at("tags") ==
        Json{{"type", "array"}, {"items", {{"type", "string"}}}});
  CHECK(schema.at("properties").at("factor") == Json{{"type", "number"}});
  CHECK(schema.at("required") == Json{"count", "name", "loud", "tags"});
}

TEST_CASE("arguments arrive typed, optional ones may be left out") {
  const auto shout = [](const std::string& text, std::optional<int> times) {
    std::string out;
    for (int i = 0; i < times.value_or(1); ++i) out += text;
    return out;
  };
  const std::vector<Parameter> names{{"text"}, {"times"}};
  CHECK(call(function_tool({.name = "shout", .description = "For a test."}, names, shout),
             {{"text", "ho"}})
            .value == "ho");
  CHECK(call(function_tool({.name = "shout", .description = "For a test."}, names, shout),
             {{"text", "ho"}, {"times", 3}})
            .value == "hohoho");
  CHECK(call(function_tool({.name = "ratio", .description = "For a test."}, {{"a"}, {"b"}}, &ratio),
             {{"a", 3}, {"b", 2}})
            .value == 1.5);
  const ToolResult made = call(function_tool({.name = "now", .description = "For a test."}, {},
                                             [] {
                                               return Json{{"h", 7}};
                                             }),
                               Json::object());
  CHECK(made.value == Json{{"h", 7}});
  CHECK(made.origin.locator == "now");
}

TEST_CASE("what a function refuses or throws is a failed result") {
  const auto narrow = [](std::int8_t) -> int { throw std::runtime_error("no such month"); };
  const ToolResult range =
      call(function_tool({.name = "month", .description = "For a test."}, {{"number"}}, narrow),
           {{"number", 300}});
  CHECK_FALSE(range.ok);
  CHECK(range.message.find("out of range") != std::string::npos);
  const ToolResult thrown =
      call(function_tool({.name = "month", .description = "For a test."}, {{"number"}}, narrow),
           {{"number", 13}});
  CHECK_FALSE(thrown.ok);
  CHECK(thrown.message.find("no such month") != std::string::npos);
  CHECK_FALSE(
      call(function_tool({.name = "month", .description = "For a test."}, {{"number"}}, narrow),
           {{"number", "x"}})
          .ok);
}

TEST_CASE("a function whose arguments are not all named is refused") {
  const auto two = [](int a, int b) { return a + b; };
  CHECK_THROWS_AS(function_tool({.name = "add", .description = "For a test."}, {{"a"}}, two),
                  Error);
  CHECK_THROWS_AS(function_tool({.name = "add", .description = "For a test."}, {{"a"}, {"a"}}, two),
                  Error);
  CHECK_THROWS_AS(function_tool({.name = "add", .description = "For a test."}, {{"a"}, {""}}, two),
                  Error);
}

}  // namespace orkestra::tools
