#include <orkestra/core/text.h>
#include <orkestra/planner/verify/claim_items.h>
#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/lexicon.h>

#include <algorithm>
#include <optional>

namespace orkestra::planner {
namespace {

using Role = Record::Field::Role;

bool better(const Judgement& a, const Judgement& b) {
  const auto rank = [](VerdictKind kind) {
    return kind == VerdictKind::kSupported ? 2 : kind == VerdictKind::kContradicted ? 1 : 0;
  };
  if (rank(a.kind) != rank(b.kind)) return rank(a.kind) > rank(b.kind);
  if (a.score != b.score) return a.score > b.score;
  return a.nearness > b.nearness;
}

bool asks(const std::vector<Word>& words) {
  return !words.empty() && words.back().mark() && words.back().key == "?";
}

// Whether the question names the field: "How many words has it?" -> words.
bool asked_for(const ReadRecord::Field& field, const std::vector<Word>& question) {
  return std::any_of(question.begin(), question.end(), [&](const Word& word) {
    return std::any_of(field.head.begin(), field.head.end(),
                       [&](const std::string& name) { return stem(name) == stem(word.key); });
  });
}

// "4211.5 [1]": nothing but a value. It counts only as what its citation says, and less than a
// statement does. Of several values of one result it must be the one that was asked for: the others
// are as true, and answer nothing.
std::optional<Judgement> judge_bare(const std::vector<Word>& said, const Record& record,
                                    std::string_view question) {
  const ReadRecord read = read_record(record);
  std::vector<Word> plain = said;
  std::erase_if(plain, [](const Word& word) { return word.mark(); });
  if (plain.empty()) return std::nullopt;
  std::vector<const ReadRecord::Field*> stated;
  for (const auto& field : read.fields) {
    if (field.role != Role::kArgument && !field.value.empty()) stated.push_back(&field);
  }
  const std::vector<Word> asked = words_only(question);
  const bool any_value = stated.size() == 1 || asked.empty();
  const bool none_asked = std::none_of(stated.begin(), stated.end(),
                                       [&](const auto* field) { return asked_for(*field, asked); });
  Judgement out;
  out.nearness = 1;
  const bool figure = plain.front().kind != Word::Kind::kWord;
  for (const auto* field : stated) {
    std::vector<Word> value = plain;
    // The unit a field's name carries may follow its figure.
    if (value.size() == 2 && figure && field->extra.contains(value[1].key)) value.pop_back();
    if (value != field->value) continue;
    const std::string gives = "a bare value: the cited source gives " + field->written +
                              (field->name.empty() ? "" : " as " + field->name);
    if (any_value || asked_for(*field, asked) || (field->generic && none_asked)) {
      out.kind = VerdictKind::kSupported;
      out.score = 0.7;
      out.reason = gives;
      return out;
    }
    out.reason = gives + ", which the question does not ask for";
  }
  if (!out.reason.empty()) return out;
  const bool single = stated.size() == 1 && plain.size() == 1 && figure &&
                      stated[0]->value.size() == 1 && stated[0]->value[0].kind == plain[0].kind;
  if (!single) return std::nullopt;
  out.kind = VerdictKind::kContradicted;
  out.reason =
      "a bare value: the cited source says " + stated[0]->written + ", not " + as_written(plain);
  return out;
}

}  // namespace

Judgement judge(const Claim& claim, const Record& record, const Reach& reach) {
  Judgement best;
  if (!record.fault.empty()) {
    best.reason = record.fault;
    return best;
  }
  const std::vector<Word> said = words(claim.text);
  if (asks(said)) {
    best.reason = "a question states nothing";
    return best;
  }
  bool has_fields = false;
  for (const auto& field : record.fields) {
    constexpr std::size_t kRunningText = 6;  // words: a longer value is read as sentences too
    const std::vector<Word> value =
        field.name.empty() || field.value.size() > 24 ? words(field.value) : std::vector<Word>{};
    const bool text =
        field.role == Role::kStated && (field.name.empty() || value.size() >= kRunningText);
    if (text && !asks(value)) {
      Judgement one = judge_text(said, value, words(record.context));
      if (better(one, best)) best = std::move(one);
    }
    has_fields = has_fields || !field.name.empty();
  }
  if (has_fields) {
    Judgement one = judge_fields(said, record, reach.cited);
    if (better(one, best)) best = std::move(one);
  }
  if (reach.cited && reach.may_be_bare && best.kind != VerdictKind::kSupported) {
    const auto bare = judge_bare(said, record, reach.question);
    if (bare && better(*bare, best)) best = *bare;
  }
  return best;
}

}  // namespace orkestra::planner
