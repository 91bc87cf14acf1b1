#include <orkestra/core/error.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/planner/verify/recompute.h>

#include <algorithm>
#include <optional>
#include <set>

namespace orkestra::planner {
namespace {

constexpr int kMaxClauses = 6;  // one claim is taken apart this deep

using Sources = std::vector<std::unique_ptr<Source>>;

// What all claims of an answer are judged with.
struct Judges {
  const Sources& sources;
  const Limits& limits;
  std::string_view question;
  OutlineReader* outlines;  // may be null
};

void check_limits(const Limits& limits) {
  if (limits.stop.stop_requested())
    throw Error(ErrorCode::kCancelled, "verification was cancelled");
  if (limits.expired()) {
    throw Error(ErrorCode::kDeadline, "verification ran out of time; raise its deadline");
  }
}

// What a claim may be held against, and whether it names it by citation.
struct Ground {
  std::vector<Record> records;
  bool cited = false;
  std::string missing;  // a citation of nothing
};

Ground ground(const Claim& claim, const Sources& sources, const Limits& limits) {
  Ground out;
  std::set<std::string> known;
  for (const auto& source : sources) {
    check_limits(limits);
    for (auto& record : source->find(claim, limits)) {
      if (!record.evidence.id.empty()) known.insert(record.evidence.id);
      out.records.push_back(std::move(record));
    }
  }
  // Without evidence that has ids, a citation can't be followed: all sources count.
  if (claim.cited.empty() || known.empty()) return out;
  out.cited = true;
  for (const auto& id : claim.cited) {
    if (!known.contains(id) && out.missing.empty()) out.missing = id;
  }
  std::erase_if(out.records, [&](const Record& record) {
    return std::find(claim.cited.begin(), claim.cited.end(), record.evidence.id) ==
           claim.cited.end();
  });
  return out;
}

// Two rows of one table, or of one result.
bool same_table(const Record& a, const Record& b) {
  return a.fields.size() == b.fields.size() && a.context == b.context &&
         a.evidence.origin.locator == b.evidence.origin.locator && !a.fields.empty() &&
         !a.fields[0].name.empty() && a.fields[0].name == b.fields[0].name;
}

Verdict verdict_of(const Judgement& judgement, const Record* record) {
  Verdict verdict;
  verdict.kind = judgement.kind;
  verdict.score = judgement.kind == VerdictKind::kSupported ? judgement.score : 0.0;
  verdict.reason = judgement.reason;
  const bool decided = judgement.kind != VerdictKind::kNotFound || judgement.nearness >= 0.5;
  if (record && decided && record->fault.empty()) verdict.evidence.push_back(record->evidence);
  return verdict;
}

int rank(VerdictKind kind) {
  return kind == VerdictKind::kSupported ? 2 : kind == VerdictKind::kContradicted ? 1 : 0;
}

// The sentences among the records that hold the last words of the outline's thing and property.
std::vector<const Record*> sentences_about(const Outline& claim, const Ground& on) {
  constexpr std::size_t kMaxRead = 16;
  std::vector<const Record*> out;
  const auto thing = words_only(claim.of);
  const auto property = words_only(claim.what);
  if (thing.empty() || property.empty()) return out;
  for (const Record& record : on.records) {
    const bool text =
        record.fault.empty() && record.fields.size() == 1 && record.fields.front().name.empty();
    if (!text || out.size() == kMaxRead) continue;
    const auto said = words_only(record.fields.front().value);
    const auto holds = [&](const Word& word) {
      return std::find(said.begin(), said.end(), word) != said.end();
    };
    if (holds(thing.back()) && holds(property.back())) out.push_back(&record);
  }
  return out;
}

// In other words: outlines of the claim and of what the sources say are compared.
std::optional<Verdict> in_other_words(const Claim& claim, const Ground& on, const Judges& judges) {
  if (judges.outlines == nullptr) return std::nullopt;
  const Outline ours = judges.outlines->read_statements({claim.text}, judges.limits).front();
  if (!is_trusted(ours, claim.text)) return std::nullopt;
  const std::vector<const Record*> near = sentences_about(ours, on);
  std::vector<std::string> texts;
  for (const Record* record : near) texts.push_back(record->fields.front().value);
  const std::vector<Outline> theirs = judges.outlines->read_statements(texts, judges.limits);
  std::optional<Verdict> best;
  for (std::size_t i = 0; i < near.size(); ++i) {
    if (!is_trusted(theirs[i], texts[i])) continue;
    const Judgement one = judge_outlines(ours, theirs[i]);
    if (one.reason.empty() || (best && rank(one.kind) <= rank(best->kind))) continue;
    best = verdict_of(one, near[i]);
  }
  return best;
}

Verdict against(const Claim& claim, const Ground& on, const Judges& judges, bool whole) {
  const Limits& limits = judges.limits;
  const std::string_view question = judges.question;
  Judgement best;
  best.reason = "no source speaks about it";
  best.nearness = -1;
  const Record* decider = nullptr;
  std::vector<const Record*> deniers;
  for (const auto& record : on.records) {
    check_limits(limits);
    Judgement one =
        judge(claim, record, {.cited = on.cited, .may_be_bare = whole, .question = question});
    if (one.kind == VerdictKind::kContradicted) deniers.push_back(&record);
    const auto key = [](const Judgement& j) {
      return std::tuple(rank(j.kind), j.score, j.nearness);
    };
    if (key(one) <= key(best) || one.reason.empty()) continue;
    best = std::move(one);
    decider = &record;
  }
  if (best.kind == VerdictKind::kSupported) {
    for (const Record* denier : deniers) {
      if (!same_table(*decider, *denier)) continue;
      Verdict verdict;
      verdict.reason = "the source holds several rows for it, and they disagree";
      verdict.evidence = {decider->evidence, denier->evidence};
      return verdict;
    }
    return verdict_of(best, decider);
  }
  if (on.cited && whole) {
    for (const auto& derived : {recompute(claim, on.records), judge_list(claim, on.records)}) {
      if (!derived || rank(derived->kind) <= rank(best.kind)) continue;
      Verdict verdict = verdict_of(*derived, nullptr);
      for (const auto& record : on.records) verdict.evidence.push_back(record.evidence);
      return verdict;
    }
  }
  if (whole && best.kind == VerdictKind::kNotFound) {
    if (const auto read = in_other_words(claim, on, judges)) return *read;
  }
  return verdict_of(best, decider);
}

// The two sides of each place where a claim may join two statements.
std::vector<std::pair<std::string, std::string>> halves(const std::string& text) {
  const auto said = words(text);
  for (const auto& word : said) {
    if (word.mark()) continue;
    if (lexicon::negation(word.key) || lexicon::binds_parts(word.key)) return {};
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t i = 1; i + 1 < said.size(); ++i) {
    const bool joins = said[i].key == ";" || (said[i].key == "and" && !said[i].mark());
    if (!joins) continue;
    std::string left = text.substr(0, said[i].begin);
    while (!left.empty() && (left.back() == ' ' || left.back() == ',')) left.pop_back();
    std::string right = text.substr(said[i].end);
    while (right.starts_with(' ')) right.erase(0, 1);
    out.emplace_back(std::move(left), std::move(right));
  }
  return out;
}

Verdict judge_claim(const Claim& claim, const Judges& judges, int clauses) {
  const Sources& sources = judges.sources;
  const Limits& limits = judges.limits;
  const bool is_whole = clauses == kMaxClauses;
  const Ground on = ground(claim, sources, limits);
  if (!on.missing.empty()) {
    Verdict verdict;
    verdict.reason = "it cites [" + on.missing + "], which is not among the evidence";
    return verdict;
  }
  Verdict whole = against(claim, on, judges, is_whole);
  if (whole.kind == VerdictKind::kSupported || clauses <= 1) return whole;
  for (const auto& [left, right] : halves(claim.text)) {
    Claim first = claim;
    Claim second = claim;
    first.text = left;
    second.text = right;
    Verdict a = against(first, ground(first, sources, limits), judges, false);
    if (a.kind == VerdictKind::kNotFound) continue;
    Verdict b = judge_claim(second, judges, clauses - 1);
    if (b.kind == VerdictKind::kNotFound) continue;
    Verdict both = a.kind == VerdictKind::kContradicted ? a : b;
    if (a.kind == b.kind) {
      both.score = std::min(a.score, b.score);
      both.evidence = a.evidence;
      both.evidence.insert(both.evidence.end(), b.evidence.begin(), b.evidence.end());
      both.reason = a.reason == b.reason ? a.reason : a.reason + "; " + b.reason;
    }
    return both;
  }
  return whole;
}

}  // namespace

std::string_view name(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kSupported:
      return "supported";
    case VerdictKind::kContradicted:
      return "contradicted";
    case VerdictKind::kNotFound:
      break;
  }
  return "not_found";
}

std::vector<CheckedClaim> verify(std::string_view answer,
                                 const std::vector<std::unique_ptr<Source>>& sources,
                                 const Limits& limits, std::string_view question,
                                 OutlineReader* outlines) {
  std::vector<CheckedClaim> out;
  const Judges judges{sources, limits, question, outlines};
  for (auto& claim : split_claims(answer)) {
    check_limits(limits);
    Verdict verdict = judge_claim(claim, judges, kMaxClauses);
    out.push_back({std::move(claim), std::move(verdict)});
  }
  return out;
}

Json to_json(const CheckedClaim& checked) {
  Json evidence = Json::array();
  for (const auto& one : checked.verdict.evidence) evidence.push_back(to_json(one));
  return {{"text", checked.claim.text},
          {"begin", checked.claim.begin},
          {"end", checked.claim.end},
          {"cited", checked.claim.cited},
          {"verdict", name(checked.verdict.kind)},
          {"score", checked.verdict.score},
          {"reason", checked.verdict.reason},
          {"evidence", evidence}};
}

}  // namespace orkestra::planner
