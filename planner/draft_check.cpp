#include <orkestra/core/words.h>
#include <orkestra/planner/draft_check.h>
#include <orkestra/planner/tool_offer.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <utility>

namespace orkestra::planner {
namespace {

bool is_cited(const std::vector<CheckedClaim>& claims, const std::string& id) {
  return std::any_of(claims.begin(), claims.end(), [&](const CheckedClaim& checked) {
    const auto& cited = checked.claim.cited;
    return std::find(cited.begin(), cited.end(), id) != cited.end();
  });
}

std::string statements_citing(const std::vector<CheckedClaim>& claims, const std::string& id) {
  std::string text;
  for (const CheckedClaim& checked : claims) {
    const auto& cited = checked.claim.cited;
    const bool cites = std::find(cited.begin(), cited.end(), id) != cited.end();
    if (cites) text += (text.empty() ? "" : " ") + checked.claim.text;
  }
  return text;
}

// What the draft itself says: the cited results cut down to the values that the answer uses. A
// result that also holds a deadline does not make an answer about a price speak of deadlines.
std::vector<Evidence> evidence_used(const RunState& state, const std::vector<Evidence>& gathered,
                                    const std::string& answer,
                                    const std::vector<CheckedClaim>& claims) {
  std::vector<Evidence> used;
  for (Evidence evidence : gathered) {
    if (!is_cited(claims, evidence.id)) continue;
    if (evidence.is_text()) {
      // A text speaks of what its used statements and its heading say, not of all it holds.
      evidence.quote = statements_citing(claims, evidence.id);
      evidence.value = evidence.quote;
      used.push_back(std::move(evidence));
      continue;
    }
    Json values = Json::object();
    for (const Step& step : state.steps) {
      const auto& ids = step.evidence;
      if (std::find(ids.begin(), ids.end(), evidence.id) == ids.end()) continue;
      for (const auto& [name, value] : step.call.arguments.items()) values[name] = value;
    }
    if (evidence.value.is_object()) {
      for (const auto& [name, value] : evidence.value.items()) {
        const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
        if (answer.find(text) != std::string::npos) values[name] = value;
      }
    } else {
      values["result"] = evidence.value;
    }
    evidence.value = values;
    evidence.quote = dump_json_spaced(values);
    used.push_back(std::move(evidence));
  }
  return used;
}

// "4211.5 [1]", "12 days [2]": a value out of what it cites, with a unit at most. It says nothing
// of itself: what it is the value of stands in the question alone.
bool lone_value(const CheckedClaim& checked, const std::vector<Evidence>& gathered) {
  const std::vector<Word> said = words_only(checked.claim.text);
  for (const Evidence& evidence : gathered) {
    const auto& cited = checked.claim.cited;
    if (evidence.is_text() || std::find(cited.begin(), cited.end(), evidence.id) == cited.end()) {
      continue;
    }
    for (const std::string& scalar : scalars_of(evidence.value)) {
      const std::vector<Word> value = words_only(scalar);
      const bool begins = !value.empty() && said.size() >= value.size() &&
                          std::equal(value.begin(), value.end(), said.begin());
      if (begins && said.size() <= value.size() + 1) return true;
    }
  }
  return false;
}

// What of the question a draft of lone values leaves open: they answer it only if what they come
// from speaks of every word of it. Nothing for drafts that say what they speak of.
std::vector<std::string> left_open_by_values(const RunState& state, const Branch& branch,
                                             const std::vector<CheckedClaim>& claims) {
  const std::vector<Evidence> gathered = state.evidence_of(branch);
  const auto lone = [&](const CheckedClaim& checked) { return lone_value(checked, gathered); };
  if (std::none_of(claims.begin(), claims.end(), lone)) return {};
  const std::string& answer = state.drafts[*branch.draft].answer;
  return question_coverage(state.spec.task, evidence_used(state, gathered, answer, claims),
                           at_hand_of(state, branch))
      .missing;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

ReadOutlines read_outlines(const std::string& question, const std::vector<CheckedClaim>& claims,
                           const Limits& limits, OutlineReader* outlines) {
  ReadOutlines read;
  if (outlines == nullptr) return read;
  std::vector<std::string> texts;
  for (const CheckedClaim& checked : claims) texts.push_back(checked.claim.text);
  read.question = outlines->read_question(question, limits);
  read.statements = outlines->read_statements(texts, limits);
  return read;
}

// How the question was read, where that was asked: {"what": "price", "of": "device Zor", ...}.
Json outline_json(const ReadOutlines& read) {
  if (!read.question) return nullptr;
  const Outline& asked = *read.question;
  return {
      {"what", asked.what}, {"of", asked.of}, {"with", asked.with}, {"sureness", asked.sureness}};
}

}  // namespace

Json check_draft_of(const RunState& state, const Branch& branch, const Recheck& recheck,
                    const Limits& limits, OutlineReader* outlines) {
  const std::string& answer = state.drafts[*branch.draft].answer;
  const std::vector<Evidence> gathered = state.evidence_of(branch);
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(make_evidence_source(gathered, recheck.query));
  if (recheck.search) sources.push_back(make_search_source(recheck.search));
  const std::vector<CheckedClaim> claims =
      verify(answer, sources, limits, state.spec.task, outlines);

  // What was found anew for a claim speaks of the question, too.
  std::vector<Evidence> known = gathered;
  for (const CheckedClaim& checked : claims) {
    if (checked.verdict.kind != VerdictKind::kSupported) continue;
    known.insert(known.end(), checked.verdict.evidence.begin(), checked.verdict.evidence.end());
  }
  const bool spans = state.spec.style == AnswerStyle::kSpans;
  const ReadOutlines read = read_outlines(state.spec.task, claims, limits, outlines);
  const Coverage coverage = question_coverage(
      state.spec.task, spans ? evidence_used(state, gathered, answer, claims) : known,
      spans ? at_hand_of(state, branch) : AtHand{}, read);
  // A small model can't be trusted to have understood: every word it was asked about must be
  // accounted for. A larger one may answer in its own words; what was not covered is stated.
  const bool on_the_question = spans ? coverage.complete() : !coverage.covered.empty();

  bool verified = on_the_question && !claims.empty();
  std::string reason;
  const auto object = [&](const std::string& why) {
    verified = false;
    reason += (reason.empty() ? "" : " ") + why + (why.ends_with('.') ? "" : ".");
  };
  std::size_t held = 0;
  Json claims_json = Json::array();
  for (const CheckedClaim& checked : claims) {
    claims_json.push_back(to_json(checked));
    if (checked.verdict.kind == VerdictKind::kSupported) {
      ++held;
    } else {
      object(
          "\"" + checked.claim.text + "\" is " +
          (checked.verdict.kind == VerdictKind::kContradicted ? "contradicted" : "not supported") +
          ": " + checked.verdict.reason);
    }
  }
  Json requirements_json = Json::array();
  for (const Requirement& requirement : state.spec.requirements) {
    const RequirementResult result = check(requirement, answer, claims);
    requirements_json.push_back(to_json(result));
    if (result.status == RequirementResult::Status::kMet) {
      ++held;
    } else if (requirement.mandatory) {
      const bool undecided = result.status == RequirementResult::Status::kUndecided;
      object("the requirement \"" + requirement.name + "\" is " +
             (undecided ? "undecided: " : "not met: ") + result.reason);
    }
  }
  const auto open = spans ? std::vector<std::string>{} : left_open_by_values(state, branch, claims);
  if (!open.empty()) {
    object(
        "a value alone does not say what it is the value of, and what it comes from does not "
        "speak of: " +
        joined(open));
  }
  if (claims.empty()) object("the draft states nothing that could be checked");
  if (!on_the_question && !coverage.missing.empty()) {
    object("nothing found speaks of: " + joined(coverage.missing));
  }
  if (!on_the_question && coverage.missing.empty()) {
    object("it holds only when: " + joined(coverage.further));
  }
  const std::size_t all = claims.size() + state.spec.requirements.size();
  return {{"verified", verified},
          {"on_the_question", on_the_question},
          {"score", all == 0 ? 0.0 : static_cast<double>(held) / static_cast<double>(all)},
          {"claims", std::move(claims_json)},
          {"requirements", std::move(requirements_json)},
          {"covered", coverage.covered},
          {"missing", coverage.missing},
          {"outline", outline_json(read)},
          {"reason", reason}};
}

}  // namespace orkestra::planner
