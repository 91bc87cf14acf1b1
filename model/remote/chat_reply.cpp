#include <orkestra/core/error.h>
#include <orkestra/model/remote/chat_reply.h>

#include <algorithm>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kMaxKeptBytes = std::size_t{4} << 20U;
constexpr std::size_t kMaxCalls = 64;
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 40U;

// Null when there is no such member; servers write null for "nothing", too.
const Json& member(const Json& object, std::string_view key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::int64_t count(const Json& json) {
  return json.is_number_integer()
             ? std::clamp<std::int64_t>(json.get<std::int64_t>(), 0, kMaxTokens)
             : 0;
}

}  // namespace

Error ChatReplyReader::corrupt(const std::string& what) const {
  return {ErrorCode::kCorrupt,
          server_ + ": the reply is not that of an OpenAI-compatible server: " + what};
}

void ChatReplyReader::add(std::string& to, std::string_view what) {
  bytes_ += what.size();
  if (bytes_ > kMaxKeptBytes) {
    throw Error(ErrorCode::kExhausted, server_ + ": the model wrote more than " +
                                           std::to_string(kMaxKeptBytes) + " bytes");
  }
  to += what;
}

void ChatReplyReader::check_error(const Json& json) const {
  const Json& error = member(json, "error");
  if (error.is_null()) return;
  const Json& message = member(error, "message");
  std::string text = message.is_string() ? message.get<std::string>() : dump_json(error);
  constexpr std::size_t kShown = 400;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  throw Error(ErrorCode::kUnavailable, server_ + ": the server failed while it wrote: " + text);
}

std::string_view ChatReplyReader::take_delta(std::string_view data) {
  delta_from_ = reply_.text.size();
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  Json json;
  try {
    json = parse_json(data, "event", {.max_bytes = kMaxKeptBytes, .max_depth = 32});
  } catch (const Error& error) {
    throw corrupt(error.message());
  }
  check_error(json);
  take_usage(json);
  const Json& choices = member(json, "choices");
  if (choices.is_array() && !choices.empty()) {
    take_choice(choices.front(), "delta");
  } else if (!choices.is_array() && !choices.is_null()) {
    throw corrupt("\"choices\" is no list");
  }
  return std::string_view(reply_.text).substr(delta_from_);
}

void ChatReplyReader::take_whole(std::string_view body) {
  Json json;
  try {
    json = parse_json(body, "reply", {.max_bytes = std::size_t{64} << 20U, .max_depth = 32});
  } catch (const Error& error) {
    throw corrupt(error.message());
  }
  check_error(json);
  take_usage(json);
  const Json& choices = member(json, "choices");
  if (!choices.is_array() || choices.empty()) throw corrupt("it has no \"choices\"");
  take_choice(choices.front(), "message");
  if (!member(choices.front(), "message").is_object()) throw corrupt("it has no \"message\"");
  done_ = true;
}

void ChatReplyReader::take_choice(const Json& choice, std::string_view part) {
  if (!choice.is_object()) throw corrupt("a choice is no object");
  const Json& message = member(choice, part);
  if (message.is_object()) take_message(message);
  take_finish(choice);
  const Json& tokens = member(member(choice, "logprobs"), "content");
  if (reply_.log_probabilities.is_null() && tokens.is_array() && !tokens.empty()) {
    reply_.log_probabilities = member(tokens.front(), "top_logprobs");
  }
}

void ChatReplyReader::take_message(const Json& message) {
  const Json& content = member(message, "content");
  if (content.is_string()) {
    add(reply_.text, content.get_ref<const std::string&>());
  } else if (content.is_array()) {
    for (const Json& piece : content) {
      const Json& text = member(piece, "text");
      if (text.is_string()) add(reply_.text, text.get_ref<const std::string&>());
    }
  } else if (!content.is_null()) {
    throw corrupt("\"content\" is no text");
  }
  const Json& refusal = member(message, "refusal");
  if (refusal.is_string() && content.is_null()) {
    add(reply_.text, refusal.get_ref<const std::string&>());
  }
  const Json& calls = member(message, "tool_calls");
  if (calls.is_array()) {
    take_calls(calls);
  } else if (!calls.is_null()) {
    throw corrupt("\"tool_calls\" is no list");
  }
}

void ChatReplyReader::take_calls(const Json& calls) {
  for (const Json& call : calls) {
    const Json& index = member(call, "index");
    // Whole replies have no index: their calls come one after another.
    std::size_t at = reply_.calls.size();
    if (index.is_number_integer()) {
      const auto number = index.get<std::int64_t>();
      if (number < 0 || number > static_cast<std::int64_t>(reply_.calls.size())) {
        throw corrupt("tool calls are numbered with gaps");
      }
      at = static_cast<std::size_t>(number);
    }
    if (at >= kMaxCalls) {
      throw Error(ErrorCode::kExhausted,
                  server_ + ": more than " + std::to_string(kMaxCalls) + " tool calls");
    }
    if (at == reply_.calls.size()) reply_.calls.emplace_back();
    const Json& function = member(call, "function");
    const Json& name = member(function, "name");
    const Json& arguments = member(function, "arguments");
    if (name.is_string()) add(reply_.calls[at].name, name.get_ref<const std::string&>());
    if (arguments.is_string()) {
      add(reply_.calls[at].arguments, arguments.get_ref<const std::string&>());
    } else if (arguments.is_object()) {
      add(reply_.calls[at].arguments, dump_json(arguments));
    } else if (!arguments.is_null()) {
      throw corrupt("a tool call's arguments are no JSON text");
    }
  }
}

void ChatReplyReader::take_finish(const Json& choice) {
  const Json& reason = member(choice, "finish_reason");
  if (!reason.is_string()) return;
  finished_ = true;
  if (reason == "length") reply_.finish = FinishReason::kLength;
  if (reason == "content_filter") {
    throw Error(ErrorCode::kDenied, server_ + ": the server's content filter stopped the reply");
  }
}

void ChatReplyReader::take_usage(const Json& json) {
  const Json& usage = member(json, "usage");
  if (!usage.is_object()) return;
  reply_.usage.prompt = count(member(usage, "prompt_tokens"));
  reply_.usage.generated = count(member(usage, "completion_tokens"));
  reply_.usage.reused = std::min(
      reply_.usage.prompt, count(member(member(usage, "prompt_tokens_details"), "cached_tokens")));
}

ChatReply ChatReplyReader::finish() {
  if (!done_ && !finished_) {
    throw Error(ErrorCode::kUnavailable, server_ + ": the stream ended before the reply did");
  }
  return std::move(reply_);
}

}  // namespace orkestra::model
