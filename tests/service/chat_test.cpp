// POST /v1/chat/completions as an OpenAI-compatible client meets it, over scripted replies and
// over the bundled model.
#include <orkestra/core/error.h>
#include <orkestra/service/chat_reply.h>
#include <orkestra/service/chat_request.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/service/service_fixture.h>

#include <iterator>
#include <random>

namespace orkestra::service {
namespace {

constexpr const char* kModel = "script.jsonl";

Json message(const std::string& text) { return {{"role", "user"}, {"content", text}}; }

Json chat(const std::string& model, const std::string& text) {
  return {{"model", model}, {"messages", Json::array({message(text)})}};
}

Json weather_tool() {
  return {{"type", "function"},
          {"function",
           {{"name", "weather"},
            {"description", "The weather of a city."},
            {"parameters",
             {{"type", "object"},
              {"properties", {{"city", {{"type", "string"}}}}},
              {"required", {"city"}}}}}}};
}

struct Streamed {
  int status = 0;
  std::string text;
  std::string reasoning;
  Json calls = Json::array();
  std::string finish_reason;
  Json usage = nullptr;
  Json orkestra = nullptr;
  std::string error;
  int chunks = 0;
  bool done = false;  // [DONE] came last
};

Streamed stream(std::uint16_t port, Json body) {
  body["stream"] = true;
  Client client(port);
  client.send(client.request("POST", "/v1/chat/completions", dump_json(body)));
  Streamed result;
  const Reply head = client.read_head();
  result.status = head.status;
  if (head.status != 200) return result;
  CHECK(head.header("content-type") == "text/event-stream");
  client.read_events([&](const ServerEvent& event) {
    CHECK_FALSE(result.done);
    if (event.data == "[DONE]") {
      result.done = true;
      return true;
    }
    const Json chunk = Json::parse(event.data);
    ++result.chunks;
    if (chunk.contains("error")) {
      result.error = chunk.at("error").at("code");
      return true;
    }
    CHECK(chunk.at("object") == "chat.completion.chunk");
    if (chunk.contains("usage")) result.usage = chunk.at("usage");
    if (chunk.contains("orkestra")) result.orkestra = chunk.at("orkestra");
    for (const Json& choice : chunk.at("choices")) {
      const Json& delta = choice.at("delta");
      result.text += delta.value("content", "");
      result.reasoning += delta.value("reasoning_content", "");
      for (const Json& call : delta.value("tool_calls", Json::array())) {
        result.calls.push_back(call);
      }
      if (!choice.at("finish_reason").is_null()) result.finish_reason = choice.at("finish_reason");
    }
    return true;
  });
  return result;
}

}  // namespace

TEST_CASE("the models are listed under the names they answer to") {
  const ServiceFixture service;
  const Json list = service.ask("GET", "/v1/models").json();
  CHECK(list.at("object") == "list");
  REQUIRE(list.at("data").size() == 2);
  CHECK(list.at("data")[0].at("id") == kModel);
  CHECK(list.at("data")[1].at("id") == "agent:default");
}

TEST_CASE("the raw model answers a conversation") {
  const ServiceFixture service(text_line("Hello to you."));
  const Reply reply = service.ask("POST", "/v1/chat/completions", chat(kModel, "Hello."));
  CAPTURE(reply.body);
  REQUIRE(reply.status == 200);
  const Json completion = reply.json();
  CHECK(completion.at("object") == "chat.completion");
  CHECK(completion.at("model") == kModel);
  CHECK(completion.at("choices")[0].at("message").at("content") == "Hello to you.");
  CHECK(completion.at("choices")[0].at("finish_reason") == "stop");
  CHECK(completion.at("usage").at("total_tokens") == 0);
  // Nothing was made a run of.
  CHECK(service.ask("GET", "/v1/runs").json().at("data").empty());
}

TEST_CASE("tools become calls, and their results go back") {
  const ServiceFixture service(call_line("weather", {{"city", "Oslo"}}) +
                               R"({"text": "It rains in Oslo.", "expect": "{\"sky\": \"rain\"}"})" +
                               "\n");
  Json body = chat(kModel, "How is the weather in Oslo?");
  body["tools"] = Json::array({weather_tool()});
  const Json first = service.ask("POST", "/v1/chat/completions", body).json();
  CAPTURE(first.dump(1));
  const Json& choice = first.at("choices")[0];
  CHECK(choice.at("finish_reason") == "tool_calls");
  CHECK(choice.at("message").at("content").is_null());
  const Json& call = choice.at("message").at("tool_calls")[0];
  CHECK(call.at("type") == "function");
  CHECK(call.at("function").at("name") == "weather");
  CHECK(Json::parse(call.at("function").at("arguments").get<std::string>()) ==
        Json{{"city", "Oslo"}});
  REQUIRE_FALSE(call.at("id").get<std::string>().empty());

