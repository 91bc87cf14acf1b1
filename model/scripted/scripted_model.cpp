#include <orkestra/core/error.h>
#include <orkestra/model/scripted/scripted_model.h>
#include <orkestra/model/text/chat/written_turn.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

namespace orkestra::model {
namespace {

// Replies are written as Hermes writes calls and as most models mark reasoning.
const ChatTraits& traits() {
  static const ChatTraits kTraits{.calls = ToolCallStyle::kHermes,
                                  .reasoning = {"<think>", "</think>"}};
  return kTraits;
}

struct Reply {
  int line = 0;
  std::optional<ToolCall> call;
  std::string text;
  std::string expect;  // must stand in the last user or tool turn
};

struct Scores {
  int line = 0;
  std::vector<double> log_probability;
};

// The reply or the error that a request met; known as soon as it is submitted.
class ScriptedTicket final : public Ticket {
 public:
  explicit ScriptedTicket(Generation generation) : generation_(std::move(generation)) {}
  explicit ScriptedTicket(Error error) : error_(std::move(error)) {}
  Generation wait() override {
    if (error_) throw *error_;
    return generation_;
  }
  void cancel() override {}

 private:
  Generation generation_;
  std::optional<Error> error_;
};

// Arguments in the order of the tool's schema, as a model under a constraint would write them.
ToolCall in_schema_order(ToolCall call, const std::vector<ToolSpec>& tools) {
  for (const ToolSpec& tool : tools) {
    if (tool.name != call.name || !tool.parameters.contains("properties")) continue;
    Json ordered = Json::object();
    for (const auto& [name, schema] : tool.parameters.at("properties").items()) {
      if (call.arguments.contains(name)) ordered[name] = call.arguments.at(name);
    }
    for (const auto& [name, value] : call.arguments.items()) {
      if (!ordered.contains(name)) ordered[name] = value;
    }
    call.arguments = std::move(ordered);
  }
  return call;
}

class ScriptedModel final : public LanguageModel {
 public:
  ScriptedModel(std::string_view script, std::string name, std::size_t first_reply)
      : name_(std::move(name)), next_reply_(first_reply) {
    capabilities_ = {.id = name_, .kind = "scripted", .constraints = true};
    int number = 0;
    for (std::size_t begin = 0; begin < script.size();) {
      const std::size_t end = std::min(script.find('\n', begin), script.size());
      ++number;
      const std::string_view line = script.substr(begin, end - begin);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) read_line(line, number);
      begin = end + 1;
    }
  }

  const ModelCapabilities& capabilities() const override { return capabilities_; }

  std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (const GenerateRequest& request : requests) {
      try {
        tickets.push_back(std::make_unique<ScriptedTicket>(answer(request)));
      } catch (const Error& error) {
        tickets.push_back(std::make_unique<ScriptedTicket>(error));
      }
    }
    return tickets;
  }

  ScoreResult score(const ScoreRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (next_scores_ >= scores_.size()) throw at_end("score");
    const Scores& scores = scores_[next_scores_++];
    if (scores.log_probability.size() != request.choices.size()) {
      throw Error(ErrorCode::kInvalid,
                  at(scores.line) + std::to_string(scores.log_probability.size()) + " scores for " +
                      std::to_string(request.choices.size()) + " choices");
    }
    return {.log_probability = scores.log_probability, .method = "script"};
  }

 private:
  std::string at(int line) const { return name_ + ":" + std::to_string(line) + ": "; }
  Error at_end(const char* what) const {
    return {ErrorCode::kExhausted, name_ + ": the script has no further " + what};
  }

