#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/remote_fixtures.h>
#include <orkestra/tests/model/text_test_models.h>

#include <cmath>

namespace orkestra::model::test {
namespace {

Constraint a_call() {
  return Constraint::tool_call({price_tool()}, {{"request", "What does the Vela cost?"}});
}

Json schema() {
  return Json::parse(R"({"type":"object","properties":{"name":{"type":"string"},
      "size":{"type":"integer"}},"required":["name","size"],"additionalProperties":false})");
}

Json scored(const std::vector<std::pair<std::string, double>>& tokens) {
  Json top = Json::array();
  for (const auto& [token, log_p] : tokens) top.push_back({{"token", token}, {"logprob", log_p}});
  return {{"choices",
           {{{"message", {{"content", "A"}}},
             {"logprobs", {{"content", {{{"token", "A"}, {"top_logprobs", top}}}}}},
             {"finish_reason", "length"}}}}};
}

ScoreRequest judging(std::vector<std::string> choices) {
  return {.conversation = Conversation().with_turn({.role = Role::kUser, .text = "Is it so?"}),
          .choices = std::move(choices),
          .limits = Limits::within(std::chrono::seconds(20))};
}

TEST_CASE("remote: a schema goes along as response_format and the reply is held against it") {
  const HttpTestServer good(said(" {\"size\": 3, \"name\": \"x\"}\n"));
  const Generation written =
      generate(*model_on(good), asking("x", Constraint::json_schema(schema())));
  CHECK(written.turn.text == R"({"name":"x","size":3})");
  const Json format = body_of(good).at("response_format");
  CHECK(format.at("type") == "json_schema");
  CHECK(format.at("json_schema").at("schema") == schema());
  CHECK(format.at("json_schema").at("strict") == true);
}

TEST_CASE("remote: a reply that breaks its constraint is told so, and asked for again") {
  const HttpTestServer server(
      one_by_one({said(R"({"name":"x"})"), said(R"({"name":"x","size":3})")}));
  const Generation written =
      generate(*model_on(server), asking("x", Constraint::json_schema(schema())));
  CHECK(written.turn.text == R"({"name":"x","size":3})");
  CHECK(written.usage.generated == 6);  // both attempts are counted
  const Json messages = body_of(server, 1).at("messages");
  REQUIRE(messages.size() == 3);
  CHECK(messages[1] == Json{{"role", "assistant"}, {"content", R"({"name":"x"})"}});
  CHECK(messages[2].at("content").get<std::string>().find("can't be accepted") !=
        std::string::npos);
  CHECK(body_of(server, 1).at("seed") != body_of(server, 0).at("seed"));
}

TEST_CASE("remote: what no attempt keeps to is an error, not a result") {
  const HttpTestServer server(said("maybe"));
  std::string handed;
  GenerateRequest request = asking("x", Constraint::choices({"yes", "no"}));
  request.on_text = [&](std::string_view text) { handed += text; };
  const Error error = failure(*model_on(server), request);
  CHECK(error.code() == ErrorCode::kUnsupported);
  CHECK(error.message().find("maybe") != std::string::npos);
  CHECK(server.connections() == 3);
  CHECK(handed.empty());
}

TEST_CASE("remote: choices are a schema where nothing else is allowed, and words beside a call") {
  {
    const HttpTestServer server(said(R"({"choice": "no"})"));
    CHECK(generate(*model_on(server), asking("x", Constraint::choices({"yes", "no"}))).turn.text ==
          "no");
    CHECK(body_of(server).at("response_format").at("json_schema").at("schema").at("properties") ==
          Json::parse(R"({"choice":{"type":"string","enum":["yes","no"]}})"));
  }
  {
    const HttpTestServer server(said(" yes\n"));
    CHECK(generate(*model_on(server), asking("x", Constraint::choices({"yes", "no"}))).turn.text ==
          "yes");
  }
  const HttpTestServer server(said("I can't say."));
  const Constraint both = Constraint::any_of({a_call(), Constraint::choices({"I can't say."})});
  std::string handed;
  GenerateRequest request = asking("x", both);
  request.on_text = [&](std::string_view text) { handed += text; };
  CHECK(generate(*model_on(server), request).turn.text == "I can't say.");
  CHECK(handed == "I can't say.");
  const Json body = body_of(server);
  CHECK_FALSE(body.contains("response_format"));
  CHECK(body.at("tools").size() == 1);
  CHECK(body.at("parallel_tool_calls") == false);
  CHECK(body.at("messages").back().at("content").get<std::string>().find("I can't say.") !=
        std::string::npos);
}

TEST_CASE("remote: a call's arguments are held against schema and sources") {
  const auto answer = [](const std::string& reply, const Constraint& constraint) {
    const HttpTestServer server(reply);
    return generate(*model_on(server), asking("x", constraint));
  };
  const Generation good = answer(called("zoltrax", R"({"ship":"Vela"})"), a_call());
  CHECK(good.turn.tool_calls.at(0).arguments == Json{{"ship", "Vela"}});

  const auto refused = [&](const std::string& reply) {
    const HttpTestServer server(reply);
    const Error error = failure(*model_on(server), asking("x", a_call()));
    CHECK(error.code() == ErrorCode::kUnsupported);
    CHECK(body_of(server).at("tool_choice") == "required");
    return error.message();
  };
  CHECK(refused(called("zoltrax", R"({"ship":"Orion"})")).find("not copied") != std::string::npos);
  CHECK(refused(called("zoltrax", R"({"ship":5})")).find("/ship") != std::string::npos);
  CHECK(refused(called("other", "{}")).find("no tool other; there is zoltrax") !=
        std::string::npos);
  // Arguments that are no JSON are text, as everywhere.
  CHECK(refused(called("zoltrax", R"({"ship":)")).find("not one that is allowed") !=
        std::string::npos);
  CHECK(refused(said("no call")).find("not one that is allowed") != std::string::npos);
}

