#include <orkestra/core/text.h>
#include <orkestra/planner/verify/claim_items.h>
#include <orkestra/planner/verify/lexicon.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace orkestra::planner {
namespace {

using Kind = Item::Kind;

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Parts of a name that only say what kind of value it is.
bool generic_name(std::string_view word) {
  return among(word, {"name", "id", "code", "number", "no", "value", "key", "text", "unit",
                      "result", "answer", "output", "data", "content"});
}
// Results of counting or computing are called after the function, not after what they are.
bool function_name(std::string_view word) {
  return among(word,
               {"count", "sum", "total", "n", "avg", "average", "min", "max", "coalesce", "round"});
}

// One word for the ways to say what a function computes.
std::string canonical(const std::string& word) {
  static constexpr std::pair<std::string_view, std::string_view> kSame[] = {
      {"total", "sum"},   {"average", "avg"}, {"mean", "avg"},
      {"maximum", "max"}, {"minimum", "min"}, {"number", "count"}};
  for (const auto& [other, one] : kSame) {
    if (word == other) return std::string(one);
  }
  return word;
}

// "number of" before what a field counts: "the number of orders" for {orders: 5} or {count: 5}.
bool counts(const std::vector<Word>& claim, std::size_t i, const ReadRecord& record) {
  const bool number_of =
      i + 2 < claim.size() && claim[i].key == "number" && claim[i + 1].key == "of";
  if (!number_of) return false;
  return std::any_of(record.fields.begin(), record.fields.end(), [&](const auto& field) {
    const bool whole = field.role == Record::Field::Role::kStated && field.value.size() == 1 &&
                       field.value[0].kind == Word::Kind::kNumber &&
                       field.value[0].key.find('.') == std::string::npos;
    return whole && (field.generic || field.head.contains(singular(claim[i + 2].key)));
  });
}

bool content(const Word& word) { return word.kind != Word::Kind::kWord || !is_stop_word(word.key); }

std::size_t value_here(const std::vector<Word>& claim, std::size_t i,
                       const std::vector<Word>& value) {
  if (value.empty() || i + value.size() > claim.size()) return 0;
  if (!std::equal(value.begin(), value.end(), claim.begin() + static_cast<std::ptrdiff_t>(i)))
    return 0;
  // "in" as a state's code is not the word "in".
  const bool plain = value.size() == 1 && !content(value[0]) && !claim[i].capital;
  return plain ? 0 : value.size();
}

// How many words from `i` on name the field: all of its head words, in any order, each once.
std::size_t name_here(const std::vector<Word>& claim, std::size_t i,
                      const ReadRecord::Field& field) {
  std::set<std::string> left = field.head;
  std::set<std::string> extra = field.extra;
  extra.insert({"name", "number", "id", "code"});
  std::size_t n = 0;
  while (i + n < claim.size() && claim[i + n].kind == Word::Kind::kWord) {
    const std::string key = singular(claim[i + n].key);
    const bool head = left.erase(key) > 0 || left.erase(canonical(key)) > 0;
    if (!head && (n == 0 || extra.erase(key) == 0)) break;
    ++n;
  }
  return left.empty() ? n : 0;
}

Kind function_word(const Word& word) {
  if (word.mark()) return word.key == ":" ? Kind::kCopula : Kind::kJoin;
  if (word.kind != Word::Kind::kWord) return Kind::kUnknown;
  if (lexicon::negation(word.key)) return Kind::kNegation;
  if (among(word.key, {"is", "are", "equals", "equal", "="})) return Kind::kCopula;
  if (among(word.key, {"has", "have"})) return Kind::kHave;
  if (among(word.key, {"of", "for", "in", "on", "at", "with", "as", "from", "to", "by"}))
    return Kind::kPreposition;
  if (word.key == "'s") return Kind::kPossessive;
  if (word.key == "and") return Kind::kJoin;
  if (among(word.key, {"it", "its", "their", "his", "her", "he", "she", "they", "there", "here"}))
    return Kind::kPronoun;
  return Kind::kUnknown;
}

}  // namespace

