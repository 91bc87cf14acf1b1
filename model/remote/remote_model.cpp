#include <orkestra/core/error.h>
#include <orkestra/core/event_stream.h>
#include <orkestra/model/remote/chat_reply.h>
#include <orkestra/model/remote/chat_request.h>
#include <orkestra/model/remote/constraint_check.h>
#include <orkestra/model/remote/remote_model.h>
#include <orkestra/model/remote/remote_score.h>
#include <orkestra/model/remote/server_client.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

namespace orkestra::model {
namespace {

constexpr std::string_view kChatPath = "/chat/completions";
constexpr std::string_view kPrefix = "openai:";

using Client = std::shared_ptr<ServerClient>;

// The reply to one call, built up from its bytes. Every retry begins it anew.
class Completion {
 public:
  Completion(ServerClient& client, const std::function<void(std::string_view)>& on_text)
      : client_(client), on_text_(on_text) {}

  // `on_text` gets the text as it is written, if the body asks for a stream.
  ChatReply run(const Json& body, const Limits& limits) {
    streams_ = body.value("stream", false);
    client_.post(kChatPath, body, limits,
                 {.begin = [this] { begin(); },
                  .take = [this](std::string_view bytes) { return take(bytes); },
                  .end = [this] { end(); },
                  .may_begin_again = [this] { return !handed_out_; }});
    return std::move(reply_);
  }

 private:
  void begin() {
    reader_.emplace(client_.id());
    events_.emplace();
    whole_.clear();
    began_ = false;
  }

  bool take(std::string_view bytes) {
    // A server that does not stream answers in one piece all the same.
    if (!std::exchange(began_, true)) in_events_ = streams_ && !bytes.starts_with('{');
    if (in_events_) {
      return events_->push(bytes, [this](const ServerEvent& event) { return take(event); });
    }
    whole_ += bytes;  // within the policy's bound
    return true;
  }

  bool take(const ServerEvent& event) {
    const std::string_view added = reader_->take_delta(event.data);
    if (!added.empty() && on_text_) {
      handed_out_ = true;
      on_text_(added);
    }
    return !reader_->done();
  }

  void end() {
    if (!in_events_) reader_->take_whole(whole_);
    reply_ = reader_->finish();
  }

  ServerClient& client_;
  const std::function<void(std::string_view)>& on_text_;
  bool streams_ = false;
  bool began_ = false;
  bool in_events_ = false;
  bool handed_out_ = false;
  std::optional<ChatReplyReader> reader_;
  std::optional<EventStreamReader> events_;
  std::string whole_;
  ChatReply reply_;
};

ChatReply complete(ServerClient& client, const Json& body, const Limits& limits,
                   const std::function<void(std::string_view)>& on_text = {}) {
  return Completion(client, on_text).run(body, limits);
}

void add(TokenUsage& sum, const TokenUsage& more) {
  sum.prompt += more.prompt;
  sum.reused += more.reused;
  sum.generated += more.generated;
}

Generation generate_checked(ServerClient& client, const GenerateRequest& request,
                            const ConstraintCheck& check) {
  const ConstraintPlan& plan = check.plan();
  // Text that may turn out not to be allowed is held back until it is checked.
  const bool stream_now = request.on_text && plan.free_text;
  GenerateRequest asked = request;
  if (!stream_now) asked.on_text = {};
  Json body = chat_body(asked, plan, client.options().model, client.max_tokens_field());
  Generation generation;
  std::string violation;
  for (int attempt = 0; attempt < std::max(1, client.options().constraint_attempts); ++attempt) {
    bool handed_out = false;
    const auto on_text = [&](std::string_view text) {
      handed_out = true;
      request.on_text(text);
    };
    const ChatReply reply =
        complete(client, body, request.limits,
                 stream_now ? std::function<void(std::string_view)>(on_text) : nullptr);
    add(generation.usage, reply.usage);
    ConstraintCheck::Outcome outcome = check.check(reply);
    if (outcome.violation.empty()) {
      generation.turn = std::move(outcome.turn);
      generation.finish = outcome.finish;
      if (request.on_text && !stream_now && !generation.turn.text.empty()) {
        request.on_text(generation.turn.text);
      }
      return generation;
    }
    violation = outcome.violation;
    if (handed_out) break;
    // The model is told, and another seed tried.
    std::string said = outcome.turn.text;
    for (const ToolCall& call : outcome.turn.tool_calls) {
      said += call.name + " " + dump_json(call.arguments);
    }
    body["messages"].push_back({{"role", "assistant"}, {"content", said}});
    add_instruction(body["messages"], "That can't be accepted: " + violation);
    body["seed"] = (request.sampling.seed + static_cast<std::uint64_t>(attempt) + 1) & 0x7FFFFFFFU;
  }
  throw Error(ErrorCode::kUnsupported,
              client.id() +
                  ": no reply kept to what is allowed here, and a remote model can't be "
                  "held to it while it writes; try a larger or a local model. The last: " +
                  violation);
}

// A request under way on a thread of its own.
class RemoteTicket final : public Ticket {
 public:
  RemoteTicket(Client client, GenerateRequest request, ConstraintCheck check) {
    std::promise<Generation> promise;
    result_ = promise.get_future();
    thread_ = std::jthread([client = std::move(client), request = std::move(request),
                            check = std::move(check),
                            promise = std::move(promise)](std::stop_token own) mutable {
      std::stop_source source;
      const auto stop = [&source] { source.request_stop(); };
      const std::stop_callback<std::function<void()>> by_caller(request.limits.stop, stop);
      const std::stop_callback<std::function<void()>> by_ticket(own, stop);
      request.limits.stop = source.get_token();
      try {
        promise.set_value(generate_checked(*client, request, check));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    });
  }

  Generation wait() override { return result_.get(); }
  void cancel() override { thread_.request_stop(); }

 private:
  std::shared_future<Generation> result_;
  std::jthread thread_;  // asked to stop, and joined, by its destructor
};

class RemoteModel final : public LanguageModel {
 public:
  explicit RemoteModel(RemoteOptions options)
      : client_(std::make_shared<ServerClient>(std::move(options))),
        capabilities_{.id = client_->id(), .kind = "remote"} {}

