// What the tests of the remote model share: replies as servers write them, and a model on a test
// server that does not wait long between retries.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/model/remote/remote_model.h>
#include <orkestra/tests/http_test_server.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model::test {

using orkestra::test::http_reply;
using orkestra::test::HttpTestServer;
using orkestra::test::ServedConnection;
using orkestra::test::ServedRequest;

inline std::string json_reply(const Json& body, int status = 200) {
  return http_reply(status, "application/json", dump_json(body));
}

inline std::string said(const std::string& text, const std::string& finish = "stop") {
  return json_reply({{"choices",
                      {{{"index", 0},
                        {"message", {{"role", "assistant"}, {"content", text}}},
                        {"finish_reason", finish}}}},
                     {"usage",
                      {{"prompt_tokens", 11},
                       {"completion_tokens", 3},
                       {"prompt_tokens_details", {{"cached_tokens", 4}}}}}});
}

inline std::string called(const std::string& name, const std::string& arguments) {
  return json_reply({{"choices",
                      {{{"message",
                         {{"role", "assistant"},
                          {"content", nullptr},
                          {"tool_calls",
                           {{{"id", "call_1"},
                             {"type", "function"},
                             {"function", {{"name", name}, {"arguments", arguments}}}}}}}},
                        {"finish_reason", "tool_calls"}}}}});
}

inline std::string streamed(const std::vector<std::string>& events) {
  std::string body;
  for (const std::string& event : events) body += "data: " + event + "\n\n";
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body;
}

inline RemoteOptions options_for(const HttpTestServer& server) {
  RemoteOptions options{.url = server.url("/v1"), .model = "m"};
  options.first_backoff = std::chrono::milliseconds(1);
  options.max_backoff = std::chrono::milliseconds(4);
  options.timeout = std::chrono::seconds(20);
  return options;
}

inline std::unique_ptr<LanguageModel> model_on(const HttpTestServer& server) {
  return make_remote_model(options_for(server));
}

// Sends the n-th reply to the n-th request, the last one to all that follow.
inline HttpTestServer::Handler one_by_one(std::vector<std::string> replies) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [replies = std::move(replies), next](const ServedRequest&, ServedConnection& out) {
    out.send(replies.at(std::min((*next)++, replies.size() - 1)));
  };
}

inline GenerateRequest asking(const std::string& text, Constraint constraint = {}) {
  GenerateRequest request{
      .conversation = Conversation().with_turn({.role = Role::kUser, .text = text}),
      .constraint = std::move(constraint)};
  request.limits = Limits::within(std::chrono::seconds(20));
  request.limits.max_tokens = 64;
  return request;
}

inline Error failure(LanguageModel& model, GenerateRequest request) {
  try {
    const Generation written = generate(model, std::move(request));
    return {ErrorCode::kInternal, "it wrote: " + written.turn.text};
  } catch (const Error& error) {
    return error;
  }
}

inline Json body_of(const HttpTestServer& server, std::size_t request = 0) {
  return parse_json(server.requests().at(request).body);
}

}  // namespace orkestra::model::test