  body["messages"].push_back(choice.at("message"));
  body["messages"].push_back(
      {{"role", "tool"}, {"tool_call_id", call.at("id")}, {"content", "{\"sky\": \"rain\"}"}});
  const Json second = service.ask("POST", "/v1/chat/completions", body).json();
  CAPTURE(second.dump(1));
  CHECK(second.at("choices")[0].at("message").at("content") == "It rains in Oslo.");
}

TEST_CASE("a stop string ends the answer, streamed and whole") {
  const std::string script =
      text_line("One.\nUser: two") + text_line("One.\nUser: two") + text_line("none of it");
  const ServiceFixture service(script);
  Json body = chat(kModel, "Count.");
  body["stop"] = Json::array({"\nUser:", "###"});
  const Json whole = service.ask("POST", "/v1/chat/completions", body).json();
  CHECK(whole.at("choices")[0].at("message").at("content") == "One.");
  CHECK(whole.at("choices")[0].at("finish_reason") == "stop");
  const Streamed streamed = stream(service.port(), body);
  CHECK(streamed.text == "One.");
  CHECK(streamed.finish_reason == "stop");
  body["stop"] = "of";
  CHECK(stream(service.port(), body).text == "none ");
}

TEST_CASE("reasoning is apart from the answer, streamed and whole") {
  const std::string thought = "<think>\n2 and 2, stop.\n</think>\n\nFour.";
  const ServiceFixture service(text_line(thought) + text_line(thought) + text_line("Yes."));
  Json body = chat(kModel, "2 + 2?");
  body["stop"] = "stop";  // the answer's end, not the reasoning's
  const Json message =
      service.ask("POST", "/v1/chat/completions", body).json().at("choices")[0].at("message");
  CHECK(message.at("reasoning_content") == "2 and 2, stop.");
  CHECK(message.at("content") == "Four.");
  const Streamed streamed = stream(service.port(), body);
  CHECK(streamed.reasoning == "2 and 2, stop.");
  CHECK(streamed.text == "Four.");
  // A client may send it back; it is part of the conversation.
  body["messages"].push_back(
      {{"role", "assistant"}, {"content", "Four."}, {"reasoning_content", "2 and 2, stop."}});
  body["messages"].push_back(Json{{"role", "user"}, {"content", "Sure?"}});
  CHECK(parse_chat_request(body).conversation.turns()[1]->reasoning == "2 and 2, stop.");
  CHECK(service.ask("POST", "/v1/chat/completions", body).status == 200);
}

TEST_CASE("what tool_choice and response_format ask for holds the model") {
  const ServiceFixture service(text_line("no call at all") + text_line("{\"n\": \"one\"}") +
                               text_line("{\"n\":1}"));
  Json body = chat(kModel, "x");
  body["tools"] = Json::array({weather_tool()});
  body["tool_choice"] = "required";
  // A scripted reply that the constraint forbids is refused.
  CHECK(service.ask("POST", "/v1/chat/completions", body).status == 400);
  Json json = chat(kModel, "x");
  json["response_format"] = {{"type", "json_schema"},
                             {"json_schema",
                              {{"name", "n"},
                               {"schema",
                                {{"type", "object"},
                                 {"properties", {{"n", {{"type", "integer"}}}}},
                                 {"required", {"n"}},
                                 {"additionalProperties", false}}}}}};
  CHECK(service.ask("POST", "/v1/chat/completions", json).status == 400);
  CHECK(service.ask("POST", "/v1/chat/completions", json)
            .json()
            .at("choices")[0]
            .at("message")
            .at("content") == "{\"n\":1}");
}