  const ModelCapabilities& capabilities() const override { return capabilities_; }

  std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) override {
    std::vector<ConstraintCheck> checks;
    for (const GenerateRequest& request : requests) {
      if (request.limits.max_tokens < 1) {
        throw Error(ErrorCode::kInvalid, "limits: max_tokens must be 1 or more");
      }
      checks.emplace_back(request.constraint,
                          plan_constraint(request.constraint, request.conversation));
    }
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      try {
        tickets.push_back(
            std::make_unique<RemoteTicket>(client_, std::move(requests[i]), std::move(checks[i])));
      } catch (const std::system_error& error) {
        throw Error(ErrorCode::kExhausted,
                    client_->id() + ": a request got no thread: " + error.what());
      }
    }
    return tickets;
  }

  ScoreResult score(const ScoreRequest& request) override {
    const std::size_t choices = request.choices.size();
    if (choices > kMaxScoredChoices) {
      throw Error(ErrorCode::kUnsupported, client_->id() + ": a remote model scores at most " +
                                               std::to_string(kMaxScoredChoices) +
                                               " choices at once");
    }
    if (choices < 2) return {.log_probability = std::vector<double>(choices), .method = "certain"};
    Json body = {{"model", client_->options().model}, {"messages", score_messages(request)}};
    ScoreResult result;
    if (offers_log_probabilities_ && score_by_log_probabilities(body, request, result)) {
      return result;
    }
    score_by_votes(body, request, result);
    return result;
  }

 private:
  bool score_by_log_probabilities(Json body, const ScoreRequest& request, ScoreResult& result) {
    constexpr int kTopLogprobs = 20;  // the most OpenAI gives
    body[client_->max_tokens_field()] = 1;
    body["temperature"] = 1.0;
    body["logprobs"] = true;
    body["top_logprobs"] = kTopLogprobs;
    ChatReply reply;
    try {
      reply = complete(*client_, body, request.limits);
    } catch (const Error& error) {
      // A server that refuses the question for its log-probabilities answers it without.
      if (error.code() != ErrorCode::kInvalid) throw;
      offers_log_probabilities_ = false;
      return false;
    }
    add(result.usage, reply.usage);
    if (reply.log_probabilities.is_null()) offers_log_probabilities_ = false;
    auto scores = read_log_probabilities(reply.log_probabilities, request.choices.size());
    if (!scores) return false;
    result.log_probability = std::move(*scores);
    result.method = "logprobs";
    return true;
  }

  void score_by_votes(Json body, const ScoreRequest& request, ScoreResult& result) {
    constexpr int kVoteTokens = 8;
    body[client_->max_tokens_field()] = kVoteTokens;
    body["temperature"] = 1.0;
    std::vector<std::future<ChatReply>> replies;
    for (int i = 0; i < std::max(1, client_->options().votes); ++i) {
      body["seed"] = i;
      replies.push_back(std::async(std::launch::async, [this, body, &request] {
        return complete(*client_, body, request.limits);
      }));
    }
    std::vector<int> votes(request.choices.size(), 0);
    int counted = 0;
    for (auto& each : replies) {
      const ChatReply reply = each.get();
      add(result.usage, reply.usage);
      if (const auto vote = read_vote(reply.text, votes.size())) {
        ++votes[*vote];
        ++counted;
      }
    }
    if (counted == 0) {
      throw Error(ErrorCode::kUnsupported,
                  client_->id() +
                      ": the model names none of the choices it was asked to score, "
                      "and the server gives no log-probabilities");
    }
    result.log_probability = log_shares(votes);
    result.method = "votes";
  }

  Client client_;
  ModelCapabilities capabilities_;
  std::atomic<bool> offers_log_probabilities_{true};  // until the server shows otherwise
};

}  // namespace

RemoteOptions parse_remote_name(std::string_view name) {
  const std::size_t hash = name.rfind('#');
  if (!name.starts_with(kPrefix) || hash == std::string_view::npos || hash + 1 == name.size() ||
      hash <= kPrefix.size()) {
    throw Error(ErrorCode::kInvalid,
                "model \"" + std::string(name) +
                    "\": a remote model is written openai:URL#name, for example "
                    "openai:http://localhost:8080/v1#qwen3");
  }
  RemoteOptions options{.url = std::string(name.substr(kPrefix.size(), hash - kPrefix.size())),
                        .model = std::string(name.substr(hash + 1))};
  const auto from_environment = [](const char* variable) {
    const char* value = std::getenv(variable);
    return std::string(value == nullptr ? "" : value);
  };
  options.api_key = from_environment("ORKESTRA_API_KEY");
  // A key meant for another program goes nowhere in the clear.
  if (options.api_key.empty() && options.url.starts_with("https://")) {
    options.api_key = from_environment("OPENAI_API_KEY");
  }
  return options;
}

std::unique_ptr<LanguageModel> make_remote_model(RemoteOptions options) {
  return std::make_unique<RemoteModel>(std::move(options));
}

}  // namespace orkestra::model
