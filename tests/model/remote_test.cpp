#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/remote_fixtures.h>
#include <orkestra/tests/model/text_test_models.h>

#include <cstdlib>
#include <thread>

namespace orkestra::model::test {
namespace {

TEST_CASE("remote: a request carries messages, sampling and limits; the reply becomes a turn") {
  const HttpTestServer server(said("Hello."));
  RemoteOptions options = options_for(server);
  options.api_key = "sk-secret";
  const auto model = make_remote_model(options);
  CHECK(model->capabilities().kind == "remote");
  CHECK(model->capabilities().id == "openai:" + server.url("/v1") + "#m");
  CHECK_FALSE(model->capabilities().constraints);
  GenerateRequest request = asking("Hi");
  request.conversation = Conversation()
                             .with_turn({.role = Role::kSystem, .text = "Be brief."})
                             .with_turn({.role = Role::kUser, .text = "Hi"});
  request.sampling = {.temperature = 0.5, .top_k = 7, .top_p = 0.9, .min_p = 0.1, .seed = 42};
  const Generation written = generate(*model, request);
  CHECK(written.turn.role == Role::kAssistant);
  CHECK(written.turn.text == "Hello.");
  CHECK(written.turn.tool_calls.empty());
  CHECK(written.finish == FinishReason::kStop);
  CHECK(written.usage.prompt == 11);
  CHECK(written.usage.reused == 4);
  CHECK(written.usage.generated == 3);
  const ServedRequest sent = server.requests().at(0);
  CHECK(sent.method == "POST");
  CHECK(sent.target == "/v1/chat/completions");
  CHECK(sent.header("authorization") == "Bearer sk-secret");
  CHECK(sent.header("content-type") == "application/json");
  CHECK(body_of(server) == Json::parse(R"({"model":"m","messages":[
      {"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}],
      "max_tokens":64,"temperature":0.5,"seed":42,"top_p":0.9,"top_k":7,"min_p":0.1})"));
}

TEST_CASE("remote: tools are offered and calls come back; ids are left to the run") {
  const HttpTestServer server(called("zoltrax", R"({"ship": "Vela"})"));
  GenerateRequest request = asking("price of Vela?");
  request.conversation = request.conversation.with_tools({price_tool()});
  const Generation written = generate(*model_on(server), request);
  REQUIRE(written.turn.tool_calls.size() == 1);
  CHECK(written.turn.tool_calls[0].name == "zoltrax");
  CHECK(written.turn.tool_calls[0].arguments == Json{{"ship", "Vela"}});
  CHECK(written.turn.tool_calls[0].id.empty());
  CHECK(written.turn.text.empty());
  const Json body = body_of(server);
  CHECK(body.at("tool_choice") == "auto");
  CHECK(body.at("tools").at(0).at("function").at("name") == "zoltrax");
  // What only our decoding knows is not sent.
  CHECK(dump_json(body).find("x-copy") == std::string::npos);
}

TEST_CASE("remote: calls and results of the conversation are sent as pairs with ids that agree") {
  const HttpTestServer server(said("ok"));
  const auto call = [](const char* name) {
    return ToolCall{.id = "", .name = name, .arguments = Json{{"ship", "Vela"}}};
  };
  GenerateRequest request = asking("price?");
  request.conversation =
      request.conversation
          .with_turn({.role = Role::kAssistant, .text = "", .tool_calls = {call("a"), call("b")}})
          .with_turn({.role = Role::kTool, .text = "[1] 5", .tool_call_id = "s1"})
          .with_turn({.role = Role::kAssistant, .text = "", .tool_calls = {call("c")}})
          .with_turn({.role = Role::kTool, .text = "[2] 6"})
          .with_turn({.role = Role::kTool, .text = "stray"});
  generate(*model_on(server), request);
  const Json messages = body_of(server).at("messages");
  REQUIRE(messages.size() == 6);
  // The call of b has no answer, which servers refuse.
  REQUIRE(messages[1].at("tool_calls").size() == 1);
  CHECK(messages[1].at("tool_calls")[0].at("id") == "s1");
  CHECK(messages[1].at("tool_calls")[0].at("function") ==
        Json{{"name", "a"}, {"arguments", R"({"ship":"Vela"})"}});
  CHECK(messages[2] == Json::parse(R"({"role":"tool","tool_call_id":"s1","content":"[1] 5"})"));
  CHECK(messages[3].at("tool_calls")[0].at("id") == messages[4].at("tool_call_id"));
  CHECK(messages[5] == Json{{"role", "user"}, {"content", "stray"}});
}

TEST_CASE("remote: deltas are handed on as they come, calls are put together from theirs") {
  const HttpTestServer server(streamed(
      {R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
       R"({"choices":[{"delta":{"content":"Hel"}}]})",
       R"({"choices":[{"delta":{"content":"lo"}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"zoltrax","arguments":""}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"sh"}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ip\":\"V\"}"}}]}}]})",
       R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})",
       R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}})", "[DONE]"}));
  GenerateRequest request = asking("x");
  request.conversation = request.conversation.with_tools({price_tool()});
  std::vector<std::string> pieces;
  request.on_text = [&](std::string_view text) { pieces.emplace_back(text); };
  const Generation written = generate(*model_on(server), request);
  CHECK(pieces == std::vector<std::string>{"Hel", "lo"});
  CHECK(written.turn.text == "Hello");
  REQUIRE(written.turn.tool_calls.size() == 1);
  CHECK(written.turn.tool_calls[0].arguments == Json{{"ship", "V"}});
  CHECK(written.usage.prompt == 9);
  CHECK(written.usage.generated == 2);
  CHECK(body_of(server).at("stream") == true);
  CHECK(body_of(server).at("stream_options").at("include_usage") == true);
}

