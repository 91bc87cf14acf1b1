// Which tools a small model may choose among, and what it may copy into a call.
#include <orkestra/planner/tool_offer.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tools/calculator.h>
#include <orkestra/tools/web_fetch.h>

#include <string>
#include <vector>

namespace orkestra::planner {
namespace {

using Texts = std::vector<std::string>;

ToolSpec lookup(const std::string& name, const std::string& description, const Json& domain) {
  return {
      .name = name,
      .description = description,
      .parameters = {
          {"type", "object"},
          {"properties", {{"which", {{"type", "string"}, {"x-copy", true}, {"x-domain", domain}}}}},
          {"required", {"which"}}}};
}

RunState asked(const std::string& task, AnswerStyle style = AnswerStyle::kSpans) {
  RunState state;
  state.spec.task = task;
  state.spec.style = style;
  const Json people = {"Bruna Kelly", "Ben Silva"};
  state.spec.tools = {lookup("get_balance", "Get the balance of a customer.", people),
                      lookup("get_price", "Get the price of a device.", {"Lamp", "Pump"}),
                      lookup("get_priority", "Get the priority of a customer.", people),
                      tools::make_calculator_tool()->spec()};
  state.branches.push_back({.name = "main"});
  return state;
}

Texts names(const std::vector<ToolSpec>& tools) {
  Texts out;
  for (const ToolSpec& tool : tools) out.push_back(tool.name);
  return out;
}

Json expressions(const std::string& task) {
  for (const ToolSpec& tool : offered_tools(asked(task), Branch{})) {
    if (tool.name == "calculator") return tool.parameters["properties"]["expression"]["x-domain"];
  }
  return Json::array();
}

TEST_CASE("a small model chooses among the tools that speak of most of the task") {
  const RunState state = asked("What is the balance of the customer Ben Silva?");
  CHECK(names(offered_tools(state, state.branch())) == Texts{"get_balance", "get_priority"});
  CHECK(names(nearest_tools(state, state.branch())) == Texts{"get_balance"});
  CHECK(names(nearest_tools(asked("How urgent is Ben Silva?"), {})) == Texts{"get_priority"});
  CHECK(names(nearest_tools(asked("What do you know of Ben Silva?"), {})) ==
        Texts{"get_balance", "get_priority"});
  Branch without;
  without.excluded_tools = {"get_balance"};
  CHECK(names(nearest_tools(state, without)) == Texts{"get_priority"});
  CHECK(nearest_tools(asked("Who is the president of France?"), {}).empty());
}

TEST_CASE("a larger model chooses for itself") {
  const RunState state =
      asked("What is the balance of the customer Ben Silva?", AnswerStyle::kProse);
  CHECK(names(nearest_tools(state, state.branch())) ==
        Texts{"get_balance", "get_priority", "calculator"});
}

TEST_CASE("once a tool's result is there, only one that speaks of more may follow") {
  RunState state = asked("What is the balance of the customer Ben Silva?");
  state.steps.push_back({.id = "s1", .call = {.name = "get_balance"}, .evidence = {"1"}});
  Branch read;
  read.evidence = {"1"};
  CHECK(nearest_tools(state, read).empty());
  state.steps.front().call.name = "get_priority";
  CHECK(names(nearest_tools(state, read)) == Texts{"get_balance"});
  const AtHand at_hand = at_hand_of(state, read);
  REQUIRE(at_hand.elsewhere.size() == 1);
  CHECK(at_hand.elsewhere.front().find("balance") != std::string::npos);
}

TEST_CASE("the calculator is offered what reads as a sum, whole") {
  CHECK(expressions("What is 17 * 23?") == Json{"17 * 23"});
  CHECK(expressions("Please work out 17*23 for me.") == Json{"17*23"});
  CHECK(expressions("What is 1500 - 275?") == Json{"1500 - 275"});
  CHECK(expressions("Compare (2 + 3.5) * 4 and 7 / 2.") == Json{"(2 + 3.5) * 4", "7 / 2"});
  CHECK(expressions("What is the deadline of HZ-6633?").empty());
  CHECK(expressions("Is it due on 2025-01-22?").empty());
  CHECK(expressions("17 apples").empty());
}

TEST_CASE("a page is fetched by the address that the task names, without the marks around it") {
  const auto addresses = [](const std::string& task) {
    RunState state = asked(task);
    state.spec.tools = {tools::make_web_fetch_tool({})->spec()};
    const std::vector<ToolSpec> offered = offered_tools(state, Branch{});
    return offered.empty() ? Json() : offered[0].parameters["properties"]["url"]["x-domain"];
  };
  CHECK(addresses("What is on https://example.org/ ?") == Json{"https://example.org/"});
  CHECK(addresses("Read http://a.example/x?q=1, then (https://b.example/y.html).") ==
        Json{"http://a.example/x?q=1", "https://b.example/y.html"});
  CHECK(addresses("What is on the web?") == Json());
}

TEST_CASE("a text that the task quotes is copied whole") {
  RunState state = asked("How many words are in 'to be or not to be'?");
  state.spec.tools = {{.name = "count",
                       .description = "Count the words of a text.",
                       .parameters = {{"type", "object"},
                                      {"properties", {{"text", {{"type", "string"}}}}},
                                      {"required", {"text"}}}}};
  const auto text_of = [&] {
    return offered_tools(state, Branch{}).at(0).parameters["properties"]["text"];
  };
  CHECK(text_of().at("x-domain") == Json{"to be or not to be"});
  state.spec.task = "How many words has the dogs' note \"it's 'here'\"?";
  CHECK(text_of().at("x-domain") == Json{"it's 'here'"});
  state.spec.task = "How many words has Anna's note?";
  CHECK_FALSE(text_of().contains("x-domain"));
}

TEST_CASE("what a tool declares as copied is a name, where the task has names") {
  RunState state = asked("");
  state.spec.tools = {lookup("get_captain", "Get the captain of a harbor.", Json::array())};
  state.spec.tools[0].parameters["properties"]["which"].erase("x-domain");
  const auto copied = [&](const std::string& task) {
    state.spec.task = task;
    const ToolSpec tool = offered_tools(state, Branch{}).at(0);
    return tool.parameters["properties"]["which"].value("x-domain", Json());
  };
  CHECK(copied("Please find the captain of harbor Myx Tarn. Thanks.") == Json{"Myx Tarn"});
  CHECK(copied("Hi! I need Anna-3's captain.") == Json{"Anna-3"});
  CHECK(copied("Captain of HZ-6633 or Dock 4?") == Json{"HZ-6633", "Dock 4"});
  CHECK(copied("Hello, Report Myx Has's captain") == Json{"Myx Has"});
  CHECK(copied("who is captain of myx") == Json());
}

}  // namespace
}  // namespace orkestra::planner