TEST_CASE("a stream says the same as the whole, calls without their markup") {
  const ServiceFixture service(
      text_line("Is 1 < 2 <tool or not?") +
      text_line("Let me see. <tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"Oslo\"}}"
                "</tool_call>"));
  Json body = chat(kModel, "Weather?");
  const Streamed prose = stream(service.port(), body);
  CHECK(prose.text == "Is 1 < 2 <tool or not?");
  CHECK(prose.finish_reason == "stop");
  CHECK(prose.done);
  CHECK(prose.usage.is_null());
  body["tools"] = Json::array({weather_tool()});
  body["stream_options"] = {{"include_usage", true}};
  const Streamed call = stream(service.port(), body);
  CAPTURE(call.status, call.error);
  if (call.status == 200 && call.error.empty()) {
    CHECK(call.text.find("tool_call") == std::string::npos);
    REQUIRE(call.calls.size() == 1);
    CHECK(call.calls[0].at("index") == 0);
    CHECK(call.calls[0].at("function").at("name") == "weather");
    CHECK(call.finish_reason == "tool_calls");
    CHECK(call.usage.at("total_tokens") == 0);
  }
  // The script is at its end: nothing was streamed yet, so it fails with a status.
  CHECK(stream(service.port(), body).status == 429);
}

TEST_CASE("text beside calls is streamed whole, however it is cut into pieces") {
  const std::string written =
      "A < B, <b>yes</b>. <tool_call>{\"name\":\"w\",\"arguments\":{}}</tool_call>";
  const Turn turn{.role = Role::kAssistant,
                  .text = "A < B, <b>yes</b>.",
                  .tool_calls = {{.name = "w", .arguments = Json::object()}}};
  for (std::size_t size = 1; size <= written.size(); ++size) {
    ChatWriter writer("m", true);
    std::string bytes;
    for (std::size_t at = 0; at < written.size(); at += size) {
      bytes += writer.text(std::string_view(written).substr(at, size));
    }
    bytes += writer.end({.turn = turn, .finish_reason = "tool_calls"}, false);
    std::string text;
    int calls = 0;
    EventStreamReader reader;
    reader.push(bytes, [&](const ServerEvent& event) {
      if (event.data == "[DONE]") return true;
      const Json delta = Json::parse(event.data).at("choices")[0].at("delta");
      text += delta.value("content", "");
      calls += delta.contains("tool_calls") ? 1 : 0;
      return true;
    });
    CAPTURE(size);
    // The blank before the call may have been sent already.
    CHECK((text == turn.text || text == turn.text + " "));
    CHECK(calls == 1);
  }
}

TEST_CASE("agent:default is a whole run whose report comes with the message") {
  const ServiceFixture service;
  Json body = chat("agent:default", kTask);
  body["messages"].insert(body["messages"].begin(),
                          Json{{"role", "system"}, {"content", "Be brief."}});
  const Json completion = service.ask("POST", "/v1/chat/completions", body).json();
  CAPTURE(completion.dump(1));
  CHECK(completion.at("choices")[0].at("message").at("content") == kAnswer);
  CHECK(completion.at("orkestra").at("status") == "verified");
  CHECK(completion.at("orkestra").at("claims")[0].at("verdict") == "supported");
  const std::string run = completion.at("orkestra").at("run");
  CHECK(service.ask("GET", "/v1/runs/" + run).json().at("task") == kTask);

  const Streamed streamed = stream(service.port(), body);
  CHECK(streamed.text == kAnswer);
  CHECK(streamed.done);
  CHECK(streamed.orkestra.at("status") == "verified");
}

TEST_CASE("an answer that is not verified says so in the message itself") {
  std::string script = call_line("region_revenue", {{"region", "North"}});
  for (int i = 0; i < 12; ++i) script += text_line("The revenue of the region North is 4100 [1].");
  const ServiceFixture service(script);
  const Reply reply = service.ask("POST", "/v1/chat/completions", chat("agent:default", kTask));
  CAPTURE(reply.body);
  REQUIRE(reply.status == 200);
  const std::string status = reply.json().at("orkestra").at("status");
  CHECK(status != "verified");
  const std::string content = reply.json().at("choices")[0].at("message").at("content");
  CHECK(content.find("(" + status) != std::string::npos);
}

