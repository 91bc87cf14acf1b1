#include <orkestra/core/text.h>
#include <orkestra/planner/verify/asked.h>

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

namespace orkestra::planner {
namespace {

using Sort = AskedWord::Sort;

// Words of asking, which say nothing about what is asked for. Sorted.
constexpr auto kAsking = std::to_array<std::string_view>({
    "=",       "ask",    "concerning", "could",     "equal", "find", "get",  "give",   "hello",
    "hi",      "kindly", "know",       "let",       "like",  "many", "much", "now",    "number",
    "please",  "pls",    "plz",        "regarding", "right", "say",  "see",  "show",   "somebody",
    "someone", "tell",   "thank",      "thanks",    "thx",   "u",    "want", "wonder", "wondering",
});
static_assert(std::is_sorted(kAsking.begin(), kAsking.end()));

// The same where they command ("return the price"), not where they are things ("a return"). Sorted.
constexpr auto kCommands = std::to_array<std::string_view>({
    "answer",
    "calculate",
    "check",
    "compute",
    "display",
    "fetch",
    "help",
    "list",
    "look",
    "lookup",
    "need",
    "print",
    "provide",
    "report",
    "return",
});
static_assert(std::is_sorted(kCommands.begin(), kCommands.end()));

// What fills a sentence that asks nothing ("Sorry to bother you."). Sorted.
constexpr auto kCourtesies = std::to_array<std::string_view>({
    "asap",   "ask",    "bother", "brief",    "favor",    "favour", "help",
    "hurry",  "moment", "need",   "possible", "question", "quick",  "quickly",
    "report", "soon",   "sorry",  "today",    "urgent",
});
static_assert(std::is_sorted(kCourtesies.begin(), kCourtesies.end()));

constexpr auto kAskingPhrases =
    std::to_array<std::string_view>({"figure out", "find out", "look up", "work out"});

// Said beside the point, whatever is asked.
constexpr auto kLight = std::to_array<std::string_view>({
    "actual",
    "actually",
    "again",
    "current",
    "currently",
    "exactly",
    "make",
    "moment",
    "set",
    "take",
});
static_assert(std::is_sorted(kLight.begin(), kLight.end()));

// Irregular forms of common verbs, and the first form. Sorted by form.
constexpr auto kForms = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"began", "begin"}, {"begun", "begin"},  {"bought", "buy"},    {"brought", "bring"},
    {"built", "build"}, {"chose", "choose"}, {"chosen", "choose"}, {"dealt", "deal"},
    {"drawn", "draw"},  {"driven", "drive"}, {"gave", "give"},     {"given", "give"},
    {"gone", "go"},     {"got", "get"},      {"grew", "grow"},     {"grown", "grow"},
    {"held", "hold"},   {"kept", "keep"},    {"knew", "know"},     {"known", "know"},
    {"lent", "lend"},   {"lost", "lose"},    {"made", "make"},     {"met", "meet"},
    {"paid", "pay"},    {"sent", "send"},    {"shown", "show"},    {"sold", "sell"},
    {"spent", "spend"}, {"taken", "take"},   {"taught", "teach"},  {"told", "tell"},
    {"took", "take"},   {"went", "go"},      {"won", "win"},       {"written", "write"},
    {"wrote", "write"},
});
static_assert(std::is_sorted(kForms.begin(), kForms.end()));

// What is said in questions, and what sources call it.
struct Saying {
  std::string_view said;    // words, "|" between: each, or two words for a phrase
  std::string_view called;  // words
  Sort sort = Sort::kPlain;
};
constexpr auto kSayings = std::to_array<Saying>({
    {"cost|expensive|cheap", "price cost fee rate charge"},
    {"pay", "price cost fee salary wage amount"},
    {"buy|purchase|sell for", "price cost"},
    {"worth", "value price balance"},
    {"money|account|funds", "balance amount sum credit"},
    {"owe|debt", "balance debt amount"},
    {"earn", "salary wage revenue income profit"},
    {"important|importance|urgent|urgency", "priority importance urgency"},
    {"in charge|boss|head|lead|leader|run|responsible|manage|oversee|direct",
     "director manager head leader chief supervisor"},
    {"own", "owner"},
    {"due|finish|finished|complete|completed|done|ready|until|till", "deadline due expiry"},
    {"date|day", "date day deadline birthday", Sort::kDate},
    {"time|soon", "time", Sort::kDuration},
    {"name|person", "name person", Sort::kName},
    {"where", "location address place city country region site position", Sort::kPlace},
    {"long", "length duration", Sort::kDuration},
    {"kind|type|sort|class", "category type kind class group"},
    {"call|dial|ring|reach|contact|telephone|mobile", "phone telephone contact mobile email"},
    {"letter|post|mail|write", "address mail email"},
    {"live|located|situated", "address location city"},
    {"hold|fit|contain|room", "capacity volume size"},
    {"left|remaining|remain|available", "stock quantity amount balance"},
    {"going on|happen|going", "status state progress"},
    {"belong", "region owner category group department team country"},
    {"heavy|weigh", "weight"},
    {"tall", "height size"},
    {"old", "age"},
    {"fast", "speed"},
    {"big|large", "size capacity"},
    {"wide", "width"},
    {"deep", "depth"},
    {"far", "distance"},
    {"warm|hot|cold", "temperature"},
    {"born", "birthday birth"},
    {"write|writer", "author writer"},
    {"later|afterwards", "after", Sort::kDuration},
    {"send back|give back|bring back", "return"},
    {"travel|trip|journey", "travel trip journey"},
    {"permission|allowed", "approval permission"},
    {"client|customer", "client customer"},
    {"firm|company", "firm company"},
    {"employee|staff|worker", "employee staff worker"},
    {"begin|start", "begin start"},
    {"ship|send", "ship send"},
});