TEST_CASE("remote: calls beyond the one allowed are left out; without a constraint all stay") {
  Json reply =
      parse_json(called("zoltrax", R"({"ship":"Vela"})")
                     .substr(called("zoltrax", R"({"ship":"Vela"})").find("\r\n\r\n") + 4));
  Json& calls = reply["choices"][0]["message"]["tool_calls"];
  calls.push_back(calls[0]);
  const HttpTestServer server(json_reply(reply));
  const Generation one = generate(*model_on(server), asking("x", a_call()));
  CHECK(one.turn.tool_calls.size() == 1);
  CHECK(one.finish == FinishReason::kConstraint);
  CHECK(generate(*model_on(server), asking("x")).turn.tool_calls.size() == 2);
}

TEST_CASE("remote: calls that a server passes on as text are read") {
  const HttpTestServer server(
      said("<tool_call>{\"name\": \"zoltrax\", \"arguments\": {\"ship\": \"Vela\"}}</tool_call>"));
  const Generation written = generate(*model_on(server), asking("x", a_call()));
  REQUIRE(written.turn.tool_calls.size() == 1);
  CHECK(written.turn.text.empty());
}

TEST_CASE("remote: invalid arguments stay in the text where no call was asked for") {
  const HttpTestServer server(called("zoltrax", R"({"ship": "Ve)"));
  const Generation written = generate(*model_on(server), asking("x"));
  CHECK(written.turn.tool_calls.empty());
  CHECK(written.turn.text ==
        R"(<tool_call>{"name":"zoltrax","arguments":{"ship": "Ve}</tool_call>)");
}

TEST_CASE("remote: a cut-off reply must be the beginning of an allowed one") {
  const HttpTestServer server(said(R"({"name":"x","si)", "length"));
  const Generation written =
      generate(*model_on(server), asking("x", Constraint::json_schema(schema())));
  CHECK(written.finish == FinishReason::kLength);
  CHECK(written.turn.text == R"({"name":"x","si)");
}

TEST_CASE("remote: a constraint that can't be compiled is refused before anything is sent") {
  const HttpTestServer server(said("x"));
  const auto model = model_on(server);
  CHECK_THROWS_AS(
      model->submit(
          {asking("x", Constraint::json_schema(Json{{"type", "array"}, {"uniqueItems", true}}))}),
      Error);
  GenerateRequest request = asking("x");
  request.limits.max_tokens = 0;
  CHECK_THROWS_AS(model->submit({request}), Error);
  CHECK(server.connections() == 0);
}

TEST_CASE("remote: scores come from log-probabilities where the server gives them") {
  const HttpTestServer server(json_reply(scored({{"B", std::log(0.5)},
                                                 {" B", std::log(0.1)},
                                                 {"A", std::log(0.2)},
                                                 {"Yes", std::log(0.1)}})));
  const ScoreResult result = model_on(server)->score(judging({"yes", "no"}));
  CHECK(result.method == "logprobs");
  REQUIRE(result.log_probability.size() == 2);
  CHECK(std::exp(result.log_probability[0]) == Approx(0.25));
  CHECK(std::exp(result.log_probability[1]) == Approx(0.75));
  const Json body = body_of(server);
  CHECK(body.at("logprobs") == true);
  CHECK(body.at("max_tokens") == 1);
  CHECK(body.at("messages").back().at("content").get<std::string>().find("B) no") !=
        std::string::npos);
}

TEST_CASE("remote: without log-probabilities votes are counted, and the result says so") {
  std::atomic<int> asked{0};
  const HttpTestServer server([&](const ServedRequest& request, ServedConnection& out) {
    if (request.body.find("\"logprobs\"") != std::string::npos) {
      out.send(http_reply(400, "", R"({"error":{"message":"logprobs are not supported"}})"));
      return;
    }
    out.send(said(++asked == 1 ? "A" : "B)"));
  });
  const auto model = model_on(server);
  const ScoreResult result = model->score(judging({"yes", "no"}));
  CHECK(result.method == "votes");
  CHECK(std::exp(result.log_probability.at(0)) == Approx(1.5 / 6));
  CHECK(std::exp(result.log_probability.at(1)) == Approx(4.5 / 6));
  CHECK(result.usage.generated == 15);
  // It isn't asked for them again.
  model->score(judging({"yes", "no"}));
  CHECK(server.connections() == 1 + 5 + 5);
}

TEST_CASE("remote: scoring what can't be scored is refused") {
  const HttpTestServer server(said("no idea"));
  const auto model = model_on(server);
  CHECK(model->score(judging({})).log_probability.empty());
  CHECK(model->score(judging({"only"})).log_probability == std::vector<double>{0.0});
  CHECK(server.connections() == 0);
  CHECK_THROWS_AS(model->score(judging(std::vector<std::string>(27, "x"))), Error);
  CHECK_THROWS_AS(model->score(judging({"yes", "no"})), Error);
}

}  // namespace
}  // namespace orkestra::model::test
