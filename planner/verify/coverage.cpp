#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <array>
#include <set>

namespace orkestra::planner {
namespace {

// Words of asking, which say nothing about what is asked for. Sorted.
constexpr auto kAsking = std::to_array<std::string_view>({
    "answer", "ask",     "check",    "could",  "display", "fetch",     "find", "get",
    "give",   "hello",   "help",     "hi",     "kindly",  "know",      "let",  "like",
    "list",   "look",    "lookup",   "many",   "much",    "need",      "now",  "number",
    "please", "provide", "question", "return", "right",   "say",       "see",  "show",
    "tell",   "thank",   "thanks",   "want",   "wonder",  "wondering",
});
static_assert(std::is_sorted(kAsking.begin(), kAsking.end()));

std::string key_of(const Word& word) {
  return word.kind == Word::Kind::kWord ? stem(word.key) : word.key;
}

class Vocabulary {
 public:
  void add_text(std::string_view text) {
    std::string line = "\n";  // no phrase runs from one text into the next
    for (const auto& word : words_only(text)) {
      stems_.insert(key_of(word));
      line += key_of(word) + "\n";
    }
    lines_ += line + "\v";
  }
  void add_identifier(std::string_view identifier) {
    for (const auto& word : identifier_words(identifier)) stems_.insert(key_of(word));
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
      if (parts[i].key == "from" || parts[i].key == "join") stems_.insert(key_of(parts[i + 1]));
    }
    for (std::size_t at = sql.find('\''); at != std::string::npos;) {
      const std::size_t close = sql.find('\'', at + 1);
      if (close == std::string::npos) break;
      add_text(std::string_view(sql).substr(at + 1, close - at - 1));
      at = sql.find('\'', close + 1);
    }
  }
  bool has(const std::string& key) const { return stems_.contains(key); }
  bool has_phrase(const std::vector<Word>& phrase) const {
    std::string line = "\n";
    for (const auto& word : phrase) line += key_of(word) + "\n";
    return lines_.find(line) != std::string::npos;
  }

 private:
  std::set<std::string> stems_;
  std::string lines_;
};

// Byte ranges of the question that stand in double quotation marks.
std::vector<std::pair<std::size_t, std::size_t>> quoted_ranges(std::string_view question) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t open = std::string_view::npos;
  for (std::size_t i = 0; i < question.size(); ++i) {
    const std::string_view rest = question.substr(i);
    const bool mark = rest.starts_with('"') || rest.starts_with("“") || rest.starts_with("”");
    if (!mark) continue;
    if (open == std::string_view::npos) {
      open = i;
    } else {
      out.emplace_back(open, i);
      open = std::string_view::npos;
    }
  }
  return out;
}

}  // namespace

Coverage question_coverage(std::string_view question, const std::vector<Evidence>& evidence) {
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
  Coverage coverage;
  std::set<std::string> seen;
  const auto note = [&](const std::string& key, const std::string& shown, bool covered) {
    if (!seen.insert(key).second) return;
    (covered ? coverage.covered : coverage.missing).push_back(shown);
  };
  const auto asked = words_only(question);
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
  for (const auto& word : asked) {
    const bool plain = word.kind == Word::Kind::kWord;
    const bool asking = plain && (is_stop_word(word.key) || word.key == "'s" ||
                                  std::binary_search(kAsking.begin(), kAsking.end(), word.key));
    if (asking) continue;
    const std::string key = key_of(word);
    note(key, word.key, vocabulary.has(key));
  }
  return coverage;
}

}  // namespace orkestra::planner
