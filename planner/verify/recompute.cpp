#include <orkestra/core/text.h>
#include <orkestra/planner/verify/claim_items.h>
#include <orkestra/planner/verify/lexicon.h>
#include <orkestra/planner/verify/recompute.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <set>

namespace orkestra::planner {
namespace {

using Rational = boost::multiprecision::cpp_rational;
using Integer = boost::multiprecision::cpp_int;
using Role = Record::Field::Role;

constexpr std::size_t kMaxNumbers = 500;

enum class Operation { kSum, kAverage, kDifference, kMore, kLess, kShare, kCount };

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<Operation> operation(const Word& word, const std::vector<Word>& claim,
                                   std::size_t i) {
  const auto next = [&](std::size_t n) {
    return i + n < claim.size() ? std::string_view(claim[i + n].key) : std::string_view{};
  };
  if (word.kind != Word::Kind::kWord) return std::nullopt;
  if (among(word.key, {"total", "sum", "altogether", "combined", "together"}))
    return Operation::kSum;
  if (among(word.key, {"average", "mean"})) return Operation::kAverage;
  if (word.key == "difference") return Operation::kDifference;
  if (among(word.key, {"more", "higher", "larger", "greater"}) && next(1) == "than")
    return Operation::kMore;
  if (among(word.key, {"less", "fewer", "lower", "smaller"}) && next(1) == "than")
    return Operation::kLess;
  if (word.key == "percent" && next(1) == "of") return Operation::kShare;
  if ((word.key == "number" && next(1) == "of") || word.key == "count") return Operation::kCount;
  if (word.key == "there" && next(1) == "are") return Operation::kCount;
  return std::nullopt;
}

Rational rational(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  Integer digits = 0;
  Integer scale = 1;
  bool fraction = false;
  for (const char c : decimal) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    digits = digits * 10 + (c - '0');
    if (fraction) scale *= 10;
  }
  const Rational value(digits, scale);
  return negative ? Rational(-value) : value;
}

std::size_t decimals(std::string_view decimal) {
  const std::size_t point = decimal.find('.');
  return point == std::string_view::npos ? 0 : decimal.size() - point - 1;
}

// Exactly equal, or for a quotient equal once rounded to the places the claim gives.
bool agrees(const Rational& exact, std::string_view said, bool quotient) {
  const Rational claimed = rational(said);
  if (exact == claimed) return true;
  const std::size_t places = decimals(said);
  if (!quotient || places == 0) return false;
  Rational half(1, 2);
  for (std::size_t i = 0; i < places; ++i) half /= 10;
  return abs(Rational(exact - claimed)) <= half;
}

// A number of one record, and where in the claim its record is named.
struct Operand {
  std::string decimal;
  std::size_t named_at = SIZE_MAX;
};

bool limited(const Record& record) {
  const Json& detail = record.evidence.origin.detail;
  if (!detail.is_object() || !detail.contains("sql") || !detail["sql"].is_string()) return false;
  const auto query = words_only(detail["sql"].get<std::string>());
  return std::any_of(query.begin(), query.end(),
                     [](const Word& word) { return word.key == "limit"; });
}

// Rows may be missing: the query says LIMIT, or the result comes near the bounds at which results
// are cut. A sum, a count or a list over such rows proves nothing.
bool may_be_partial(const std::vector<Record>& rows) {
  constexpr std::size_t kCutRows = 200;
  constexpr std::size_t kNearCutBytes = std::size_t{48} << 10U;
  std::size_t bytes = 0;
  for (const auto& row : rows) bytes += row.evidence.quote.size();
  return rows.size() >= kCutRows || bytes > kNearCutBytes ||
         std::any_of(rows.begin(), rows.end(), limited);
}

std::size_t position(const std::vector<Word>& claim, const std::vector<Word>& value) {
  const auto at = std::search(claim.begin(), claim.end(), value.begin(), value.end());
  return value.empty() || at == claim.end() ? SIZE_MAX
                                            : static_cast<std::size_t>(at - claim.begin());
}

class Recomputation {
 public:
  Recomputation(const std::vector<Word>& claim, const std::vector<Record>& records)
      : claim_(claim), rows_(records) {
    for (const auto& record : records) {
      if (record.fault.empty()) read_.push_back(read_record(record));
    }
  }

