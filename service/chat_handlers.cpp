#include <orkestra/core/clock.h>
#include <orkestra/core/error.h>
#include <orkestra/service/body_json.h>
#include <orkestra/service/chat_handlers.h>
#include <orkestra/service/chat_reply.h>
#include <orkestra/service/error_response.h>
#include <orkestra/service/stream_buffer.h>

#include <atomic>
#include <random>
#include <utility>

namespace orkestra::service {
namespace {

constexpr const char* kAgent = "agent:default";
constexpr std::int64_t kDefaultMaxTokens = 1024;
constexpr std::int64_t kLongPrompt = 512;  // tokens; from here on a stream tells how far it is

Response stream_response(StreamBuffer& buffer) {
  return {.content_type = kEventStreamType, .stream = buffer.stream()};
}

std::uint64_t random_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

std::string finish_reason(const model::Generation& generation) {
  if (generation.finish == model::FinishReason::kLength) return "length";
  return generation.turn.tool_calls.empty() ? "stop" : "tool_calls";
}

// One raw completion, from its worker's and the engine's thread.
class Completion {
 public:
  Completion(const ChatRequest& chat, Responder respond)
      : writer_(chat.model, !chat.conversation.tools().empty()),
        stream_(chat.stream),
        with_usage_(chat.stream_usage),
        respond_(std::move(respond)) {}

  // Called by the engine. Nothing is answered before the first piece, so that a request that fails
  // at once fails with a status.
  void text(std::string_view piece) {
    if (!stream_) return;
    begin();
    buffer_->push(writer_.text(piece));
  }

  // How much of a long prompt is read, as a comment of the stream: clients that don't look for it
  // pass over it, and proxies see that the connection is alive.
  void progress(std::int64_t n_done, std::int64_t n_prompt) {
    if (!stream_ || n_done >= n_prompt || n_prompt < kLongPrompt) return;
    begin();
    buffer_->push(": " + std::to_string(n_done) + " of " + std::to_string(n_prompt) +
                  " prompt tokens\n\n");
  }

  void reasoning(std::string_view piece) {
    if (!stream_) return;
    begin();
    buffer_->push(writer_.reasoning(piece));
  }

  void succeed(const ChatReply& reply) {
    if (!stream_) return respond_(json_response(200, writer_.completion(reply)));
    begin();
    buffer_->push(writer_.end(reply, with_usage_));
    buffer_->finish();
  }

  void fail(const Error& error) {
    if (!begun_) return respond_(error_response(error));
    buffer_->push(server_event(dump_json(error_json(error))));
    buffer_->finish();
  }

 private:
  void begin() {
    if (std::exchange(begun_, true)) return;
    buffer_->push(writer_.begin());
    respond_(stream_response(*buffer_));
  }

