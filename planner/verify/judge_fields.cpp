#include <orkestra/core/text.h>
#include <orkestra/planner/verify/claim_items.h>
#include <orkestra/planner/verify/judge.h>
#include <orkestra/planner/verify/lexicon.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace orkestra::planner {
namespace {

using Kind = Item::Kind;
using Role = Record::Field::Role;

// Gives every value of the claim the name the claim's grammar gives it, then holds the pairs
// against the record. What fits no pattern stays unbound, and so unsupported.
class Reading {
 public:
  Reading(const std::vector<Word>& claim, const Record& record, bool cited)
      : record_(read_record(record)),
        items_(read_claim(claim, record_)),
        cited_(cited),
        from_run_(!record.evidence.id.empty()) {}

  Judgement judge() {
    out_.nearness = nearness();
    bind_neighbours();
    bind_around_copulas();
    bind_single_result();
    weigh();
    return std::move(out_);
  }

 private:
  bool value_like(std::size_t i) const {
    return i < items_.size() &&
           (items_[i].kind == Kind::kValue || items_[i].kind == Kind::kUnknown);
  }
  // A unit right after a figure is no value of its own.
  bool unit_after_figure(std::size_t i) const {
    return i > 0 && i < items_.size() && items_[i].kind == Kind::kUnknown &&
           items_[i].words.size() == 1 && items_[i - 1].figure &&
           unit_named(items_[i].words[0].key) == items_[i].words[0].key;
  }
  bool free_value(std::size_t i) const {
    return value_like(i) && items_[i].bound < 0 && !unit_after_figure(i);
  }
  bool is(std::size_t i, Kind kind) const { return i < items_.size() && items_[i].kind == kind; }
  bool free_name(std::size_t i) const { return is(i, Kind::kName) && !items_[i].used; }
  const ReadRecord::Field& field(std::ptrdiff_t index) const {
    return record_.fields[static_cast<std::size_t>(index)];
  }
  bool key_role(std::size_t index) const { return record_.fields[index].role != Role::kStated; }

  double nearness() const {
    double touched = 0;
    for (const auto& item : items_) {
      if (item.kind == Kind::kValue) touched += 2;
      if (item.kind == Kind::kName) touched += 1;
    }
    return std::min(0.95, touched / (2.0 * static_cast<double>(items_.size() + 1)));
  }

  // The name `n` is said to have the value `v`: the field both agree on, else the name's own.
  void bind(std::size_t n, std::size_t v) {
    Item& name = items_[n];
    Item& value = items_[v];
    name.used = true;
    for (const std::size_t f : name.fields) {
      if (value.kind == Kind::kValue && value.at(f)) {
        value.bound = static_cast<std::ptrdiff_t>(f);
        return;
      }
    }
    value.bound = static_cast<std::ptrdiff_t>(name.fields.front());
  }

  bool agree(std::size_t n, std::size_t v) const {
    return std::any_of(items_[n].fields.begin(), items_[n].fields.end(), [&](std::size_t f) {
      return items_[v].kind == Kind::kValue && items_[v].at(f);
    });
  }

  // A noun of the context right before or after a value says it is one of the keys:
  // "customer Bruna Kelly" for {name: Bruna Kelly} of customers.
  void bind_context_noun(std::size_t noun, std::size_t v) {
    for (const std::size_t f : items_[v].fields) {
      const bool stands_for = items_[v].kind == Kind::kValue && key_role(f) &&
                              (record_.fields[f].generic || record_.fields[f].role == Role::kKey);
      if (!stands_for) continue;
      items_[noun].used = true;
      items_[v].bound = static_cast<std::ptrdiff_t>(f);
      return;
    }
    // "manager Ben", where Ben is the employee asked about, names him wrongly.
    if (noun < v && !items_[v].figure && items_[v].kind == Kind::kValue) misnamed_ = true;
  }