  std::optional<Judgement> run() {
    if (read_.empty() || read_.size() != rows_.size()) return std::nullopt;
    std::optional<Operation> found;
    for (std::size_t i = 0; i < claim_.size(); ++i) {
      if (claim_[i].kind == Word::Kind::kWord && lexicon::negation(claim_[i].key))
        return std::nullopt;
      if (const auto one = operation(claim_[i], claim_, i)) found = found ? *found : *one;
    }
    if (!found) return std::nullopt;
    collect_vocabulary();
    if (!all_accounted()) return std::nullopt;
    return decide(*found);
  }

 private:
  void collect_vocabulary() {
    for (const auto& row : read_) {
      for (const auto& field : row.fields) {
        for (const auto& word : field.value) values_.insert(word.key);
        for (const auto& word : field.head) names_.insert(word);
        for (const auto& word : field.extra) names_.insert(word);
      }
      names_.insert(row.context_words.begin(), row.context_words.end());
    }
  }

  // Every word is an operation, glue, or the records'; one figure is left over.
  bool all_accounted() {
    for (const auto& word : claim_) {
      if (word.kind == Word::Kind::kNumber) {
        if (!values_.contains(word.key)) left_over_.push_back(word.key);
        figures_.push_back(word.key);
        continue;
      }
      if (word.kind != Word::Kind::kWord) {
        if (!values_.contains(word.key)) return false;
        continue;
      }
      const bool glue =
          lexicon::glue(word.key) || lexicon::pronoun(word.key) ||
          among(word.key,
                {"of",         "and",     "for",        "in",       "between",  "than",    "there",
                 "total",      "sum",     "altogether", "combined", "together", "average", "mean",
                 "difference", "more",    "higher",     "larger",   "greater",  "less",    "fewer",
                 "lower",      "smaller", "percent",    "number",   "count",    "by",      "all",
                 "'s",         "has",     "have"});
      if (!glue && !values_.contains(word.key) && !names_.contains(singular(word.key)))
        return false;
    }
    return left_over_.size() <= 1 && !figures_.empty();
  }

  // The field computed over: the one the claim names, else the only one with numbers.
  std::optional<std::string> operand_field() const {
    std::set<std::string> numeric;
    std::set<std::string> named;
    for (const auto& row : read_) {
      for (const auto& field : row.fields) {
        const bool number = field.role == Role::kStated && field.value.size() == 1 &&
                            field.value[0].kind == Word::Kind::kNumber;
        if (!number) continue;
        numeric.insert(field.name);
        if (names(field)) named.insert(field.name);
      }
    }
    if (named.size() == 1) return *named.begin();
    if (named.empty() && numeric.size() == 1) return *numeric.begin();
    return std::nullopt;
  }

  // The rows the claim names, in its order; all rows when it names none.
  std::vector<Operand> operands(const std::string& name) const {
    std::vector<Operand> all;
    std::vector<Operand> chosen;
    for (const auto& row : read_) {
      Operand operand;
      for (const auto& field : row.fields) {
        if (field.name == name && field.value.size() == 1 && operand.decimal.empty())
          operand.decimal = field.value[0].key;
        const bool identifies = field.role != Role::kStated ||
                                (!field.value.empty() && field.value[0].kind == Word::Kind::kWord);
        if (identifies)
          operand.named_at = std::min(operand.named_at, position(claim_, field.value));
      }
      if (operand.decimal.empty()) continue;
      all.push_back(operand);
      if (operand.named_at != SIZE_MAX) chosen.push_back(operand);
    }
    if (chosen.empty()) return all;
    std::stable_sort(chosen.begin(), chosen.end(),
                     [](const Operand& a, const Operand& b) { return a.named_at < b.named_at; });
    return chosen;
  }

  bool names(const ReadRecord::Field& field) const { return name_position(field) != SIZE_MAX; }

