#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/asked.h>
#include <orkestra/planner/verify/bounds.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <set>

namespace orkestra::planner {
namespace {

class Vocabulary {
 public:
  void add_text(std::string_view text) {
    std::string line = "\n";  // no phrase runs from one text into the next
    const auto said = words_only(text);
    for (std::size_t i = 0; i < said.size(); ++i) {
      const Word& word = said[i];
      stems_.insert(word_key(word));
      line += word_key(word) + "\n";
      has_date_ = has_date_ || word.kind == Word::Kind::kDate;
      has_name_ = has_name_ || word.capital;
      has_duration_ = has_duration_ || (word.kind == Word::Kind::kNumber && i + 1 < said.size() &&
                                        is_time_unit(said[i + 1].key));
    }
    lines_ += line + "\v";
  }
  void add_identifier(std::string_view identifier) {
    for (const auto& word : identifier_words(identifier)) stems_.insert(word_key(word));
  }
  void add_json(const Json& value, int depth = 0) {
    constexpr int kMaxDepth = 8;
    if (depth > kMaxDepth || value.is_null()) return;
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) {
        add_identifier(name);
        add_json(member, depth + 1);
      }
    } else if (value.is_array()) {
      for (const auto& element : value) add_json(element, depth + 1);
    } else {
      add_text(scalar_text(value));
    }
  }
  // The tables a query reads and the constants in it; its columns count only through its result.
  void add_query(const std::string& sql) {
    const auto parts = identifier_words(sql);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      if (parts[i].key == "from" || parts[i].key == "join") stems_.insert(word_key(parts[i + 1]));
    }
    for (std::size_t at = sql.find('\''); at != std::string::npos;) {
      const std::size_t close = sql.find('\'', at + 1);
      if (close == std::string::npos) break;
      add_text(std::string_view(sql).substr(at + 1, close - at - 1));
      at = sql.find('\'', close + 1);
    }
  }
  bool has(const std::string& key) const { return stems_.contains(key); }
  bool has_any(const std::vector<std::string>& keys) const {
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return has(key); });
  }
  bool has_sort(AskedWord::Sort sort) const {
    using Sort = AskedWord::Sort;
    return (sort == Sort::kDate && has_date_) || (sort == Sort::kName && has_name_) ||
           (sort == Sort::kDuration && has_duration_);
  }
  bool has_phrase(const std::vector<Word>& phrase) const {
    std::string line = "\n";
    for (const auto& word : phrase) line += word_key(word) + "\n";
    return lines_.find(line) != std::string::npos;
  }

 private:
  std::set<std::string> stems_;
  std::string lines_;
  bool has_date_ = false;
  bool has_name_ = false;
  bool has_duration_ = false;
};

// Names of what results state in words: {"priority": "low"} -> priority.
Vocabulary stated_in_words(const std::vector<Evidence>& evidence) {
  Vocabulary names;
  for (const auto& one : evidence) {
    if (!one.value.is_object()) continue;
    for (const auto& [name, value] : one.value.items()) {
      if (value.is_string()) names.add_identifier(name);
    }
  }
  return names;
}

// "Is X a high priority customer?" is answered by the priority that X has: the word beside it need
// not be said again.
bool put_to_the_test(const AskedWord& asked, const std::vector<Word>& question,
                     const Vocabulary& stated) {
  const auto is_stated = [&](std::size_t i) {
    return i < question.size() && question[i].kind == Word::Kind::kWord &&
           stated.has(word_key(question[i]));
  };
  return asks_yes_or_no(question) && question[asked.place].kind == Word::Kind::kWord &&
         !question[asked.place].capital &&
         (is_stated(asked.place + 1) || (asked.place > 0 && is_stated(asked.place - 1)));
}

// What outlines say of the question's words.
class Reading {
 public:
  Reading(std::string_view question, const ReadOutlines& read) {
    if (!read.question) return;
    const Outline& asked = *read.question;
    beside_ = words_beside(asked, question);
    const bool same =
        std::any_of(read.statements.begin(), read.statements.end(), [&](const Outline& said) {
          return is_likely(asked) && is_likely(said) && same_thing(asked, said);
        });
    if (!same) return;
    for (const Word& word : words_only(asked.of)) thing_.insert(word_key(word));
  }
  bool beside(const AskedWord& word) const {
    return word.place < beside_.size() && beside_[word.place];
  }
  // Whether a statement is about the thing that the word is asked of.
  bool named(const AskedWord& word) const { return thing_.contains(word.key); }

