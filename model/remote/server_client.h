// ServerClient: requests to one OpenAI-compatible server, with retries, and its refusals as Errors
// that say what to do. Thread-safe. Shared by the model and its tickets.
#pragma once

#include <orkestra/core/http_client.h>
#include <orkestra/core/json.h>
#include <orkestra/model/remote/remote_model.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace orkestra::model {

// How the body of a reply is taken. Every attempt begins anew.
struct ReplySink {
  std::function<void()> begin;
  std::function<bool(std::string_view)> take;  // false: enough
  // The reply is complete; may throw kUnavailable when it was cut off.
  std::function<void()> end;
  // False once something was handed out that can't be taken back.
  std::function<bool()> may_begin_again;
};

class ServerClient {
 public:
  explicit ServerClient(RemoteOptions options);

  // POSTs `body` to `path` ("/chat/completions"). Throws Error: kDenied (key), kNotFound (model),
  // kInvalid (the server refuses the request), kExhausted (context, quota, size), kUnavailable,
  // kDeadline, kCancelled.
  void post(std::string_view path, const Json& body, const Limits& limits, const ReplySink& sink);

  const RemoteOptions& options() const { return options_; }
  const std::string& id() const { return id_; }  // "openai:URL#name"
  // The field that limits how much is written: servers differ, and say so.
  std::string max_tokens_field() const;

 private:
  class Slot;
  struct Refusal {
    Error error;
    bool worth_a_retry = false;
    std::optional<std::chrono::milliseconds> retry_after{};
    bool other_token_field = false;  // it wants "max_completion_tokens"
  };

  HttpRequest request_for(std::string_view path, const Json& body) const;
  Refusal refusal_of(const HttpResponse& response, const Limits& limits);
  std::string known_models(const Limits& limits) const;
  std::string without_key(std::string text) const;
  std::chrono::milliseconds backoff(int attempt);
  void pause(std::chrono::milliseconds duration, const Error& cause, const Limits& limits);

  RemoteOptions options_;
  std::string id_;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable_any changed_;
  std::size_t busy_ = 0;
  std::mt19937_64 random_;
  bool completion_tokens_ = false;
};

// Retry-After: seconds, or a date held against `unix_seconds`. nullopt when it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::int64_t unix_seconds);

}  // namespace orkestra::model
