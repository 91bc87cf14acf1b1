#include <orkestra/core/error.h>
#include <orkestra/model/scripted/script.h>
#include <orkestra/model/scripted/scripted_model.h>
#include <orkestra/model/text/constraint_automaton.h>
#include <orkestra/model/text/tool_call_text.h>

#include <atomic>
#include <exception>
#include <fstream>
#include <mutex>
#include <sstream>
#include <utility>
#include <variant>

namespace orkestra::model {
namespace {

constexpr ToolCallStyle kStyle = ToolCallStyle::kHermes;

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space && !in_word) ++words;
    in_word = !space;
  }
  return words;
}

std::int64_t count_words(const Conversation& conversation) {
  std::int64_t words = 0;
  for (const auto& turn : conversation.turns()) words += count_words(turn->text);
  return words;
}

// The last thing somebody else said: what the reply answers.
std::string_view last_heard(const Conversation& conversation) {
  const auto& turns = conversation.turns();
  for (auto it = turns.rbegin(); it != turns.rend(); ++it) {
    if ((*it)->role == Role::kUser || (*it)->role == Role::kTool) return (*it)->text;
  }
  return "";
}

// The call as a model would write it: arguments in the order the tool declares them.
std::string written_call(ToolCall call, const Conversation& conversation) {
  for (const ToolSpec& tool : conversation.tools()) {
    if (tool.name != call.name || !tool.parameters.contains("properties")) continue;
    Json ordered = Json::object();
    for (const auto& [name, schema] : tool.parameters.at("properties").items()) {
      if (call.arguments.contains(name)) ordered[name] = call.arguments.at(name);
    }
    for (const auto& [name, value] : call.arguments.items()) ordered[name] = value;
    call.arguments = std::move(ordered);
  }
  return std::string(call_begin(kStyle)) + write_call(call, kStyle, conversation.tools()) +
         std::string(call_end(kStyle));
}

class FinishedTicket final : public Ticket {
 public:
  explicit FinishedTicket(std::variant<Generation, Error> outcome) : outcome_(std::move(outcome)) {}

  Generation wait() override {
    if (cancelled_) throw Error(ErrorCode::kCancelled, "scripted model: the request was cancelled");
    if (const auto* error = std::get_if<Error>(&outcome_)) throw *error;
    return std::get<Generation>(outcome_);
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::variant<Generation, Error> outcome_;
  std::atomic<bool> cancelled_ = false;
};

class ScriptedModel final : public LanguageModel {
 public:
  ScriptedModel(Script script, std::string name) : script_(std::move(script)) {
    capabilities_ = {.id = std::move(name),
                     .kind = "scripted",
                     .context = std::int64_t{1} << 20,
                     .constraints = true,
                     .scores_logits = false};
  }

  const ModelCapabilities& capabilities() const override { return capabilities_; }

  std::vector<std::unique_ptr<Ticket>> submit(std::vector<GenerateRequest> requests) override {
    std::vector<std::unique_ptr<Ticket>> tickets;
    for (const GenerateRequest& request : requests) {
      try {
        tickets.push_back(std::make_unique<FinishedTicket>(answer(request)));
      } catch (const Error& error) {
        tickets.push_back(std::make_unique<FinishedTicket>(error));
      }
    }
    return tickets;
  }

  ScoreResult score(const ScoreRequest& request) override {
    const ScriptedScore& line = next(script_.scores, next_score_, "score");
    expect(line.line, line.expect, request.conversation);
    if (line.score.size() != request.choices.size()) {
      throw Error(ErrorCode::kInvalid, at(line.line) + std::to_string(line.score.size()) +
                                           " scores for " + std::to_string(request.choices.size()) +
                                           " choices");
    }
    return {.log_probability = line.score,
            .usage = {.prompt = count_words(request.conversation)},
            .method = "script"};
  }

 private:
  std::string at(int line) const {
    return capabilities_.id + " line " + std::to_string(line) + ": ";
  }

  template <typename Line>
  const Line& next(const std::vector<Line>& lines, std::size_t& index, std::string_view what) {
    const std::lock_guard lock(mutex_);
    if (index == lines.size()) {
      throw Error(ErrorCode::kExhausted, capabilities_.id + ": the script has no more than " +
                                             std::to_string(lines.size()) + " " +
                                             std::string(what) + " lines");
    }
    return lines[index++];
  }

  void expect(int line, const std::string& expected, const Conversation& conversation) const {
    const std::string_view heard = last_heard(conversation);
    if (heard.find(expected) == std::string_view::npos) {
      throw Error(ErrorCode::kInvalid,
                  at(line) + "expected \"" + expected + "\" in \"" + std::string(heard) + "\"");
    }
  }

  void check(int line, const std::string& written, const Constraint& constraint) const {
    ConstraintMatcher matcher(ConstraintAutomaton::compile(expand_tool_calls(constraint, kStyle)));
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!matcher.accept_byte(static_cast<std::uint8_t>(written[i]))) {
        throw Error(ErrorCode::kInvalid, at(line) + "the constraint forbids the reply from byte " +
                                             std::to_string(i) + " on: " + written);
      }
    }
    if (!matcher.complete()) {
      throw Error(ErrorCode::kInvalid,
                  at(line) + "the constraint does not let the reply end there: " + written);
    }
  }

  Generation answer(const GenerateRequest& request) {
    if (request.limits.stop.stop_requested()) {
      throw Error(ErrorCode::kCancelled, capabilities_.id + ": the request was cancelled");
    }
    if (request.limits.expired()) {
      throw Error(ErrorCode::kDeadline, capabilities_.id + ": the deadline has passed");
    }
    const ScriptedReply& reply = next(script_.replies, next_reply_, "reply");
    expect(reply.line, reply.expect, request.conversation);
    const std::string written =
        reply.call ? written_call(*reply.call, request.conversation) : reply.text;
    check(reply.line, written, request.constraint);
    if (request.on_text) request.on_text(written);
    return {
        .turn = parse_tool_calls(written, kStyle),
        .usage = {.prompt = count_words(request.conversation), .generated = count_words(written)}};
  }

  const Script script_;
  ModelCapabilities capabilities_;
  std::mutex mutex_;  // guards the two positions
  std::size_t next_reply_ = 0;
  std::size_t next_score_ = 0;
};

}  // namespace

std::unique_ptr<LanguageModel> make_scripted_model(std::string_view script, std::string name) {
  Script lines = parse_script(script, name);
  return std::make_unique<ScriptedModel>(std::move(lines), std::move(name));
}

std::unique_ptr<LanguageModel> open_scripted_model(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::kNotFound, "script " + path.string() + " can't be read");
  }
  std::ostringstream text;
  text << file.rdbuf();
  return make_scripted_model(text.str(), "script:" + path.filename().string());
}

}  // namespace orkestra::model
