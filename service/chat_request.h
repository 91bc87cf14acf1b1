// ChatRequest: what an OpenAI-compatible client asks of POST /v1/chat/completions, in our words.
// Pure functions over JSON from outside.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orkestra::service {

struct ChatRequest {
  std::string model;
  Conversation conversation;       // messages and tools
  model::Constraint constraint{};  // after tool_choice and response_format
  model::Sampling sampling{};
  std::optional<std::int64_t> max_tokens{};
  std::optional<std::uint64_t> seed{};
  Json schema = nullptr;  // of response_format
  std::vector<std::string> stop{};
  bool stream = false;
  bool stream_usage = false;
};

// Throws Error{kInvalid} naming the member; kUnsupported for what would change the answer and
// can't be honoured. Members that change nothing about the answer (user, metadata, ...) are
// accepted.
ChatRequest parse_chat_request(const Json& body);

// The text of the last user message. Throws Error{kInvalid} when there is none.
std::string last_user_text(const Conversation& conversation);

}  // namespace orkestra::service