  void read_line(std::string_view text, int line) {
    const Json json = parse_json(text, at(line) + "script line");
    const std::string place = at(line);
    try {
      int kinds = 0;
      for (const auto& [key, value] : json.items()) {
        if (key == "text" || key == "call" || key == "score") {
          ++kinds;
        } else if (key != "expect") {
          throw Error(ErrorCode::kInvalid, place + "unknown member \"" + key + '"');
        }
      }
      if (kinds > 1) throw Error(ErrorCode::kInvalid, place + "more than one reply in a line");
      if (json.contains("score")) {
        scores_.push_back({line, json.at("score").get<std::vector<double>>()});
        return;
      }
      Reply reply{.line = line, .expect = json.value("expect", "")};
      if (json.contains("call")) {
        reply.call = ToolCall{.name = json.at("call").at("name").get<std::string>(),
                              .arguments = json.at("call").at("arguments")};
      } else {
        reply.text = json.at("text").get<std::string>();
      }
      replies_.push_back(std::move(reply));
    } catch (const nlohmann::json::exception& e) {
      throw Error(ErrorCode::kInvalid,
                  place + "a line is {\"text\":..}, {\"call\":{\"name\",\"arguments\"}} or " +
                      "{\"score\":[..]}: " + e.what());
    }
  }

  Generation answer(const GenerateRequest& request) {
    if (request.limits.stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, name_ + ": the request was cancelled");
    }
    if (request.limits.expired()) {
      throw Error(ErrorCode::kDeadline, name_ + ": the deadline has passed");
    }
    if (next_reply_ >= replies_.size()) throw at_end("reply");
    const Reply& reply = replies_[next_reply_++];
    check_expectation(reply, request.conversation);
    const std::vector<ToolSpec>& tools = request.conversation.tools();
    std::string written = reply.text;
    if (reply.call) {
      written = write_calls({in_schema_order(*reply.call, tools)}, traits().calls, tools);
    }
    ConstraintMatcher matcher(
        ConstraintAutomaton::compile(expand_tool_calls(request.constraint, traits().calls)));
    if (!matcher.accept(written) || !matcher.complete()) {
      throw Error(ErrorCode::kInvalid,
                  at(reply.line) + "the constraint of this request forbids the reply " + written);
    }
    TextStream stream(stream_options(traits(), request.stop, false, !tools.empty()));
    const TextStream::Sink sink = [&](TextStream::Part part, std::string_view text) {
      const bool reasoning = part == TextStream::Part::kReasoning;
      const auto& listener = reasoning ? request.on_reasoning : request.on_text;
      if (listener) listener(text);
    };
    stream.push(written, sink);
    stream.finish(sink);
    written.resize(stream.kept());
    WrittenTurn read = read_turn(written, traits(), false, !tools.empty());
    if (request.on_text && read.turn.tool_calls.empty() && !stream.call().empty()) {
      request.on_text(stream.call());
    }
    return {.turn = std::move(read.turn), .damaged_calls = std::move(read.damaged)};
  }

  void check_expectation(const Reply& reply, const Conversation& conversation) const {
    if (reply.expect.empty()) return;
    for (auto turn = conversation.turns().rbegin(); turn != conversation.turns().rend(); ++turn) {
      if ((*turn)->role != Role::kUser && (*turn)->role != Role::kTool) continue;
      if ((*turn)->text.find(reply.expect) != std::string::npos) return;
      throw Error(ErrorCode::kInvalid, at(reply.line) + "expected \"" + reply.expect +
                                           "\" in the last turn, which is: " + (*turn)->text);
    }
    throw Error(ErrorCode::kInvalid, at(reply.line) + "expected \"" + reply.expect +
                                         "\" but there is no user or tool turn");
  }

  std::string name_;
  ModelCapabilities capabilities_;
  std::vector<Reply> replies_;
  std::vector<Scores> scores_;
  std::mutex mutex_;  // guards the two positions
  std::size_t next_reply_ = 0;
  std::size_t next_scores_ = 0;
};

}  // namespace

std::unique_ptr<LanguageModel> make_scripted_model(std::string_view script, std::string name,
                                                   std::size_t first_reply) {
  return std::make_unique<ScriptedModel>(script, std::move(name), first_reply);
}

std::unique_ptr<LanguageModel> open_scripted_model(const std::filesystem::path& path,
                                                   std::size_t first_reply) {
  constexpr std::size_t kMaxBytes = std::size_t{16} << 20U;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, path.string() + ": the script can't be read");
  const std::string script{std::istreambuf_iterator<char>(file), {}};
  if (script.size() > kMaxBytes) {
    throw Error(ErrorCode::kInvalid, path.string() + ": a script has at most 16 MiB");
  }
  return make_scripted_model(script, path.filename().string(), first_reply);
}

}  // namespace orkestra::model