TEST_CASE("remote: a server that does not stream is read all the same") {
  const HttpTestServer server(said("whole"));
  GenerateRequest request = asking("x");
  request.on_text = [](std::string_view) {};
  CHECK(generate(*model_on(server), request).turn.text == "whole");
}

TEST_CASE("remote: a stream that is cut off is retried only while nothing was handed out") {
  const std::string cut = streamed({R"({"choices":[{"delta":{"content":"Hel"}}]})"});
  const std::string empty = streamed({R"({"choices":[{"delta":{"content":""}}]})"});
  const std::string good =
      streamed({R"({"choices":[{"delta":{"content":"all"},"finish_reason":"stop"}]})"});
  std::string text;
  GenerateRequest request = asking("x");
  request.on_text = [&](std::string_view piece) { text += piece; };
  {
    const HttpTestServer server(one_by_one({empty, good}));
    CHECK(generate(*model_on(server), request).turn.text == "all");
    CHECK(text == "all");
    CHECK(server.connections() == 2);
  }
  text.clear();
  const HttpTestServer server(one_by_one({cut, good}));
  const Error error = failure(*model_on(server), request);
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.message().find("ended before") != std::string::npos);
  CHECK(text == "Hel");
  CHECK(server.connections() == 1);
}

TEST_CASE("remote: busy and failing servers are tried again, within bounds") {
  const std::string busy = http_reply(429, "", "slow down", "Retry-After: 0\r\n");
  const std::string down = http_reply(503, "", R"({"error":{"message":"Loading model"}})");
  {
    const HttpTestServer server(one_by_one({busy, down, "", said("at last")}));
    CHECK(generate(*model_on(server), asking("x")).turn.text == "at last");
    CHECK(server.connections() == 4);
  }
  const HttpTestServer server(one_by_one({down}));
  const Error error = failure(*model_on(server), asking("x"));
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.message().find("Loading model") != std::string::npos);
  CHECK(server.connections() == 5);
}

TEST_CASE("remote: a wait that goes beyond the deadline is not begun") {
  const HttpTestServer server(http_reply(429, "", "later", "Retry-After: 3600\r\n"));
  const auto start = std::chrono::steady_clock::now();
  const Error error = failure(*model_on(server), asking("x"));
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.message().find("3600 s") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  CHECK(server.connections() == 1);
}

TEST_CASE("remote: refusals say what to do, are not retried, and never repeat the key") {
  struct Row {
    int status;
    std::string body;
    ErrorCode code;
    std::string hint;
  };
  const std::vector<Row> rows{
      {401, R"({"error":{"message":"bad key sk-secret"}})", ErrorCode::kDenied, "ORKESTRA_API_KEY"},
      {403, "no", ErrorCode::kDenied, "does not accept the key"},
      {404, R"({"error":{"message":"no such model"}})", ErrorCode::kNotFound, "no model \"m\""},
      {400, R"({"error":{"message":"maximum context length is 4096"}})", ErrorCode::kExhausted,
       "shorten"},
      {400, R"({"error":{"message":"the request exceeds the available context size"}})",
       ErrorCode::kExhausted, "shorten"},
      {400, R"({"error":"unknown field"})", ErrorCode::kInvalid, "unknown field"},
      {422, "<html>sk-secret", ErrorCode::kInvalid, "[key]"},
      {429, R"({"error":{"code":"insufficient_quota"}})", ErrorCode::kExhausted, "quota"},
      {302, "", ErrorCode::kInvalid, "redirects"},
  };
  for (const Row& row : rows) {
    const HttpTestServer server(
        http_reply(row.status, "application/json", row.body, "Location: /v2\r\n"));
    RemoteOptions options = options_for(server);
    options.api_key = "sk-secret";
    const Error error = failure(*make_remote_model(options), asking("x"));
    INFO(row.status << " -> " << error.message());
    CHECK(error.code() == row.code);
    CHECK(error.message().find(row.hint) != std::string::npos);
    CHECK(error.message().find("sk-secret") == std::string::npos);
    CHECK(server.connections() == (row.status == 404 ? 2 : 1));
  }
}