TEST_CASE("requests that can't be honoured are refused by the name of what is wrong") {
  const ServiceFixture service;
  const auto refused = [&](Json body, int status, const std::string& mention) {
    const Reply reply = service.ask("POST", "/v1/chat/completions", body);
    CAPTURE(body.dump(), reply.body);
    CHECK(reply.status == status);
    CHECK(reply.json().at("error").at("message").get<std::string>().find(mention) !=
          std::string::npos);
  };
  const auto with = [&](const char* name, Json value) {
    Json body = chat(kModel, "x");
    body[name] = std::move(value);
    return body;
  };
  refused(chat("gpt-none", "x"), 404, "gpt-none");
  refused({{"model", kModel}}, 400, "messages");
  refused(with("messages", Json::array()), 400, "messages");
  refused(with("messages", Json::array({Json{{"role", "robot"}}})), 400, "messages[0].role");
  refused(with("messages",
               Json::array({Json{{"role", "user"},
                                 {"content", Json::array({Json{{"type", "image_url"}}})}}})),
          400, "text");
  refused(with("messages", Json::array({Json{{"role", "tool"}, {"content", "x"}}})), 400,
          "tool_call_id");
  refused(with("temperature", 3), 400, "temperature");
  refused(with("temperature", "hot"), 400, "temperature");
  refused(with("top_p", -0.1), 400, "top_p");
  refused(with("max_tokens", 0), 400, "max_tokens");
  refused(with("n", 2), 400, "n:");
  refused(with("stop", 5), 400, "stop");
  refused(with("stop", Json::array({"a", 1})), 400, "stop");
  refused(with("stop", ""), 400, "stop");
  refused(with("stop", std::string(300, 'x')), 400, "stop");
  Json agent_stop = chat("agent:default", "x");
  agent_stop["stop"] = "x";
  refused(agent_stop, 400, "stop");
  refused(with("logprobs", true), 400, "logprobs");
  refused(with("presence_penalty", 0.5), 400, "presence_penalty");
  refused(with("tool_choice", "required"), 400, "tool_choice");
  refused(with("tools", Json::array({Json{{"type", "function"}}})), 400, "tools[0]");
  refused(with("response_format", {{"type", "xml"}}), 400, "response_format");
  Json agent_tools = chat("agent:default", "x");
  agent_tools["tools"] = Json::array({weather_tool()});
  refused(agent_tools, 400, "own tools");
  Json no_user = chat("agent:default", "x");
  no_user["messages"][0]["role"] = "system";
  refused(no_user, 400, "user message");
  // Asking for nothing is no reason to refuse.
  const ServiceFixture other(text_line("ok"));
  Json neutral = with("presence_penalty", 0);
  neutral["user"] = "ada";
  neutral["stop"] = nullptr;
  neutral["logit_bias"] = Json::object();
  CHECK(other.ask("POST", "/v1/chat/completions", neutral).status == 200);
}