  void bind_neighbours() {
    for (std::size_t i = 0; i + 1 < items_.size(); ++i) {
      if (free_name(i) && free_value(i + 1)) {
        // "The Lisbon warehouse balance" aside, a value right after a name is its value, unless
        // the value belongs to the name after it ("warehouse 120 units").
        const bool belongs_on = free_name(i + 2) && !agree(i, i + 1) && agree(i + 2, i + 1);
        if (!belongs_on) bind(i, i + 1);
      }
    }
    for (std::size_t i = 0; i + 1 < items_.size(); ++i) {
      if (free_value(i) && free_name(i + 1)) {
        const bool says_figure = items_[i].figure && !is(i + 2, Kind::kPreposition);
        if (agree(i + 1, i) || says_figure || (items_[i].figure && after_have(i))) bind(i + 1, i);
      }
    }
    for (std::size_t i = 0; i + 2 < items_.size(); ++i) {
      // "has a balance of 4211.5", "with a balance of 4211.5"
      const bool of = is(i + 1, Kind::kPreposition) && items_[i + 1].words[0].key == "of";
      const bool figure = free_value(i + 2) && items_[i + 2].figure;
      const bool with =
          i > 0 && is(i - 1, Kind::kPreposition) && items_[i - 1].words[0].key == "with";
      const bool states = std::any_of(items_[i].fields.begin(), items_[i].fields.end(),
                                      [&](std::size_t f) { return !key_role(f); });
      if (of && figure && free_name(i) && states && (with || after_have(i))) bind(i, i + 2);
    }
    for (std::size_t i = 0; i + 1 < items_.size(); ++i) {
      if (is(i, Kind::kContext) && free_value(i + 1)) bind_context_noun(i, i + 1);
      if (free_value(i) && is(i + 1, Kind::kContext)) bind_context_noun(i + 1, i);
    }
  }

  bool after_have(std::size_t i) const {
    for (std::size_t k = i; k-- > 0;) {
      if (is(k, Kind::kHave)) return true;
      if (is(k, Kind::kCopula)) return false;
    }
    return false;
  }

  // The stretch around the copula at `at` that ends at the joins next to its neighbours.
  std::pair<std::size_t, std::size_t> stretch(std::size_t at) const {
    std::size_t from = 0;
    for (std::size_t i = at; i-- > 0;) {
      if (!is(i, Kind::kCopula)) continue;
      for (std::size_t k = at; k-- > i;) {
        if (is(k, Kind::kJoin)) {
          from = k + 1;
          break;
        }
        from = k;
      }
      break;
    }
    std::size_t to = items_.size();
    for (std::size_t i = at + 1; i < items_.size(); ++i) {
      if (!is(i, Kind::kCopula)) continue;
      for (std::size_t k = i; k-- > at + 1;) {
        if (is(k, Kind::kJoin)) {
          to = k;
          break;
        }
      }
      break;
    }
    return {from, to};
  }

  void bind_around_copulas() {
    for (std::size_t at = 0; at < items_.size(); ++at) {
      if (!is(at, Kind::kCopula)) continue;
      const auto [from, to] = stretch(at);
      std::vector<std::size_t> heads;
      for (std::size_t i = from; i < at; ++i) {
        if (free_name(i)) heads.push_back(i);
      }
      std::vector<std::size_t> values;
      for (std::size_t i = at + 1; i < to; ++i) {
        if (free_value(i)) values.push_back(i);
        // Only what stands right after the copula, or in its list, is what something is.
        const bool goes_on = free_value(i) || unit_after_figure(i) || is(i, Kind::kJoin) ||
                             is(i, Kind::kNegation) ||
                             (is(i, Kind::kPreposition) && values.empty());
        if (!goes_on) break;
      }
      // "The customer with the highest balance is ...": the head is the context's noun.
      const bool context_head = is(from, Kind::kContext) && is(from + 1, Kind::kPreposition);
      if (context_head && values.size() == 1 && bind_described(from, at, values[0])) continue;
      if (!heads.empty() && heads.size() == values.size()) {
        for (std::size_t k = 0; k < heads.size(); ++k) bind(heads[k], values[k]);
        continue;
      }
      if (!values.empty() && heads.size() > 1) {
        // "The balance of the customer is 5": only one of the names is what is stated.
        std::erase_if(heads, [&](std::size_t n) {
          return std::all_of(items_[n].fields.begin(), items_[n].fields.end(),
                             [&](std::size_t f) { return key_role(f); });
        });
        if (heads.size() == values.size()) {
          for (std::size_t k = 0; k < heads.size(); ++k) bind(heads[k], values[k]);
        }
        continue;
      }
      if (heads.empty() && values.size() == 1 && bind_described(from, at, values[0])) continue;
      // "4211.5 is the balance of Bruna Kelly"
      std::vector<std::size_t> before;
      for (std::size_t i = from; i < at; ++i) {
        if (free_value(i)) before.push_back(i);
      }
      if (values.empty() && heads.empty() && before.size() == 1 && free_name(at + 1)) {
        bind(at + 1, before[0]);
      }
    }
  }