bool Item::at(std::size_t field) const {
  return std::find(fields.begin(), fields.end(), field) != fields.end();
}

ReadRecord read_record(const Record& record) {
  ReadRecord out;
  out.context = words_only(record.context);
  for (const auto& word : out.context) out.context_words.insert(singular(word.key));
  for (const auto& field : record.fields) {
    ReadRecord::Field read;
    read.name = field.name;
    read.written = field.value;
    read.role = field.role;
    constexpr std::size_t kMaxValueBytes = 4000;
    read.value = words_only(std::string_view(field.value).substr(0, kMaxValueBytes));
    const auto name = identifier_words(field.name);
    std::set<std::string> specific;
    for (const auto& word : name) {
      const std::string key = singular(word.key);
      const std::string unit = unit_named(word.key);
      if (!unit.empty()) {
        read.extra.insert(unit);
      } else if (generic_name(key)) {
        read.extra.insert(key);
      } else {
        specific.insert(key);
      }
    }
    // "customer_balance" in customers is the balance.
    for (const auto& key : specific) {
      const bool of_context = specific.size() > 1 && out.context_words.contains(key) &&
                              field.role == Record::Field::Role::kStated;
      (of_context ? read.extra : read.head).insert(key);
    }
    if (read.head.empty()) {
      for (const auto& word : name) read.head.insert(singular(word.key));
    }
    read.generic = std::all_of(name.begin(), name.end(), [](const Word& word) {
      return generic_name(word.key) || function_name(word.key);
    });
    out.fields.push_back(std::move(read));
  }
  return out;
}

std::vector<Item> read_claim(const std::vector<Word>& claim, const ReadRecord& record) {
  std::vector<Item> out;
  for (std::size_t i = 0; i < claim.size();) {
    const Word& word = claim[i];
    Item item;
    std::size_t longest = 0;
    const auto offer = [&](std::size_t field, std::size_t size, Kind kind) {
      if (size == 0 || size < longest) return;
      if (size > longest || kind != item.kind) item.fields.clear();
      if (size == longest && kind != item.kind && kind == Kind::kName) return;
      longest = size;
      item.kind = kind;
      item.fields.push_back(field);
    };
    for (std::size_t f = 0; f < record.fields.size(); ++f) {
      offer(f, value_here(claim, i, record.fields[f].value), Kind::kValue);
    }
    if (longest == 0) {
      for (std::size_t f = 0; f < record.fields.size(); ++f) {
        if (!record.fields[f].head.empty())
          offer(f, name_here(claim, i, record.fields[f]), Kind::kName);
      }
    }
    if (longest > 0) {
      item.words.assign(claim.begin() + static_cast<std::ptrdiff_t>(i),
                        claim.begin() + static_cast<std::ptrdiff_t>(i + longest));
      item.figure = item.kind == Kind::kValue && word.kind != Word::Kind::kWord;
      out.push_back(std::move(item));
      i += longest;
      continue;
    }
    if (counts(claim, i, record)) {
      i += 2;
      continue;
    }
    ++i;
    if (word.kind == Word::Kind::kWord &&
        among(word.key, {"a", "an", "the", "named", "called", "does", "do"})) {
      continue;
    }
    // Units belong to the field their value is bound to; checked there.
    item.kind = function_word(word);
    item.figure = word.kind != Word::Kind::kWord && !word.mark();
    item.words = {word};
    if (item.kind == Kind::kUnknown && !item.figure &&
        record.context_words.contains(singular(word.key))) {
      item.kind = Kind::kContext;
    }
    const bool joins = item.kind == Kind::kUnknown && !item.figure && !out.empty() &&
                       out.back().kind == Kind::kUnknown && !out.back().figure;
    if (joins) {
      out.back().words.push_back(word);
    } else {
      out.push_back(std::move(item));
    }
  }
  return out;
}

}  // namespace orkestra::planner
