#include <orkestra/core/error.h>
#include <orkestra/model/scripted/scripted_model.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/text_test_models.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace orkestra::model {
namespace {

using test::add_tool;
using test::price_tool;

Conversation asked(const std::string& text) {
  return Conversation()
      .with_tools({price_tool(), add_tool()})
      .with_turn({.role = Role::kUser, .text = text});
}

ErrorCode failure(LanguageModel& model, GenerateRequest request) {
  try {
    generate(model, std::move(request));
  } catch (const Error& e) {
    return e.code();
  }
  return ErrorCode::kInternal;
}

TEST_CASE("scripted model: replies, calls and scores come in their own order") {
  const auto model = make_scripted_model(
      "{\"text\":\"one\"}\n\n{\"score\":[-0.5,-2]}\n"
      "{\"call\":{\"name\":\"add\",\"arguments\":{\"b\":2,\"a\":1}}}\n"
      "{\"text\":\"<tool_call>{\\\"name\\\":\\\"f\\\"}</tool_call>\"}",
      "s");
  CHECK(model->capabilities().kind == "scripted");
  CHECK(model->capabilities().id == "s");
  std::string streamed;
  std::vector<GenerateRequest> requests(2);
  requests[0].conversation = asked("q");
  requests[0].on_text = [&](std::string_view text) { streamed += text; };
  requests[1].conversation = asked("q");
  requests[1].constraint = Constraint::tool_call({add_tool()}, {{"request", "Add 1 and 2."}});
  auto tickets = model->submit(std::move(requests));
  CHECK(tickets[0]->wait().turn.text == "one");
  CHECK(streamed == "one");
  const Generation second = tickets[1]->wait();
  REQUIRE(second.turn.tool_calls.size() == 1);
  CHECK(dump_json(second.turn.tool_calls[0].arguments) == R"({"a":1,"b":2})");
  CHECK(generate(*model, {.conversation = asked("q")}).turn.tool_calls.size() == 1);
  const ScoreResult scores = model->score({.conversation = asked("q"), .choices = {"a", "b"}});
  CHECK(scores.log_probability == std::vector<double>{-0.5, -2});
  CHECK(scores.method == "script");
}

TEST_CASE("scripted model: what a real model could not have written is refused") {
  const auto model = make_scripted_model(
      "{\"text\":\"maybe\"}\n{\"text\":\"ye\"}\n"
      "{\"call\":{\"name\":\"add\",\"arguments\":{\"a\":1,\"b\":3}}}\n"
      "{\"call\":{\"name\":\"sub\",\"arguments\":{}}}\n{\"text\":\"yes\"}",
      "s");
  const Constraint yes_no = Constraint::choices({"yes", "no"});
  const Constraint call = Constraint::tool_call({add_tool()}, {{"request", "Add 1 and 2."}});
  CHECK(failure(*model, {.conversation = asked("q"), .constraint = yes_no}) == ErrorCode::kInvalid);
  CHECK(failure(*model, {.conversation = asked("q"), .constraint = yes_no}) == ErrorCode::kInvalid);
  CHECK(failure(*model, {.conversation = asked("q"), .constraint = call}) == ErrorCode::kInvalid);
  CHECK(failure(*model, {.conversation = asked("q"), .constraint = call}) == ErrorCode::kInvalid);
  CHECK(generate(*model, {.conversation = asked("q"), .constraint = yes_no}).turn.text == "yes");
  CHECK(failure(*model, {.conversation = asked("q")}) == ErrorCode::kExhausted);
  CHECK_THROWS_AS(model->score({.conversation = asked("q"), .choices = {"a"}}), Error);
}

TEST_CASE("scripted model: expectations, limits, resuming") {
  const std::string script =
      "{\"text\":\"a\",\"expect\":\"price\"}\n{\"text\":\"b\",\"expect\":\"price\"}\n"
      "{\"text\":\"c\"}";
  const auto model = make_scripted_model(script, "s");
  CHECK(generate(*model, {.conversation = asked("the price?")}).turn.text == "a");
  CHECK(failure(*model, {.conversation = asked("the size?")}) == ErrorCode::kInvalid);
  std::stop_source stop;
  stop.request_stop();
  CHECK(failure(*model, {.conversation = asked("q"), .limits = {.stop = stop.get_token()}}) ==
        ErrorCode::kCancelled);
  CHECK(failure(*model, {.conversation = asked("q"),
                         .limits = Limits::within(std::chrono::milliseconds(-1))}) ==
        ErrorCode::kDeadline);
  CHECK(generate(*model, {.conversation = asked("q")}).turn.text == "c");
  CHECK(generate(*make_scripted_model(script, "s", 2), {.conversation = asked("q")}).turn.text ==
        "c");
}

TEST_CASE("scripted model: bad scripts are refused with their line") {
  for (const char* line :
       {"[]", "{}", "{\"text\":5}", "{\"call\":{}}", "{\"score\":[\"a\"]}", "{\"txt\":\"a\"}",
        "{\"text\":\"a\",\"score\":[1]}", "not json", "{\"call\":{\"name\":\"f\"}}"}) {
    INFO(line);
    try {
      make_scripted_model("{\"text\":\"a\"}\n" + std::string(line), "s");
      FAIL("accepted");
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kInvalid);
      CHECK(e.message().find("s:2:") != std::string::npos);
    }
  }
  try {
    open_scripted_model("/nonexistent/script.jsonl");
    FAIL("opened");
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kNotFound);
  }
}

TEST_CASE("scripted model: threads take each reply once") {
  std::string script;
  for (int i = 0; i < 200; ++i) script += "{\"text\":\"" + std::to_string(i) + "\"}\n";
  const auto model = make_scripted_model(script, "s");
  std::vector<std::vector<std::string>> heard(4);
  {
    std::vector<std::jthread> threads;
    for (auto& texts : heard) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          texts.push_back(generate(*model, {.conversation = asked("q")}).turn.text);
        }
      });
    }
  }
  std::set<std::string> all;
  for (const auto& texts : heard) all.insert(texts.begin(), texts.end());
  CHECK(all.size() == 200);
}

}  // namespace
}  // namespace orkestra::model