// In a question about a text they only join what is asked: "what happens when", "to belong".
constexpr auto kEmpty = std::to_array<std::string_view>({"go", "happen"});

template <std::size_t N>
bool among(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

bool among(std::string_view word, std::string_view list, char between) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(between, at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

std::string plain_key(std::string_view word) {
  const auto form = std::lower_bound(kForms.begin(), kForms.end(), word,
                                     [](const auto& a, std::string_view b) { return a.first < b; });
  std::string key(form != kForms.end() && form->first == word ? form->second : word);
  key = stem(key);
  constexpr std::size_t kLongEnough = 7;
  if (key.size() >= kLongEnough && key.ends_with("or")) key.resize(key.size() - 2);
  if (key.size() >= kLongEnough && key.ends_with('i')) key.pop_back();
  return key;
}

// Keys of one spelling -> what else it may be called, from kSayings.
struct Called {
  std::vector<std::string> keys;
  Sort sort = Sort::kPlain;
};

const std::map<std::string, Called>& sayings() {
  static const std::map<std::string, Called> kTable = [] {
    std::map<std::string, Called> table;
    for (const Saying& saying : kSayings) {
      std::vector<std::string> called;
      for (const Word& word : words_only(saying.called)) called.push_back(word_key(word));
      for (std::size_t at = 0; at <= saying.said.size();) {
        const std::size_t end = std::min(saying.said.find('|', at), saying.said.size());
        std::string key;
        for (const Word& word : words_only(saying.said.substr(at, end - at))) {
          key += (key.empty() ? "" : " ") + plain_key(word.key);
        }
        Called& entry = table[key];
        for (const std::string& other : called) {
          if (std::find(entry.keys.begin(), entry.keys.end(), other) == entry.keys.end())
            entry.keys.push_back(other);
        }
        if (saying.sort != Sort::kPlain) entry.sort = saying.sort;
        at = end + 1;
      }
    }
    return table;
  }();
  return kTable;
}

bool word_byte_at(std::string_view text, std::size_t i) {
  if (i >= text.size()) return false;
  const auto byte = static_cast<unsigned char>(text[i]);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

// For every word whether it only asks: stop words, words of asking, and all of a sentence that
// holds nothing else but courtesies.
std::vector<bool> words_of_asking(std::string_view question, const std::vector<Word>& all) {
  std::vector<bool> idle(all.size());
  std::size_t begin = 0;  // of the sentence
  bool only_courtesies = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string_view key = all[i].key;
    const std::string_view before = i > begin ? std::string_view(all[i - 1].key) : "";
    const bool pronoun = among(before, "i|we|you|u|they|he|she", '|');
    const std::size_t from = i > 0 ? all[i - 1].end : 0;
    const bool after_comma =
        question.substr(from, all[i].begin - from).find(',') != std::string_view::npos;
    const bool commands =
        i == begin || after_comma || pronoun || among(before, "please|pls|and|me|kindly", '|');
    // "I mean", "we are missing": the speaker, not the thing.
    const bool aside =
        (key == "mean" && pronoun) || (key == "missing" && among(before, "am|are", '|'));
    const bool asking = is_stop_word(key) || key == "'s" || among(kAsking, key) ||
                        among(kAsking, stem(key)) || (among(kCommands, key) && commands) || aside;
    idle[i] = all[i].kind == Word::Kind::kWord && asking;
    only_courtesies = only_courtesies && (idle[i] || among(kCourtesies, key));
    const std::size_t next = i + 1 < all.size() ? all[i + 1].begin : question.size();
    const bool ends = i + 1 == all.size() ||
                      question.substr(all[i].end, next - all[i].end).find_first_of(".!?:;\n") !=
                          std::string_view::npos;
    if (!ends) continue;
    if (only_courtesies) std::fill(idle.begin() + begin, idle.begin() + i + 1, true);
    begin = i + 1;
    only_courtesies = true;
  }
  return idle;
}

}  // namespace

std::string word_key(const Word& word) {
  return word.kind == Word::Kind::kWord ? plain_key(word.key) : word.key;
}

std::vector<AskedWord> asked_words(std::string_view question) {
  const std::vector<Word> all = words_only(question);
  const std::vector<bool> idle = words_of_asking(question, all);
  const auto saying_of = [](const std::string& key) -> const Called* {
    const auto found = sayings().find(key);
    return found == sayings().end() ? nullptr : &found->second;
  };
  std::vector<AskedWord> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Word& word = all[i];
    AskedWord asked{.shown = word.key, .key = word_key(word), .place = i};
    const Called* called = nullptr;
    if (word.kind == Word::Kind::kWord) {
      const bool more = i + 1 < all.size() && all[i + 1].kind == Word::Kind::kWord;
      const std::string phrase = more ? word.key + " " + all[i + 1].key : "";
      if (std::find(kAskingPhrases.begin(), kAskingPhrases.end(), phrase) != kAskingPhrases.end()) {
        ++i;
        continue;
      }
      if (more) called = saying_of(asked.key + " " + word_key(all[i + 1]));
      if (called != nullptr) {
        asked.shown += " " + all[i + 1].key;
        asked.key += " " + word_key(all[i + 1]);
        ++i;
      } else {
        // Of "where is it" nothing but the place is asked.
        const bool place = word.key == "where";
        if (idle[i] && !place) continue;
        called = saying_of(asked.key);
      }
      asked.light = among(kLight, word.key) || among(kLight, asked.key);
      asked.empty = std::find(kEmpty.begin(), kEmpty.end(), asked.key) != kEmpty.end();
    }
    if (called != nullptr) {
      asked.others = called->keys;
      asked.sort = called->sort;
    }
    out.push_back(std::move(asked));
  }
  return out;
}