TEST_CASE("a request with any member replaced by anything is read or refused") {
  Json whole = chat(kModel, "x");
  whole["messages"].push_back(
      {{"role", "assistant"},
       {"tool_calls",
        Json::array({{{"id", "1"}, {"function", {{"name", "w"}, {"arguments", "{}"}}}}})}});
  whole["messages"].push_back({{"role", "tool"}, {"tool_call_id", "1"}, {"content", "sun"}});
  whole["messages"].push_back(
      {{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "x"}}})}});
  whole["tools"] = Json::array({weather_tool()});
  whole["tool_choice"] = {{"type", "function"}, {"function", {{"name", "weather"}}}};
  whole["response_format"] = {{"type", "json_schema"},
                              {"json_schema", {{"schema", {{"type", "object"}}}}}};
  whole["stream_options"] = {{"include_usage", true}};
  whole["temperature"] = 0.5;
  whole["max_tokens"] = 5;
  REQUIRE(parse_chat_request(whole).conversation.turns().size() == 4);
  const std::vector<Json> others{nullptr,
                                 true,
                                 0,
                                 -1,
                                 1.5,
                                 1e300,
                                 "",
                                 "x",
                                 std::string("\xFF"),
                                 Json::array(),
                                 Json::object(),
                                 Json::array({Json::array()}),
                                 Json{{"function", 1}},
                                 std::uint64_t(-1),
                                 whole};
  std::mt19937 random(7);
  int read = 0;
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    Json body = whole;
    Json* at = &body;
    // Down a random way, to be replaced where it ends.
    while (at->is_structured() && !at->empty() && (at == &body || random() % 4 != 0)) {
      auto child = at->begin();
      std::advance(child, static_cast<std::ptrdiff_t>(random() % at->size()));
      at = &*child;
    }
    *at = others[random() % others.size()];
    try {
      parse_chat_request(body);
      ++read;
    } catch (const Error& error) {
      REQUIRE(error.code() != ErrorCode::kInternal);
      ++refused;
    }
  }
  CHECK(read > 100);
  CHECK(refused > 100);
}

TEST_CASE("the bundled model: streamed and whole agree, and a limit of tokens holds") {
  const planner::RunFixture files;
  agent::Agent agent({.model = ORKESTRA_BINARY_DIR "/share/orkestra/models/nano.gguf",
                      .store = files.file("store.db"),
                      .threads = 1});
  Server server(agent, {.port = 0, .model_name = "nano"});
  std::thread thread([&] { server.run(); });
  Json body = chat("nano", "What is the balance of the customer Ada?");
  body["temperature"] = 0;
  body["max_tokens"] = 8;
  Client client(server.port());
  const Reply reply = client.ask("POST", "/v1/chat/completions", dump_json(body));
  CAPTURE(reply.body);
  CHECK(reply.status == 200);
  const Json whole = reply.json();
  CHECK(whole.at("usage").at("completion_tokens").get<int>() <= 8);
  CHECK(whole.at("usage").at("prompt_tokens").get<int>() > 0);
  body["stream_options"] = {{"include_usage", true}};
  const Streamed streamed = stream(server.port(), body);
  CHECK(streamed.text == whole.at("choices")[0].at("message").at("content"));
  CHECK(streamed.finish_reason == whole.at("choices")[0].at("finish_reason"));
  CHECK(streamed.usage.at("completion_tokens") == whole.at("usage").at("completion_tokens"));
  CHECK(streamed.usage.at("prompt_tokens_details").at("cached_tokens").get<int>() > 0);
  // Whatever it says, it can be ended before any part of it.
  if (streamed.text.size() > 3) {
    Json ended = body;
    ended["stop"] = streamed.text.substr(2, 2);
    const Streamed cut = stream(server.port(), ended);
    CHECK(cut.text == streamed.text.substr(0, streamed.text.find(streamed.text.substr(2, 2))));
    CHECK(cut.finish_reason == "stop");
  }
  // A call of a tool, forced, is one whatever the model.
  body["tools"] = Json::array({weather_tool()});
  body["tool_choice"] = "required";
  body["max_tokens"] = 256;
  const Streamed call = stream(server.port(), body);
  CHECK(call.text.empty());
  CHECK((call.finish_reason == "tool_calls" || call.finish_reason == "length"));
  // How far a long prompt is read stands between the events.
  std::string words;
  for (int i = 0; i < 700; ++i) words += "word" + std::to_string(i % 10) + " ";
  Json long_body = chat("nano", words);
  long_body["max_tokens"] = 2;
  long_body["stream"] = true;
  const Reply raw = Client(server.port()).ask("POST", "/v1/chat/completions", dump_json(long_body));
  CAPTURE(raw.body);
  CHECK(raw.body.find(" prompt tokens\n\n") != std::string::npos);
  CHECK(raw.body.find(": 0 of ") == std::string::npos);
  CHECK(raw.body.find("[DONE]") != std::string::npos);
  server.stop();
  thread.join();
}

}  // namespace orkestra::service