 private:
  std::vector<bool> beside_;
  std::set<std::string> thing_;
};

}  // namespace

Coverage question_coverage(std::string_view question, const std::vector<Evidence>& evidence,
                           const AtHand& at_hand, const ReadOutlines& read) {
  Vocabulary vocabulary;
  for (const auto& one : evidence) {
    vocabulary.add_text(one.description);
    vocabulary.add_json(one.value);
    vocabulary.add_text(one.quote);
    if (one.origin.kind == Origin::Kind::kTool) vocabulary.add_identifier(one.origin.locator);
    if (one.origin.kind == Origin::Kind::kDocument) vocabulary.add_identifier(one.origin.locator);
    if (!one.origin.detail.is_object()) continue;
    for (const auto* member : {"params", "arguments"}) {
      if (one.origin.detail.contains(member)) vocabulary.add_json(one.origin.detail[member]);
    }
    if (one.origin.detail.contains("sql") && one.origin.detail["sql"].is_string()) {
      vocabulary.add_query(one.origin.detail["sql"].get<std::string>());
    }
  }
  Vocabulary elsewhere;
  for (const std::string& text : at_hand.elsewhere) elsewhere.add_text(text);
  const bool texts =
      !evidence.empty() && std::all_of(evidence.begin(), evidence.end(),
                                       [](const Evidence& one) { return one.is_text(); });
  const Vocabulary stated = stated_in_words(evidence);
  const auto asked = words_only(question);

  // Other words count only where nothing else at hand speaks of the word itself, or of another
  // thing that it could mean.
  const auto in_other_words = [&](const AskedWord& word) {
    if (elsewhere.has(word.key)) return false;
    const bool ambiguous = std::any_of(
        word.others.begin(), word.others.end(),
        [&](const std::string& other) { return elsewhere.has(other) && !vocabulary.has(other); });
    return !ambiguous && (vocabulary.has_any(word.others) || vocabulary.has_sort(word.sort));
  };
  const auto within_bounds = [&](const AskedWord& word) {
    return texts && asked[word.place].kind == Word::Kind::kNumber &&
           std::any_of(evidence.begin(), evidence.end(), [&](const Evidence& one) {
             return bound_holds(one.quote, asked, word.place, at_hand.texts);
           });
  };
  const auto covers = [&](const AskedWord& word) {
    if (vocabulary.has(word.key) || in_other_words(word)) return true;
    if (word.light && !elsewhere.has(word.key)) return true;
    if (texts && (word.empty || word.sort == AskedWord::Sort::kPlace)) return true;
    return put_to_the_test(word, asked, stated) || within_bounds(word);
  };

  Coverage coverage;
  std::set<std::string> seen;
  const auto note = [&](const std::string& key, const std::string& shown, bool covered) {
    if (!seen.insert(key).second) return;
    (covered ? coverage.covered : coverage.missing).push_back(shown);
  };
  for (const auto& [from, to] : quoted_ranges(question)) {
    std::vector<Word> phrase;
    std::string shown;
    for (const auto& word : asked) {
      if (word.begin < from || word.end > to) continue;
      phrase.push_back(word);
      shown += (shown.empty() ? "" : " ") + word.key;
    }
    if (phrase.size() > 1) note(shown, shown, vocabulary.has_phrase(phrase));
  }
  const Reading reading(question, read);
  for (const AskedWord& word : asked_words(question)) {
    if (!reading.beside(word)) note(word.key, word.shown, covers(word) || reading.named(word));
  }
  if (texts) {
    for (const auto& one : evidence) {
      for (std::string& condition : further_conditions(question, one)) {
        coverage.further.push_back(std::move(condition));
      }
    }
  }
  return coverage;
}

}  // namespace orkestra::planner