TEST_CASE("remote: an unknown model's error names those there are") {
  const HttpTestServer server([](const ServedRequest& request, ServedConnection& out) {
    out.send(request.target == "/v1/models"
                 ? json_reply({{"data", {{{"id", "jamba"}}, {{"id", "qwen"}}}}})
                 : http_reply(404, "", "what?"));
  });
  const Error error = failure(*model_on(server), asking("x"));
  CHECK(error.message().find("it offers: jamba, qwen") != std::string::npos);
}

TEST_CASE("remote: a server that wants max_completion_tokens gets it") {
  const HttpTestServer server([](const ServedRequest& request, ServedConnection& out) {
    const bool old = request.body.find("\"max_tokens\"") != std::string::npos;
    out.send(old ? http_reply(400, "", R"({"error":{"message":"use 'max_completion_tokens'"}})")
                 : said("ok"));
  });
  const auto model = model_on(server);
  CHECK(generate(*model, asking("x")).turn.text == "ok");
  CHECK(generate(*model, asking("x")).turn.text == "ok");
  CHECK(server.connections() == 3);
  CHECK(body_of(server, 2).at("max_completion_tokens") == 64);
}

TEST_CASE("remote: a silent server is left at the deadline, on a stop and when the ticket goes") {
  const HttpTestServer server(
      [](const ServedRequest&, ServedConnection& out) { out.wait_for_close(); });
  const auto model = model_on(server);
  GenerateRequest request = asking("x");
  request.limits.deadline = Limits::within(std::chrono::milliseconds(50)).deadline;
  CHECK(failure(*model, request).code() == ErrorCode::kDeadline);

  std::stop_source source;
  request = asking("x");
  request.limits.stop = source.get_token();
  auto tickets = model->submit({request, request, request});
  while (server.connections() < 4) std::this_thread::yield();
  source.request_stop();
  for (const auto& ticket : tickets) CHECK_THROWS_AS(ticket->wait(), Error);

  tickets = model->submit({asking("x"), asking("y")});
  tickets[0]->cancel();
  try {
    tickets[0]->wait();
    FAIL("was answered");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kCancelled);
  }
  tickets.clear();  // returns although the server never answers
}

TEST_CASE("remote: candidates of one submit are sent side by side, in bounds") {
  std::atomic<int> now{0}, most{0};
  const HttpTestServer server([&](const ServedRequest& request, ServedConnection& out) {
    const int busy = ++now;
    for (int seen = most; busy > seen && !most.compare_exchange_weak(seen, busy);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --now;
    out.send(said("seed " + dump_json(parse_json(request.body).at("seed"))));
  });
  RemoteOptions options = options_for(server);
  options.max_concurrent = 3;
  const auto model = make_remote_model(options);
  std::vector<GenerateRequest> requests;
  for (std::uint64_t i = 0; i < 8; ++i) {
    requests.push_back(asking("x"));
    requests.back().sampling.seed = i;
  }
  const auto tickets = model->submit(std::move(requests));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    CHECK(tickets[i]->wait().turn.text == "seed " + std::to_string(i));
  }
  CHECK(most <= 3);
  CHECK(most >= 2);
}

TEST_CASE("remote: names are URL and model; keys come from the environment, never in the clear") {
  ::unsetenv("ORKESTRA_API_KEY");
  ::setenv("OPENAI_API_KEY", "ambient", 1);
  CHECK(parse_remote_name("openai:http://localhost:8080/v1#org/m").model == "org/m");
  CHECK(parse_remote_name("openai:http://localhost:8080/v1#m").url == "http://localhost:8080/v1");
  CHECK(parse_remote_name("openai:http://localhost:8080/v1#m").api_key.empty());
  CHECK(parse_remote_name("openai:https://api.example/v1#m").api_key == "ambient");
  ::setenv("ORKESTRA_API_KEY", "chosen", 1);
  CHECK(parse_remote_name("openai:http://localhost:8080/v1#m").api_key == "chosen");
  ::unsetenv("ORKESTRA_API_KEY");
  ::unsetenv("OPENAI_API_KEY");
  for (const char* name : {"openai:", "openai:#m", "openai:http://x/v1", "openai:http://x/v1#"}) {
    INFO(name);
    CHECK_THROWS_AS(parse_remote_name(name), Error);
  }
  for (const char* url : {"ftp://x/v1", "http://user:pw@x/v1", "x/v1", "http://x/v1?key=1"}) {
    INFO(url);
    CHECK_THROWS_AS(make_remote_model({.url = url, .model = "m"}), Error);
  }
}

TEST_CASE("remote: a server may lie in the local network, a link-local one may not") {
  RemoteOptions options{.url = "http://169.254.169.254/v1", .model = "m"};
  const Error error = failure(*make_remote_model(options), asking("x"));
  CHECK(error.code() == ErrorCode::kDenied);
}

}  // namespace
}  // namespace orkestra::model::test