  // "The customer with the highest balance is Bruna Kelly": the context says what a field that is
  // only called "name" holds.
  bool bind_described(std::size_t from, std::size_t at, std::size_t v) {
    bool described = false;
    for (std::size_t i = from; i < at; ++i) described = described || is(i, Kind::kContext);
    std::optional<std::size_t> result;
    for (std::size_t f = 0; f < record_.fields.size(); ++f) {
      if (!record_.fields[f].generic || record_.fields[f].role == Role::kArgument) continue;
      if (result) return false;
      result = f;
    }
    if (!described || !result || !from_run_ || items_[v].figure) return false;
    if (items_[v].kind == Kind::kValue && !items_[v].at(*result)) return false;
    items_[v].bound = static_cast<std::ptrdiff_t>(*result);
    by_context_ = true;
    described_ = *result;
    return true;
  }

  // A result whose own name says nothing ("count", "value") is named by its tool's words.
  void bind_single_result() {
    std::optional<std::size_t> result;
    for (std::size_t f = 0; f < record_.fields.size(); ++f) {
      if (key_role(f)) continue;
      if (result) return;
      result = f;
    }
    if (!result) return;
    bool named = false;
    bool bound = false;
    bool words = false;
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      named = named || (items_[i].kind == Kind::kName && items_[i].at(*result));
      bound = bound || items_[i].bound == static_cast<std::ptrdiff_t>(*result);
      words = words || items_[i].kind == Kind::kContext;
      const bool is_result = items_[i].kind == Kind::kValue && items_[i].at(*result);
      const bool predicate = is_result || (items_[i].kind == Kind::kUnknown && items_[i].figure);
      if (free_value(i) && predicate) open.push_back(i);
    }
    const bool spoken = words && record_.fields[*result].generic;
    const bool plain = cited_ && !words;  // "Bruna Kelly: 4211.5 [1]"
    if (named || bound || open.size() != 1 || (!spoken && !plain)) return;
    if (plain && items_[open[0]].kind == Kind::kUnknown) return;
    items_[open[0]].bound = static_cast<std::ptrdiff_t>(*result);
    by_context_ = true;
  }

  // "5 USD" for price_usd: the unit is part of its field's name.
  bool unit_of_neighbour(std::size_t i) const {
    if (!unit_after_figure(i) || items_[i - 1].bound < 0) return false;
    return field(items_[i - 1].bound).extra.contains(items_[i].words[0].key);
  }

  // A preposition that says which way ("from", "to", "by") must be in the field's name or before
  // it in the context: "from Lisbon" is no "to Lisbon".
  bool way_fits(std::size_t value, std::size_t f) const {
    if (value == 0) return true;
    std::size_t before = value - 1;
    if (is(before, Kind::kName) && before > 0) --before;
    if (!is(before, Kind::kPreposition)) return true;
    const std::string& way = items_[before].words[0].key;
    if (way != "from" && way != "to" && way != "by") return true;
    return record_.fields[f].head.contains(way) || context_has(way, f);
  }