  ChatWriter writer_;
  const bool stream_;
  const bool with_usage_;
  bool begun_ = false;
  std::shared_ptr<StreamBuffer> buffer_ = std::make_shared<StreamBuffer>();
  Responder respond_;
};

// What a person who reads only the message is told: an answer that was not verified says so.
std::string agent_text(const Json& report) {
  const std::string status = report.value("status", "");
  const std::string answer = report.value("answer", "");
  const std::string reason = report.value("reason", "");
  if (status == "verified") return answer;
  const std::string note = "(" + status + (reason.empty() ? "" : ": " + reason) + ")";
  return answer.empty() ? note : answer + "\n\n" + note;
}

ChatReply agent_reply(const Json& report) {
  return reading_json("the report", [&] {
    const Json& usage = report.at("usage");
    return ChatReply{.turn = {.role = Role::kAssistant, .text = agent_text(report)},
                     .finish_reason = "stop",
                     .usage = {.prompt = usage.at("prompt_tokens").get<std::int64_t>(),
                               .reused = usage.at("reused_tokens").get<std::int64_t>(),
                               .generated = usage.at("generated_tokens").get<std::int64_t>()},
                     .orkestra = {{"run", report.at("id")},
                                  {"status", report.at("status")},
                                  {"reason", report.at("reason")},
                                  {"claims", report.at("claims")},
                                  {"citations", report.at("citations")},
                                  {"approval", report.at("approval")}}};
  });
}

}  // namespace

ChatHandlers::ChatHandlers(agent::Agent& agent, RunPool& pool, std::string model_name,
                           const ServiceLimits& limits)
    : agent_(agent),
      pool_(pool),
      model_name_(std::move(model_name)),
      limits_(limits),
      started_(SystemClock().unix_ms() / 1000),
      workers_(limits.chat_workers, limits.max_queued_chats) {}

void ChatHandlers::add_routes(Router& router) {
  router.add("GET", "/v1/models", [this](const Request& request, const Responder& respond) {
    list_models(request, respond);
  });
  router.add(
      "POST", "/v1/chat/completions",
      [this](const Request& request, const Responder& respond) { complete(request, respond); });
}

void ChatHandlers::list_models(const Request&, const Responder& respond) {
  const model::ModelCapabilities& model = agent_.model().capabilities();
  Json data = Json::array();
  const auto add = [&](const std::string& id) {
    data.push_back(
        {{"id", id}, {"object", "model"}, {"created", started_}, {"owned_by", "orkestra"}});
  };
  add(model_name_.empty() ? model.id : model_name_);
  data.back()["orkestra"] = {{"id", model.id},
                             {"kind", model.kind},
                             {"context", model.context},
                             {"parameters", model.parameters}};
  add(kAgent);
  respond(json_response(200, {{"object", "list"}, {"data", std::move(data)}}));
}

void ChatHandlers::complete(const Request& request, const Responder& respond) {
  ChatRequest chat = parse_chat_request(body_object(request, limits_.max_json_depth));
  if (chat.model == kAgent) return ask_agent(chat, respond);
  const std::string& id = agent_.model().capabilities().id;
  if (chat.model != id && (model_name_.empty() || chat.model != model_name_)) {
    throw Error(ErrorCode::kNotFound, "no model \"" + chat.model + "\" here; there are \"" +
                                          (model_name_.empty() ? id : model_name_) + "\" and \"" +
                                          kAgent + "\"");
  }
  const bool accepted = workers_.submit(
      [this, chat, gone = request.gone, respond] { ask_model(chat, gone, respond); });
  if (!accepted) {
    throw Error(ErrorCode::kExhausted, "too many chat completions wait; try again later");
  }
}

void ChatHandlers::ask_model(ChatRequest chat, std::stop_token gone, const Responder& respond) {
  auto completion = std::make_shared<Completion>(chat, respond);
  try {
    Limits limits = Limits::within(limits_.answer_time);
    limits.stop = std::move(gone);
    limits.max_tokens = chat.max_tokens.value_or(kDefaultMaxTokens);
    chat.sampling.seed = chat.seed ? *chat.seed : random_seed();
    const model::Generation generation = model::generate(
        agent_.model(),
        {.conversation = std::move(chat.conversation),
         .constraint = std::move(chat.constraint),
         .sampling = chat.sampling,
         .limits = std::move(limits),
         .on_text = [completion](std::string_view piece) { completion->text(piece); },
         .on_progress = [completion](
                            std::int64_t n_done,
                            std::int64_t n_prompt) { completion->progress(n_done, n_prompt); },
         .stop = std::move(chat.stop),
         .on_reasoning = [completion](std::string_view piece) { completion->reasoning(piece); }});
    Json about = nullptr;
    if (!generation.damaged_calls.empty()) about = {{"damaged_calls", generation.damaged_calls}};
    completion->succeed({.turn = generation.turn,
                         .finish_reason = finish_reason(generation),
                         .usage = {.prompt = generation.usage.prompt,
                                   .reused = generation.usage.reused,
                                   .generated = generation.usage.generated},
                         .orkestra = std::move(about)});
  } catch (const Error& error) {
    completion->fail(error);
  } catch (const std::exception& error) {
    completion->fail({ErrorCode::kInternal, std::string("an internal error: ") + error.what()});
  }
}

void ChatHandlers::ask_agent(const ChatRequest& chat, const Responder& respond) {
  if (!chat.conversation.tools().empty()) {
    throw Error(ErrorCode::kUnsupported,
                "an agent works with its own tools; leave \"tools\" out or ask the model itself");
  }
  if (!chat.stop.empty()) {
    throw Error(
        ErrorCode::kUnsupported,
        "\"stop\" would cut an agent's answer after it was checked; leave it out or ask the "
        "model itself");
  }
  const agent::TaskOptions options{.schema = chat.schema, .seed = chat.seed};
  const std::string task = last_user_text(chat.conversation);
  auto writer = std::make_shared<ChatWriter>(chat.model, false);
  if (!chat.stream) {
    pool_.begin(task, options, [respond, writer](const RunPool::Outcome& outcome) {
      respond(outcome.error ? error_response(*outcome.error)
                            : json_response(200, writer->completion(agent_reply(outcome.report))));
    });
    return;
  }
  auto buffer = std::make_shared<StreamBuffer>();
  buffer->push(writer->begin());
  pool_.begin(task, options,
              [buffer, writer, with_usage = chat.stream_usage](const RunPool::Outcome& outcome) {
                buffer->push(outcome.error ? server_event(dump_json(error_json(*outcome.error)))
                                           : writer->end(agent_reply(outcome.report), with_usage));
                buffer->finish();
              });
  respond(stream_response(*buffer));
}

}  // namespace orkestra::service
