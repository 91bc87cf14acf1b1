// What goes back to an OpenAI-compatible client: one completion, or the chunks of one.
//
// ChatWriter makes them and knows how much of the text has been sent. Owned by one producer; its
// calls must not overlap.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/core/json.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace orkestra::service {

struct ChatUsage {
  std::int64_t prompt = 0;
  std::int64_t reused = 0;  // of the prompt, not computed again
  std::int64_t generated = 0;
};

struct ChatReply {
  Turn turn;
  std::string finish_reason;  // "stop", "length", "tool_calls"
  ChatUsage usage{};
  Json orkestra = nullptr;  // about the run, when an agent answered; about calls that can't be read
};

class ChatWriter {
 public:
  // `holds_calls`: the text may hold tool calls in the model's own style. What could be the
  // beginning of one is held back until it is known.
  ChatWriter(std::string model, bool holds_calls);

  // The whole completion as one object.
  Json completion(const ChatReply& reply) const;

  // A streamed one, each as the bytes of server-sent events: begin, reasoning..., text..., end.
  std::string begin() const;
  std::string reasoning(std::string_view piece);
  std::string text(std::string_view piece);
  // The rest of the text, the calls, the reason, the usage if asked for, and [DONE].
  std::string end(const ChatReply& reply, bool with_usage);

 private:
  Json chunk(Json delta, const Json& finish_reason) const;
  Json call_json(const ToolCall& call, std::size_t index) const;

  std::string id_;
  std::string model_;
  std::int64_t created_ = 0;
  bool holds_calls_ = false;
  std::string written_;   // by the model so far
  std::size_t sent_ = 0;  // bytes of written_
  bool reasoned_ = false;
};

}  // namespace orkestra::service
