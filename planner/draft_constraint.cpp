#include <orkestra/core/text.h>
#include <orkestra/planner/draft_constraint.h>
#include <orkestra/planner/prompt_catalogue.h>
#include <orkestra/planner/tool_offer.h>
#include <orkestra/planner/verify/records.h>
#include <orkestra/planner/verify/sentences.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orkestra::planner {
namespace {

using Values = std::map<std::string, std::string>;

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// All ways to fill the form: argument names from the call, other holes by any of `values`.
void fill_form(const std::string& form, std::size_t at, const Values& arguments,
               const std::vector<std::string>& values, std::string written,
               std::vector<std::string>& out) {
  constexpr std::size_t kMaxAnswers = 4096;
  if (out.size() >= kMaxAnswers) return;
  const std::size_t open = form.find('{', at);
  const std::size_t close = open == std::string::npos ? open : form.find('}', open);
  if (close == std::string::npos) {
    out.push_back(written + form.substr(at));
    return;
  }
  written += form.substr(at, open - at);
  const auto argument = arguments.find(form.substr(open + 1, close - open - 1));
  if (argument != arguments.end()) {
    fill_form(form, close + 1, arguments, values, written + argument->second, out);
    return;
  }
  for (const std::string& value : values) {
    fill_form(form, close + 1, arguments, values, written + value, out);
  }
}

const Step* step_of(const RunState& state, const std::string& evidence_id) {
  for (const Step& step : state.steps) {
    if (contains(step.evidence, evidence_id)) return &step;
  }
  return nullptr;
}

// "The balance of X is 5." -> "The balance of X is 5 [1]."
std::string with_citation(std::string sentence, const std::string& id) {
  const bool stop = !sentence.empty() && sentence.back() == '.';
  if (stop) sentence.pop_back();
  return sentence + " [" + id + "]" + (stop ? "." : "");
}

bool cites(const std::string& answer, const std::string& id) {
  return answer.find("[" + id + "]") != std::string::npos;
}

// A statement of a text that could be the answer, and how many of the question's words it touches.
struct Statement {
  std::string answer;
  std::size_t touched = 0;
};

std::vector<Statement> statements(const Evidence& text, const std::string& question,
                                  const AtHand& at_hand) {
  std::vector<Statement> out;
  for (const Sentence& sentence : sentences(text.quote)) {
    if (sentence.is_heading) continue;
    std::string said = text.quote.substr(sentence.begin, sentence.end - sentence.begin);
    std::replace(said.begin(), said.end(), '\n', ' ');
    Evidence alone;
    alone.quote = said;
    alone.value = said;
    const Coverage coverage = question_coverage(question, {alone}, at_hand);
    const std::size_t touched = coverage.further.empty() ? coverage.covered.size() : 0;
    out.push_back({with_citation(std::move(said), text.id), touched});
  }
  return out;
}

}  // namespace

std::vector<std::string> possible_answers(const RunState& state, const Branch& branch) {
  std::vector<std::string> answers;
  std::vector<Statement> told;
  const AtHand at_hand = at_hand_of(state, branch);
  for (const std::string& id : branch.evidence) {
    const Step* step = step_of(state, id);
    const Evidence* evidence = state.find_evidence(id);
    if (step == nullptr || evidence == nullptr || cites(branch.kept, id)) continue;
    const std::vector<std::string> values = scalars_of(evidence->value);
    const ToolSpec* tool = state.tool(step->call.name);
    std::vector<std::string> filled;
    if (tool != nullptr && !tool->answer_form.empty()) {
      Values arguments;
      for (const auto& [name, value] : step->call.arguments.items()) {
        arguments[name] = scalar_text(value);
      }
      fill_form(tool->answer_form, 0, arguments, values, "", filled);
    } else if (evidence->is_text()) {
      for (Statement& statement : statements(*evidence, state.spec.task, at_hand)) {
        if (contains(branch.excluded_answers, statement.answer) || statement.touched == 0) continue;
        told.push_back(std::move(statement));
      }
      continue;
    } else {
      filled = values;
    }
    for (std::string& sentence : filled) {
      std::string answer = with_citation(std::move(sentence), id);
      if (!branch.kept.empty()) answer = branch.kept + " " + answer;
      if (!contains(branch.excluded_answers, answer) && !contains(answers, answer)) {
        answers.push_back(std::move(answer));
      }
    }
  }
  // Of what texts say, only what touches the question most.
  std::size_t most = 0;
  for (const Statement& statement : told) most = std::max(most, statement.touched);
  for (Statement& statement : told) {
    if (statement.touched < most || contains(answers, statement.answer)) continue;
    answers.push_back(std::move(statement.answer));
  }
  return answers;
}

model::Constraint next_turn_constraint(const RunState& state, const Branch& branch) {
  using model::Constraint;
  std::vector<Constraint> alternatives;
  bool fits = false;
  if (std::vector<ToolSpec> tools = nearest_tools(state, branch); !tools.empty()) {
    std::vector<model::SpanSource> sources{{"request", state.spec.task}};
    if (!branch.kept.empty()) sources.push_back({"results", results_text(state, branch)});
    fits = std::any_of(tools.begin(), tools.end(),
                       [&](const ToolSpec& tool) { return speaks_of_task(state, tool); });
    alternatives.push_back(Constraint::tool_call(std::move(tools), std::move(sources)));
  }
  if (state.spec.style == AnswerStyle::kProse) {
    alternatives.push_back(Constraint::text());
  } else {
    // With results at hand the checks decide whether they answer the task, not the model.
    std::vector<std::string> drafts = possible_answers(state, branch);
    // A further call was decided on, or a tool speaks of the task: there is nothing to say before
    // a call. Whether it gave the answer is not the model's to judge, either.
    const bool calls = (!branch.kept.empty() || fits) && drafts.empty() && !alternatives.empty();
    if (drafts.empty()) drafts.push_back(prompt("abstain").text);
    if (!calls) alternatives.push_back(Constraint::choices(std::move(drafts)));
  }
  return Constraint::any_of(std::move(alternatives));
}

}  // namespace orkestra::planner