std::vector<std::string> names_in(std::string_view question) {
  const std::vector<Word> all = words_only(question);
  const std::vector<bool> idle = words_of_asking(question, all);
  std::vector<std::string> out;
  std::size_t end = std::string_view::npos;  // of the name in progress
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool goes_on =
        end != std::string_view::npos && question.substr(end, all[i].begin - end) == " ";
    const bool name = (all[i].capital && (!idle[i] || goes_on)) || all[i].kind != Word::Kind::kWord;
    if (!name) {
      end = std::string_view::npos;
    } else {
      std::string_view text = question.substr(all[i].begin, all[i].end - all[i].begin);
      for (const std::string_view ending : {"'s", "\xE2\x80\x99s"}) {
        if (text.ends_with(ending)) text.remove_suffix(ending.size());
      }
      if (goes_on) {
        out.back() += " " + std::string(text);
      } else {
        out.emplace_back(text);
      }
      end = all[i].end;
    }
  }
  return out;
}

std::vector<std::string> stretches_in(std::string_view question, const std::string& pattern) {
  RE2::Options options;
  options.set_longest_match(true);
  options.set_log_errors(false);
  const RE2 expression(pattern, options);
  std::vector<std::string> out;
  if (!expression.ok()) return out;
  const re2::StringPiece text(question.data(), question.size());
  re2::StringPiece match;
  for (std::size_t at = 0; at < text.size();) {
    const bool found = expression.Match(text, at, text.size(), RE2::UNANCHORED, &match, 1);
    if (!found || match.empty()) break;
    const auto from = static_cast<std::size_t>(match.data() - text.data());
    const std::string stretch(match.data(), match.size());
    at = from + match.size();
    const bool inside_word =
        (from > 0 && word_byte_at(question, from - 1)) || word_byte_at(question, at);
    if (!inside_word && (words(stretch).size() != 1 || stretch == question)) out.push_back(stretch);
  }
  return out;
}

std::vector<std::pair<std::size_t, std::size_t>> quoted_ranges(std::string_view question) {
  struct Marks {
    std::string_view open, close;
  };
  static constexpr Marks kMarks[] = {
      {"\"", "\""}, {"\xE2\x80\x9C", "\xE2\x80\x9D"}, {"'", "'"}, {"\xE2\x80\x98", "\xE2\x80\x99"}};
  const auto in_word = [&](std::size_t i) { return word_byte_at(question, i); };
  std::vector<std::pair<std::size_t, std::size_t>> out;
  for (std::size_t i = 0; i < question.size(); ++i) {
    for (const Marks& marks : kMarks) {
      const bool opens = question.substr(i).starts_with(marks.open) && (i == 0 || !in_word(i - 1));
      if (!opens) continue;
      const std::size_t from = i + marks.open.size();
      // An apostrophe inside a word closes nothing.
      std::size_t close = question.find(marks.close, from);
      while (close != std::string_view::npos && in_word(close + marks.close.size())) {
        close = question.find(marks.close, close + 1);
      }
      if (close == std::string_view::npos || close == from) continue;
      out.emplace_back(from, close);
      i = close + marks.close.size() - 1;
      break;
    }
  }
  return out;
}

bool asks_yes_or_no(const std::vector<Word>& question) {
  return !question.empty() &&
         among(question.front().key, "is|are|was|were|has|have|had|does|do|did|can|may|will", '|');
}

}  // namespace orkestra::planner
