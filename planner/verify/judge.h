// Judging one claim against one record. Two readings: running text is compared word by word, in
// order; fields are compared by which value the claim gives to which name. Pure, any thread.
#pragma once

#include <orkestra/core/words.h>
#include <orkestra/planner/verify/verifier.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

struct Judgement {
  VerdictKind kind = VerdictKind::kNotFound;
  double score = 0.0;
  std::string reason;
  double nearness = 0.0;  // 0..1, how much of the claim the record touches: picks the reason shown
};

struct Reach {
  bool cited = false;       // the claim cites this record: it need not name what it is about
  bool may_be_bare = true;  // a lone value counts; not for a part of a claim
  // What was asked, where it is known: a lone value must be what the question speaks of.
  std::string_view question = {};
};
Judgement judge(const Claim& claim, const Record& record, const Reach& reach);

// What a source's sentence says to a claim, by trusted outlines of both.
Judgement judge_outlines(const Outline& claim, const Outline& sentence);

// The two readings.
Judgement judge_text(const std::vector<Word>& claim, const std::vector<Word>& sentence,
                     const std::vector<Word>& heading);
Judgement judge_fields(const std::vector<Word>& claim, const Record& record, bool cited);

// The words [begin, end) of `text` as they stand there, for reasons.
std::string as_written(const std::vector<Word>& part);

}  // namespace orkestra::planner