  // Where the claim first says a word of the field's name; SIZE_MAX unless it says them all.
  std::size_t name_position(const ReadRecord::Field& field) const {
    std::size_t first = SIZE_MAX;
    for (const auto& head : field.head) {
      const auto at = std::find_if(claim_.begin(), claim_.end(),
                                   [&](const Word& word) { return singular(word.key) == head; });
      if (at == claim_.end()) return SIZE_MAX;
      first = std::min(first, static_cast<std::size_t>(at - claim_.begin()));
    }
    return first;
  }

  // What of its keys and arguments the claim names; nullopt unless that says which row it is.
  std::optional<std::set<std::string>> subject(const ReadRecord& row) const {
    std::set<std::string> named;
    bool keys = false;
    bool key_named = false;
    for (const auto& field : row.fields) {
      if (field.role == Role::kStated || field.value.empty()) continue;
      const bool said = position(claim_, field.value) != SIZE_MAX;
      if (said) named.insert(field.written);
      if (field.role == Role::kArgument && !said) return std::nullopt;
      keys = keys || field.role == Role::kKey;
      key_named = key_named || (field.role == Role::kKey && said);
    }
    if ((keys && !key_named) || named.empty()) return std::nullopt;
    return named;
  }

  // Two figures of one thing, in the claim's order: "the revenue and the target of North", from
  // one row or from two results about it. Empty when the claim does not single them out.
  std::vector<Operand> two_fields() const {
    std::optional<std::set<std::string>> about;
    std::map<std::string, Operand> by_name;
    for (const auto& row : read_) {
      const auto of = subject(row);
      if (!of) continue;
      if (about && *about != *of) return {};
      about = of;
      for (const auto& field : row.fields) {
        const bool figure = field.role == Role::kStated && field.value.size() == 1 &&
                            field.value[0].kind == Word::Kind::kNumber;
        if (!figure || !names(field)) continue;
        const Operand operand{field.value[0].key, name_position(field)};
        const auto [same, fresh] = by_name.emplace(field.name, operand);
        if (!fresh && same->second.decimal != operand.decimal) return {};
      }
    }
    if (by_name.size() != 2) return {};
    std::vector<Operand> pair{by_name.begin()->second, std::next(by_name.begin())->second};
    if (pair[0].named_at == pair[1].named_at) return {};
    if (pair[0].named_at > pair[1].named_at) std::swap(pair[0], pair[1]);
    return pair;
  }

  std::optional<Judgement> decide(Operation what) {
    const bool partial = may_be_partial(rows_);
    Rational exact = 0;
    std::string working;
    bool quotient = false;
    if (what == Operation::kCount) {
      if (partial || read_.size() < 2) return std::nullopt;
      exact = Rational(read_.size());
      working = "the cited source holds " + std::to_string(read_.size()) + " rows";
    } else {
      const bool pair = what == Operation::kDifference || what == Operation::kMore ||
                        what == Operation::kLess || what == Operation::kShare;
      std::vector<Operand> numbers = pair ? two_fields() : std::vector<Operand>{};
      if (numbers.empty()) {
        const auto name = operand_field();
        if (!name) return std::nullopt;
        numbers = operands(*name);
      }
      if (numbers.size() < 2 || numbers.size() > kMaxNumbers || (pair && numbers.size() != 2))
        return std::nullopt;
      const bool everything = numbers.front().named_at == SIZE_MAX;
      if (everything && partial && !pair) return std::nullopt;
      const bool ordered =
          what == Operation::kMore || what == Operation::kLess || what == Operation::kShare;
      if (ordered && everything) return std::nullopt;
      const Rational first = rational(numbers[0].decimal);
      const Rational second = rational(numbers[1].decimal);
      const std::string a = numbers[0].decimal;
      const std::string b = numbers[1].decimal;
      switch (what) {
        case Operation::kDifference:
          exact = abs(Rational(first - second));
          working = "the difference of " + a + " and " + b;
          break;
        case Operation::kMore:
          exact = first - second;
          working = a + " - " + b;
          break;
        case Operation::kLess:
          exact = second - first;
          working = b + " - " + a;
          break;
        case Operation::kShare:
          if (second == 0) return std::nullopt;
          exact = first * 100 / second;
          quotient = true;
          working = a + " as percent of " + b;
          break;
        default:
          for (std::size_t i = 0; i < numbers.size(); ++i) {
            exact += rational(numbers[i].decimal);
            if (i < 8) working += (i ? " + " : "") + numbers[i].decimal;
          }
          if (numbers.size() > 8) working += " + …";
          if (what == Operation::kAverage) {
            exact /= Rational(numbers.size());
            quotient = true;
            working = "(" + working + ") / " + std::to_string(numbers.size());
          }
      }
    }
    return weigh(exact, working, quotient);
  }

