// ChatReplyReader: a chat completion, whole or as streamed deltas, read into plain data within
// bounds. Everything in it was written by a server that may be broken or hostile. One thread.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct ChatReply {
  struct Call {
    std::string name;
    std::string arguments;  // JSON text as the server sent it, valid or not
  };
  std::string text;
  std::vector<Call> calls;
  FinishReason finish = FinishReason::kStop;
  TokenUsage usage{};                // zeros when the server does not count
  Json log_probabilities = nullptr;  // of the first token: [{"token", "logprob"}]; null: none
};

class ChatReplyReader {
 public:
  explicit ChatReplyReader(std::string server) : server_(std::move(server)) {}

  // One event's data. Returns the text it adds, which lives until the next call. Throws
  // Error{kCorrupt, kExhausted, kDenied, kUnavailable}.
  std::string_view take_delta(std::string_view data);
  // A whole reply that was not streamed.
  void take_whole(std::string_view body);
  // After the last event. Throws Error{kUnavailable} when the stream ended before the reply did.
  ChatReply finish();
  bool done() const { return done_; }  // "[DONE]" was read

 private:
  Error corrupt(const std::string& what) const;
  void take_choice(const Json& choice, std::string_view part);
  void take_message(const Json& message);
  void take_calls(const Json& calls);
  void take_finish(const Json& choice);
  void take_usage(const Json& json);
  void check_error(const Json& json) const;
  void add(std::string& to, std::string_view what);

  std::string server_;
  ChatReply reply_;
  std::size_t bytes_ = 0;       // kept of text and calls
  std::size_t delta_from_ = 0;  // where in reply_.text the last delta begins
  bool finished_ = false;       // a finish reason was read
  bool done_ = false;
};

}  // namespace orkestra::model
