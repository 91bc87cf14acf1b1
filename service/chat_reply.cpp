#include <orkestra/core/clock.h>
#include <orkestra/model/text/chat/tool_call_text.h>
#include <orkestra/service/chat_reply.h>
#include <orkestra/service/stream_buffer.h>

#include <array>
#include <random>
#include <utility>

namespace orkestra::service {
namespace {

std::string random_id() {
  std::random_device random;
  std::string id = "chatcmpl-";
  for (int i = 0; i < 24; ++i) id += "0123456789abcdef"[random() % 16];
  return id;
}

// The bytes at the front of `text` that can't belong to a tool call, whatever comes next.
std::size_t surely_prose(std::string_view text) {
  using model::ToolCallStyle;
  constexpr std::array kStyles{ToolCallStyle::kHermes, ToolCallStyle::kJamba};
  for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    const std::string_view rest = text.substr(at);
    for (const ToolCallStyle style : kStyles) {
      const std::string_view marker = model::call_begin(style);
      if (rest.starts_with(marker.substr(0, rest.size()))) return at;
    }
  }
  return text.size();
}

Json usage_json(const ChatUsage& usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.generated},
          {"total_tokens", usage.prompt + usage.generated},
          {"prompt_tokens_details", {{"cached_tokens", usage.reused}}}};
}

std::string data(const Json& json) { return server_event(dump_json(json)); }

}  // namespace

ChatWriter::ChatWriter(std::string model, bool holds_calls)
    : id_(random_id()),
      model_(std::move(model)),
      created_(SystemClock().unix_ms() / 1000),
      holds_calls_(holds_calls) {}

Json ChatWriter::call_json(const ToolCall& call, std::size_t index) const {
  // Models write no ids; the completion's own makes one that no other call has.
  const std::string id = call.id.empty()
                             ? "call_" + id_.substr(id_.find('-') + 1) + "_" + std::to_string(index)
                             : call.id;
  return {{"id", id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", dump_json(call.arguments)}}}};
}

Json ChatWriter::completion(const ChatReply& reply) const {
  Json message = {{"role", "assistant"}, {"content", reply.turn.text}};
  if (!reply.turn.reasoning.empty()) message["reasoning_content"] = reply.turn.reasoning;
  if (!reply.turn.tool_calls.empty()) {
    if (reply.turn.text.empty()) message["content"] = nullptr;
    Json calls = Json::array();
    for (const ToolCall& call : reply.turn.tool_calls)
      calls.push_back(call_json(call, calls.size()));
    message["tool_calls"] = std::move(calls);
  }
  Json completion = {{"id", id_},
                     {"object", "chat.completion"},
                     {"created", created_},
                     {"model", model_},
                     {"choices", Json::array({{{"index", 0},
                                               {"message", std::move(message)},
                                               {"finish_reason", reply.finish_reason}}})},
                     {"usage", usage_json(reply.usage)}};
  if (!reply.orkestra.is_null()) completion["orkestra"] = reply.orkestra;
  return completion;
}

Json ChatWriter::chunk(Json delta, const Json& finish_reason) const {
  return {{"id", id_},
          {"object", "chat.completion.chunk"},
          {"created", created_},
          {"model", model_},
          {"choices",
           Json::array(
               {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", finish_reason}}})}};
}

std::string ChatWriter::begin() const {
  return data(chunk({{"role", "assistant"}, {"content", ""}}, nullptr));
}

std::string ChatWriter::reasoning(std::string_view piece) {
  reasoned_ = true;
  return data(chunk({{"reasoning_content", piece}}, nullptr));
}

std::string ChatWriter::text(std::string_view piece) {
  written_ += piece;
  const std::string_view waiting = std::string_view(written_).substr(sent_);
  const std::size_t size = holds_calls_ ? surely_prose(waiting) : waiting.size();
  if (size == 0) return "";
  const std::string content(waiting.substr(0, size));
  sent_ += size;
  return data(chunk({{"content", content}}, nullptr));
}

std::string ChatWriter::end(const ChatReply& reply, bool with_usage) {
  std::string bytes;
  // White space around a call is not part of the text, so it may have been sent and be gone now.
  const std::string& text = reply.turn.text;
  const std::string_view sent = std::string_view(written_).substr(0, sent_);
  const std::size_t blank = std::min(sent.find_first_not_of(" \t\r\n"), sent.size());
  std::string rest;
  if (text.starts_with(sent)) {
    rest = text.substr(sent.size());
  } else if (text.starts_with(sent.substr(blank))) {
    rest = text.substr(sent.size() - blank);
  }
  if (!reasoned_ && !reply.turn.reasoning.empty()) bytes += reasoning(reply.turn.reasoning);
  if (!rest.empty()) bytes += data(chunk({{"content", rest}}, nullptr));
  std::size_t index = 0;
  for (const ToolCall& call : reply.turn.tool_calls) {
    Json entry = {{"index", index}};
    entry.update(call_json(call, index++));
    bytes += data(chunk({{"tool_calls", Json::array({std::move(entry)})}}, nullptr));
  }
  Json last = chunk(Json::object(), reply.finish_reason);
  if (!reply.orkestra.is_null()) last["orkestra"] = reply.orkestra;
  bytes += data(last);
  if (with_usage) {
    Json usage = chunk(Json::object(), nullptr);
    usage["choices"] = Json::array();
    usage["usage"] = usage_json(reply.usage);
    bytes += data(usage);
  }
  return bytes + server_event("[DONE]");
}

}  // namespace orkestra::service
