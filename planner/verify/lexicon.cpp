#include <orkestra/core/text.h>
#include <orkestra/planner/verify/lexicon.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::planner::lexicon {
namespace {

using Words = std::initializer_list<std::string_view>;

bool among(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Each row: alternatives that exclude each other where they stand.
const std::vector<std::vector<std::string_view>>& scales() {
  static const std::vector<std::vector<std::string_view>> kScales{
      {"all", "some", "most", "none", "few", "many", "several", "each", "every", "any", "no",
       "half", "both", "neither", "only"},
      {"always", "usually", "often", "sometimes", "rarely", "seldom", "never"},
      {"must", "may", "should", "can", "might", "could", "will", "would", "shall"},
      {"more", "less", "fewer"},
      {"most", "least", "fewest"},
      {"over", "under"},
      {"above", "below"},
      {"before", "after", "during"},
      {"until", "from"},
      {"first", "last"},
      {"earlier", "later"},
      {"higher", "lower"},
      {"highest", "lowest"},
      {"larger", "smaller"},
      {"largest", "smallest"},
      {"longer", "shorter"},
      {"longest", "shortest"},
      {"maximum", "minimum"},
      {"with", "without"},
      {"inside", "outside"},
      {"and", "or"},
      {"daily", "weekly", "monthly", "quarterly", "yearly", "annually", "hourly"},
      {"day", "week", "month", "year", "hour", "minute", "second", "quarter"},
      {"usd", "eur", "gbp", "jpy", "inr", "chf"},
      {"kilogram", "g", "gram", "tonne", "pound"},
      {"kilometre", "metre", "m", "centimetre", "mile"},
  };
  return kScales;
}

// Compared by stem, so that every inflection counts.
const std::vector<std::pair<std::string_view, std::string_view>>& opposites() {
  static const std::vector<std::pair<std::string_view, std::string_view>> kOpposites{
      {"increase", "decrease"},
      {"rise", "fall"},
      {"rose", "fell"},
      {"risen", "fallen"},
      {"grow", "shrink"},
      {"grew", "shrank"},
      {"gain", "lose"},
      {"gained", "lost"},
      {"open", "close"},
      {"start", "end"},
      {"begin", "end"},
      {"start", "finish"},
      {"begin", "finish"},
      {"start", "stop"},
      {"allow", "forbid"},
      {"allow", "prohibit"},
      {"permit", "forbid"},
      {"permit", "prohibit"},
      {"accept", "reject"},
      {"accept", "refuse"},
      {"approve", "reject"},
      {"include", "exclude"},
      {"add", "remove"},
      {"buy", "sell"},
      {"bought", "sold"},
      {"import", "export"},
      {"send", "receive"},
      {"sent", "received"},
      {"win", "lose"},
      {"won", "lost"},
      {"pass", "fail"},
      {"enable", "disable"},
      {"lock", "unlock"},
      {"require", "waive"},
      {"free", "paid"},
      {"active", "inactive"},
      {"valid", "invalid"},
      {"legal", "illegal"},
      {"possible", "impossible"},
      {"mandatory", "optional"},
      {"required", "optional"},
      {"arrive", "depart"},
      {"enter", "leave"},
      {"push", "pull"},
      {"raise", "lower"},
      {"lend", "borrow"},
      {"success", "failure"},
      {"true", "false"},
      {"yes", "no"},
      {"up", "down"},
      {"employ", "dismiss"},
      {"hire", "dismiss"},
      {"hire", "fire"},
      {"join", "leave"},
      {"store", "discard"},
      {"keep", "discard"},
      {"expand", "reduce"},
      {"extend", "shorten"},
  };
  return kOpposites;
}

}  // namespace

bool empty_word(std::string_view word) {
  return among(word, {"a", "an", "the", "and", "of", "to"});
}

bool glue(std::string_view word) {
  return among(word, {"a", "an", "the", "is", "are", "am", "do", "does", "also"});
}

bool negation(std::string_view word) {
  if (among(word, {"not",    "no",      "never",   "none",   "neither",   "nor",      "without",
                   "nobody", "nothing", "nowhere", "hardly", "barely",    "scarcely", "rarely",
                   "seldom", "unless",  "non",     "except", "false",     "untrue",   "incorrect",
                   "wrong",  "unable",  "instead", "cannot", "excluding", "nor"})) {
    return true;
  }
  static const std::vector<std::string> kStems{stem("fails"),  stem("lacks"),   stem("denies"),
                                               stem("denied"), stem("refuses"), stem("failed")};
  return std::find(kStems.begin(), kStems.end(), stem(word)) != kStems.end();
}

bool critical(std::string_view word) {
  if (negation(word)) return true;
  for (const auto& scale : scales()) {
    if (std::find(scale.begin(), scale.end(), word) != scale.end() && word != "and") return true;
  }
  return among(
      word,
      {"if",       "when",     "whenever",   "while",   "provided",      "because",    "although",
       "though",   "but",      "or",         "either",  "than",          "least",      "exactly",
       "about",    "around",   "almost",     "nearly",  "approximately", "roughly",    "possibly",
       "probably", "perhaps",  "maybe",      "likely",  "allegedly",     "reportedly", "apparently",
       "said",     "says",     "say",        "claims",  "claimed",       "believes",   "believed",
       "thinks",   "thought",  "according",  "expects", "expected",      "planned",    "plans",
       "former",   "formerly", "previously", "once",    "was",           "were",       "had",
       "did",      "since",    "till",       "other",   "another",       "same",       "different",
       "just",     "even",     "still",      "already", "yet",           "soon",       "expired",
       "otherwise"});
}

bool opposed(std::string_view a, std::string_view b) {
  if (a == b) return false;
  for (const auto& scale : scales()) {
    const auto has = [&](std::string_view word) {
      return std::find(scale.begin(), scale.end(), word) != scale.end() ||
             std::find(scale.begin(), scale.end(), singular(word)) != scale.end();
    };
    if (has(a) && has(b) && singular(a) != singular(b)) return true;
  }
  const std::string first = stem(a);
  const std::string second = stem(b);
  if (first == second) return false;
  return std::any_of(opposites().begin(), opposites().end(), [&](const auto& pair) {
    const std::string x = stem(pair.first);
    const std::string y = stem(pair.second);
    return (x == first && y == second) || (x == second && y == first);
  });
}

bool binds_parts(std::string_view word) {
  return among(word,
               {"between",      "both",     "either", "if",     "only",    "when",     "whenever",
                "while",        "provided", "than",   "or",     "sum",     "total",    "together",
                "respectively", "said",     "says",   "claims", "claimed", "according"});
}

bool preposition(std::string_view word) {
  return among(word, {"of", "for", "in", "on", "at", "to", "from", "by", "with", "per", "between",
                      "under", "over", "into", "through", "as"});
}

bool pronoun(std::string_view word) {
  return among(word, {"it", "its", "their", "they", "his", "her", "he", "she", "this", "that"});
}

}  // namespace orkestra::planner::lexicon