  // "<preposition> [a] <field>" stands in the context.
  bool context_has(const std::string& preposition, std::size_t f) const {
    const auto& context = record_.context;
    for (std::size_t i = 0; i + 1 < context.size(); ++i) {
      if (context[i].key != preposition) continue;
      std::size_t next = i + 1;
      while (next < context.size() && next < i + 3 && lexicon::glue(context[next].key)) ++next;
      if (next < context.size() && record_.fields[f].head.contains(singular(context[next].key)))
        return true;
    }
    return false;
  }

  struct Wrong {
    std::size_t item = 0;
    std::size_t field = 0;
  };

  void weigh() {
    std::vector<Wrong> wrong;    // a stated field is given another value
    std::optional<Wrong> other;  // the claim is about something else
    std::string unexplained;
    std::vector<std::size_t> loose;  // key values the claim only mentions
    std::set<std::size_t> bound;
    std::size_t negations = 0;
    bool uses_context = false;
    bool way_wrong = false;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      if (item.kind == Kind::kNegation) ++negations;
      if (item.kind == Kind::kContext) uses_context = true;
      if (!value_like(i)) continue;
      if (item.bound >= 0) {
        const auto f = static_cast<std::size_t>(item.bound);
        const bool right = item.kind == Kind::kValue && item.at(f);
        if (right) {
          const bool twice = !bound.insert(f).second;
          // "the director of the director Ben is Ben" says nothing a record could hold.
          misnamed_ = misnamed_ || twice;
          way_wrong = way_wrong || !way_fits(i, f);
        } else if (key_role(f) && described_ != f) {
          other = Wrong{i, f};
        } else {
          wrong.push_back({i, f});
        }
      } else if (item.kind == Kind::kUnknown) {
        if (!unit_of_neighbour(i) && unexplained.empty()) unexplained = as_written(item.words);
      } else {
        loose.push_back(i);
      }
    }
    if (other) {
      out_.reason = "the source is about " + record_.fields[other->field].written + ", not " +
                    as_written(items_[other->item].words);
      return;
    }
    if (!unexplained.empty()) {
      out_.reason = "nothing in the source accounts for \"" + unexplained + "\"";
      return;
    }
    if (misnamed_ || way_wrong) {
      out_.reason = "the source gives these names other parts";
      return;
    }
    std::set<std::size_t> mentioned = bound;
    for (std::size_t k = 0; k < loose.size(); ++k) {
      if (!loose_key_fits(loose[k], k > 0, mentioned)) {
        out_.reason =
            "the claim does not say what \"" + as_written(items_[loose[k]].words) + "\" is";
        return;
      }
    }
    for (const auto& item : items_) {
      const bool key_name = item.kind == Kind::kName &&
                            std::all_of(item.fields.begin(), item.fields.end(), [&](std::size_t f) {
                              return key_role(f) || names_context(f);
                            });
      if (item.kind == Kind::kName && !item.used && !key_name) {
        out_.reason = "the claim names \"" + as_written(item.words) + "\" but gives it no value";
        return;
      }
    }
    const auto stated =
        static_cast<std::size_t>(std::count_if(bound.begin(), bound.end(), [&](std::size_t f) {
          return !key_role(f) || described_ == f;
        }));
    if (stated + wrong.size() == 0 && mentioned.size() < 2) {
      out_.reason = "the claim states no value of the source";
      return;
    }
    if (!about_this(mentioned)) return;
    if (uses_context && context_denies()) {
      out_.reason = "the source's description is negative";
      return;
    }
    decide(wrong, negations);
  }

  bool names_context(std::size_t f) const {
    return std::all_of(
        record_.fields[f].head.begin(), record_.fields[f].head.end(),
        [&](const std::string& word) { return record_.context_words.contains(word); });
  }

  // A key's value that no name introduces: the thing the claim is about. A second one must stand
  // where the context puts it ("of a product in a warehouse").
  bool loose_key_fits(std::size_t i, bool second, std::set<std::size_t>& mentioned) const {
    const bool predicate = i > 0 && is(i - 1, Kind::kCopula);
    if (predicate) return false;
    for (const std::size_t f : items_[i].fields) {
      if (!key_role(f) || !way_fits(i, f)) continue;
      const bool placed =
          i > 0 && is(i - 1, Kind::kPreposition) && context_has(items_[i - 1].words[0].key, f);
      const bool clear = record_.fields[f].role == Role::kKey || !ambiguous_key(i);
      if (second && !placed) continue;
      if (!clear) continue;
      mentioned.insert(f);
      return true;
    }
    return false;
  }

  // The value stands in another field too, in another part.
  bool ambiguous_key(std::size_t i) const {
    return std::any_of(items_[i].fields.begin(), items_[i].fields.end(),
                       [&](std::size_t f) { return !key_role(f); });
  }

  // Whether the claim says what it is about, and it is this record.
  bool about_this(const std::set<std::size_t>& mentioned) {
    // Arguments of one name are alternatives: a product's code, and the title it refers to.
    std::map<std::set<std::string>, bool> asked;
    std::size_t keys = 0;
    std::size_t keys_named = 0;
    for (std::size_t f = 0; f < record_.fields.size(); ++f) {
      const auto& one = record_.fields[f];
      if (one.role == Role::kArgument) {
        bool& named = asked[one.head];
        named = named || mentioned.contains(f);
      }
      keys += one.role == Role::kKey;
      keys_named += one.role == Role::kKey && mentioned.contains(f);
    }
    const std::size_t arguments = asked.size();
    const auto arguments_named = static_cast<std::size_t>(
        std::count_if(asked.begin(), asked.end(), [](const auto& one) { return one.second; }));
    if (keys > 0 && keys_named == 0 && !described_) {
      out_.reason = "the claim does not say which of the source's rows it is about";
      return false;
    }
    if (keys_named > 0 && arguments_named == 0) return true;
    named_ = arguments_named > 0 || keys_named > 0 || arguments == 0;
    const bool elliptic = arguments_named == 0 && cited_ && from_run_ && !by_context_;
    if (arguments_named != arguments && !elliptic) {
      for (std::size_t f = 0; f < record_.fields.size(); ++f) {
        const auto& one = record_.fields[f];
        if (one.role != Role::kArgument || asked[one.head]) continue;
        out_.reason =
            "the source is about " + record_.fields[f].written + ", which the claim leaves out";
      }
      return false;
    }
    if (arguments == 0 && keys == 0 && !cited_ && !by_context_) {
      out_.reason = "the claim does not say what it is about";
      return false;
    }
    return true;
  }

  bool context_denies() const {
    return std::any_of(record_.context.begin(), record_.context.end(),
                       [](const Word& word) { return lexicon::negation(word.key); });
  }

  void decide(const std::vector<Wrong>& wrong, std::size_t negations) {
    if (negations > 1 || (negations == 1 && !wrong.empty())) {
      out_.reason = "the claim is a denial the source does not settle";
      return;
    }
    out_.nearness = 1;
    if (!wrong.empty()) {
      const auto& [item, f] = wrong.front();
      out_.kind = VerdictKind::kContradicted;
      out_.reason = "the source says " +
                    (record_.fields[f].name.empty() ? "" : record_.fields[f].name + " is ") +
                    record_.fields[f].written + ", not " + as_written(items_[item].words);
      return;
    }
    if (negations == 1) {
      out_.kind = VerdictKind::kContradicted;
      out_.reason = "the source says so, the claim denies it";
      return;
    }
    out_.kind = VerdictKind::kSupported;
    out_.score = named_ ? 1.0 : 0.8;
    out_.reason = named_ ? "the source gives this value for it"
                         : "the source gives this value; the claim does not say for what";
  }

  ReadRecord record_;
  std::vector<Item> items_;
  bool cited_;
  bool from_run_;
  bool misnamed_ = false;
  bool by_context_ = false;
  std::optional<std::size_t> described_;  // the field the context names
  bool named_ = true;
  Judgement out_;
};

}  // namespace

Judgement judge_fields(const std::vector<Word>& claim, const Record& record, bool cited) {
  return Reading(claim, record, cited).judge();
}

}  // namespace orkestra::planner