  std::optional<Judgement> weigh(const Rational& exact, const std::string& working, bool quotient) {
    const std::string said = left_over_.empty() ? figures_.back() : left_over_.front();
    if (left_over_.empty() && figures_.size() != 1) return std::nullopt;
    Judgement out;
    out.nearness = 1;
    if (agrees(exact, said, quotient)) {
      out.kind = VerdictKind::kSupported;
      out.score = 0.9;
      out.reason = "computed from the cited source: " + working + " = " + said;
    } else {
      out.kind = VerdictKind::kContradicted;
      out.reason = "computed from the cited source: " + working + " is not " + said;
    }
    return out;
  }

  const std::vector<Word>& claim_;
  const std::vector<Record>& rows_;
  std::vector<ReadRecord> read_;
  std::set<std::string> values_;
  std::set<std::string> names_;
  std::vector<std::string> left_over_;
  std::vector<std::string> figures_;
};

}  // namespace

std::optional<Judgement> recompute(const Claim& claim, const std::vector<Record>& records) {
  const auto said = words_only(claim.text);
  return Recomputation(said, records).run();
}

std::optional<Judgement> judge_list(const Claim& claim, const std::vector<Record>& records) {
  if (records.size() < 2 || may_be_partial(records)) return std::nullopt;
  const std::string& id = records.front().evidence.id;
  std::set<std::string> columns;
  std::set<std::string> vocabulary;
  std::vector<ReadRecord> rows;
  for (const auto& record : records) {
    if (!record.fault.empty() || record.evidence.id != id) return std::nullopt;
    rows.push_back(read_record(record));
    for (const auto& field : rows.back().fields) {
      if (field.role != Role::kArgument) columns.insert(field.name);
    }
    vocabulary.insert(rows.back().context_words.begin(), rows.back().context_words.end());
  }
  const auto said = words_only(claim.text);
  for (const auto& column : columns) {
    std::vector<bool> listed(said.size(), false);
    bool complete = true;
    std::set<std::string> names;
    for (const auto& row : rows) {
      for (const auto& field : row.fields) {
        if (field.name == column) names.insert(field.head.begin(), field.head.end());
        if (field.name != column && field.role != Role::kArgument) continue;
        const std::size_t at = position(said, field.value);
        complete = complete && at != SIZE_MAX;
        for (std::size_t k = 0; at != SIZE_MAX && k < field.value.size(); ++k)
          listed[at + k] = true;
      }
    }
    if (!complete) continue;
    bool accounted = true;
    for (std::size_t i = 0; i < said.size(); ++i) {
      const std::string key = singular(said[i].key);
      const bool critical = said[i].kind == Word::Kind::kWord && lexicon::critical(said[i].key);
      const bool known = lexicon::glue(said[i].key) || said[i].key == "and" ||
                         said[i].key == "of" || said[i].key == "for" || said[i].key == "in" ||
                         names.contains(key) || vocabulary.contains(key);
      accounted = accounted && (listed[i] || (known && !critical));
    }
    if (!accounted) continue;
    Judgement out;
    out.kind = VerdictKind::kSupported;
    out.score = 0.9;
    out.nearness = 1;
    out.reason = "the cited source lists exactly these";
    return out;
  }
  return std::nullopt;
}

}  // namespace orkestra::planner
