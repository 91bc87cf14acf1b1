#include <orkestra/core/text.h>
#include <orkestra/planner/verify/asked.h>
#include <orkestra/planner/verify/bounds.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/planner/verify/sentences.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace orkestra::planner {
namespace {

struct Bound {
  double value = 0;
  bool upper = true;
};

std::optional<double> figure(const Word& word) {
  double value = 0;
  const char* end = word.key.data() + word.key.size();
  const auto read = std::from_chars(word.key.data(), end, value);
  if (word.kind != Word::Kind::kNumber || read.ec != std::errc() || read.ptr != end) return {};
  return value;
}

bool is(const std::vector<Word>& words, std::size_t i, std::string_view key) {
  return i < words.size() && words[i].kind == Word::Kind::kWord && words[i].key == key;
}

// "up to 15", "not more than 15": the bound that the word before figure `i` makes of it.
std::optional<bool> upper_bound_before(const std::vector<Word>& words, std::size_t i) {
  if (i == 0) return {};
  const std::size_t last = i - 1;
  const bool negated = i >= 3 && (is(words, i - 3, "no") || is(words, i - 3, "not"));
  if (is(words, last, "to") && i >= 2 && is(words, i - 2, "up")) return true;
  if (is(words, last, "than") && i >= 2) {
    if (is(words, i - 2, "more") || is(words, i - 2, "longer")) return negated;
    if (is(words, i - 2, "less") || is(words, i - 2, "fewer")) return !negated;
  }
  if (is(words, last, "most") && i >= 2 && is(words, i - 2, "at")) return true;
  if (is(words, last, "least") && i >= 2 && is(words, i - 2, "at")) return false;
  if (is(words, last, "below") || is(words, last, "under")) return true;
  if (is(words, last, "above") || is(words, last, "over")) return false;
  if (stem(words[last].key) == stem("exceed")) return false;
  return {};
}

// Bounds on figures of this unit ("" = none) that hold for `value`.
std::vector<Bound> bounds_on(double value, std::string_view unit, std::string_view statement) {
  const std::vector<Word> words = words_only(statement);
  std::vector<Bound> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto bound = figure(words[i]);
    const auto upper = bound ? upper_bound_before(words, i) : std::nullopt;
    if (!upper) continue;
    const bool same_unit =
        unit.empty() || (i + 1 < words.size() && singular(words[i + 1].key) == unit);
    const bool holds = *upper ? value <= *bound : value > *bound;
    if (same_unit && holds) out.push_back({*bound, *upper});
  }
  return out;
}

bool opens_condition(const std::vector<Word>& words, std::size_t i) {
  return is(words, i, "when") || is(words, i, "if") || is(words, i, "unless");
}

// Keys of the content words of each "when ...," of the text, with what was written.
struct Condition {
  std::vector<std::string> keys;
  std::string shown;
};

std::vector<Condition> conditions(const std::vector<Word>& all) {
  std::vector<Condition> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!opens_condition(all, i)) continue;
    Condition condition;
    for (++i; i < all.size() && !all[i].mark(); ++i) {
      condition.shown += (condition.shown.empty() ? "" : " ") + all[i].key;
      const bool says = all[i].kind != Word::Kind::kWord || !is_stop_word(all[i].key);
      if (says) condition.keys.push_back(word_key(all[i]));
    }
    out.push_back(std::move(condition));
  }
  return out;
}

}  // namespace

bool is_time_unit(std::string_view word) {
  const std::string one(singular(word));
  for (const auto* unit : {"second", "minute", "hour", "day", "week", "month", "quarter", "year"}) {
    if (one == unit) return true;
  }
  // "five working days"
  return one == "working";
}

bool bound_holds(std::string_view statement, const std::vector<Word>& asked, std::size_t place,
                 const std::vector<std::string>& texts) {
  const auto value = figure(asked[place]);
  if (!value) return false;
  const bool has_unit = place + 1 < asked.size() && asked[place + 1].kind == Word::Kind::kWord &&
                        !is_stop_word(asked[place + 1].key);
  const std::string unit(has_unit ? singular(asked[place + 1].key) : "");
  for (const Bound& bound : bounds_on(*value, unit, statement)) {
    const auto tighter = [&](const Bound& other) {
      return other.upper == bound.upper &&
             (bound.upper ? other.value < bound.value : other.value > bound.value);
    };
    const bool tightest = std::none_of(texts.begin(), texts.end(), [&](const std::string& text) {
      const auto others = bounds_on(*value, unit, text);
      return std::any_of(others.begin(), others.end(), tighter);
    });
    if (tightest) return true;
  }
  return false;
}

std::vector<std::string> further_conditions(std::string_view question, const Evidence& text) {
  const std::vector<Word> asked = words_only(question);
  bool conditional = false;
  std::vector<std::string> known;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    // At its beginning "when" asks for a time.
    conditional = conditional || (i > 0 && opens_condition(asked, i));
    known.push_back(word_key(asked[i]));
  }
  if (!conditional) return {};
  for (const AskedWord& word : asked_words(question)) {
    known.insert(known.end(), word.others.begin(), word.others.end());
  }
  std::vector<std::string> out;
  for (const Condition& condition : conditions(words(text.quote))) {
    const bool met = std::all_of(
        condition.keys.begin(), condition.keys.end(),
        [&](const auto& key) { return std::find(known.begin(), known.end(), key) != known.end(); });
    if (!met) out.push_back(condition.shown);
  }
  return out;
}

}  // namespace orkestra::planner
