#include <orkestra/core/words.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/planner/verify/sentences.h>
#include <orkestra/planner/verify/verifier.h>

#include <algorithm>

namespace orkestra::planner {
namespace {

void add_ids(std::string_view group, std::vector<std::string>& ids) {
  std::string id;
  for (const char c : group) {
    if (c >= '0' && c <= '9') {
      id += c;
      continue;
    }
    if (!id.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    id.clear();
  }
}

}  // namespace

std::vector<Claim> split_claims(std::string_view answer) {
  std::vector<Claim> claims;
  for (const auto& sentence : sentences(answer)) {
    Claim claim;
    claim.begin = sentence.begin;
    claim.end = sentence.end;
    for (std::size_t i = sentence.begin; i < sentence.end;) {
      const std::size_t group = citation_at(answer, i);
      if (group > 0 && i + group <= sentence.end) {
        add_ids(answer.substr(i, group), claim.cited);
        if (!claim.text.empty() && claim.text.back() != ' ') claim.text += ' ';
        i += group;
        continue;
      }
      const bool space =
          answer[i] == ' ' || answer[i] == '\n' || answer[i] == '\t' || answer[i] == '\r';
      if (!space) {
        claim.text += answer[i];
      } else if (!claim.text.empty() && claim.text.back() != ' ') {
        claim.text += ' ';
      }
      ++i;
    }
    while (claim.text.ends_with(' ')) claim.text.pop_back();
    // "is 5 [1]." leaves a space before its full stop.
    if (claim.text.ends_with(" .")) claim.text.erase(claim.text.size() - 2, 1);
    const auto said = words_only(claim.text);
    const bool content = std::any_of(said.begin(), said.end(), [](const Word& word) {
      return word.kind != Word::Kind::kWord || !lexicon::empty_word(word.key);
    });
    if (content) claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace orkestra::planner
