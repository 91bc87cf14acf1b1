#include <orkestra/core/json.h>
#include <orkestra/planner/model_outlines.h>
#include <orkestra/planner/prompt_catalogue.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

namespace orkestra::planner {
namespace {

constexpr std::size_t kMaxBytes = 400;
constexpr std::size_t kMaxKnown = 4096;

bool readable(const std::string& sentence) {
  return !sentence.empty() && sentence.size() <= kMaxBytes &&
         sentence.find_first_of("\"\\\n") == std::string::npos;
}

constexpr const char* kQuestion = "outline_question";
constexpr const char* kStatement = "outline_statement";

Json schema_of(std::initializer_list<const char*> parts, std::vector<std::string> required) {
  Json properties = Json::object();
  for (const char* part : parts) properties[part] = {{"type", "string"}, {"x-copy", true}};
  return {{"type", "object"},
          {"properties", properties},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

// What may be written: parts of the sentence; of a statement with a value, or nothing at all.
model::Constraint outline_form(const std::string& prompt, const std::string& sentence) {
  using model::Constraint;
  static const Json kAsked = schema_of({"what", "of", "with"}, {"what"});
  static const Json kStated = schema_of({"what", "of", "with", "is"}, {"what", "of", "is"});
  if (prompt == kQuestion) return Constraint::json_schema(kAsked, {{"sentence", sentence}});
  return Constraint::any_of(
      {Constraint::literal("{}"), Constraint::json_schema(kStated, {{"sentence", sentence}})});
}

// "the price" of "price of the device Zor" is the price of "device Zor"; a value is no property.
Outline straightened(Outline outline) {
  if (!outline.is.empty() && outline.what == outline.is) {
    const std::size_t of = outline.of.find(" of ");
    if (of == std::string::npos) return outline;
    outline.what = outline.of.substr(0, of);
  }
  const std::string doubled = outline.what + " of ";
  if (outline.of.starts_with(doubled)) outline.of.erase(0, doubled.size());
  return outline;
}

Outline outline_of(const model::Generation& written) {
  const Json parts = parse_json(written.turn.text, "outline");
  return straightened({.what = parts.value("what", ""),
                       .of = parts.value("of", ""),
                       .with = parts.value("with", ""),
                       .is = parts.value("is", ""),
                       .sureness = std::exp(written.log_probability)});
}

}  // namespace

bool ModelOutlines::reads(const model::ModelCapabilities& capabilities) {
  const auto trained_on = [&](const char* id) {
    const auto& hashes = capabilities.prompts;
    return std::find(hashes.begin(), hashes.end(), prompt(id).hash) != hashes.end();
  };
  return trained_on(kQuestion) && trained_on(kStatement);
}

Outline ModelOutlines::read_question(const std::string& question, const Limits& limits) {
  return read(kQuestion, {question}, limits).front();
}

std::vector<Outline> ModelOutlines::read_statements(const std::vector<std::string>& statements,
                                                    const Limits& limits) {
  return read(kStatement, statements, limits);
}

std::vector<Outline> ModelOutlines::read(const std::string& prompt,
                                         const std::vector<std::string>& sentences,
                                         const Limits& limits) {
  if (known_.size() > kMaxKnown) known_.clear();
  std::vector<std::string> prompts;  // one per sentence, "" for one that has no outline
  std::vector<std::string> asked;
  std::vector<model::GenerateRequest> requests;
  for (const std::string& sentence : sentences) {
    prompts.push_back(readable(sentence) ? fill_prompt(prompt, {{"sentence", sentence}}) : "");
    const std::string& text = prompts.back();
    const bool waits = std::find(asked.begin(), asked.end(), text) != asked.end();
    if (text.empty() || waits || known_.contains(text)) continue;
    asked.push_back(text);
    requests.push_back(
        {.conversation = Conversation().with_turn(Turn{.role = Role::kUser, .text = text}),
         .constraint = outline_form(prompt, sentence),
         .limits = limits});
  }
  auto tickets = model_.submit(std::move(requests));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    const model::Generation written = tickets[i]->wait();
    usage_.prompt += written.usage.prompt;
    usage_.reused += written.usage.reused;
    usage_.generated += written.usage.generated;
    const bool whole = written.finish != model::FinishReason::kLength;
    known_[asked[i]] = whole ? outline_of(written) : Outline{};
  }
  std::vector<Outline> out;
  for (const std::string& text : prompts) {
    const auto found = known_.find(text);
    out.push_back(found == known_.end() ? Outline{} : found->second);
  }
  return out;
}

model::TokenUsage ModelOutlines::take_usage() { return std::exchange(usage_, {}); }

}  // namespace orkestra::planner
