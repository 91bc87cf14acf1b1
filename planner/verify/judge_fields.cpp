#include <orkestra/core/text.h>
#include <orkestra/planner/verify/field_binding.h>
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

// Holds the pairs a claim binds against the record, and what the claim says it is about.
class Weighing : BoundClaim {
 public:
  Weighing(BoundClaim claim, const Record& of, bool cited)
      : BoundClaim(std::move(claim)), cited_(cited), from_run_(!of.evidence.id.empty()) {}

  Judgement judge() {
    out_.nearness = nearness();
    weigh();
    return std::move(out_);
  }

 private:
  const ReadRecord::Field& field(std::ptrdiff_t index) const {
    return record.fields[static_cast<std::size_t>(index)];
  }

  double nearness() const {
    double touched = 0;
    for (const auto& item : items) {
      if (item.kind == Kind::kValue) touched += 2;
      if (item.kind == Kind::kName) touched += 1;
    }
    return std::min(0.95, touched / (2.0 * static_cast<double>(items.size() + 1)));
  }

  // "5 USD" for price_usd: the unit is part of its field's name.
  bool unit_of_neighbour(std::size_t i) const {
    if (!unit_after_figure(i) || items[i - 1].bound < 0) return false;
    return field(items[i - 1].bound).extra.contains(items[i].words[0].key);
  }

  // A preposition that says which way ("from", "to", "by") must be in the field's name or before
  // it in the context: "from Lisbon" is no "to Lisbon".
  bool way_fits(std::size_t value, std::size_t f) const {
    if (value == 0) return true;
    std::size_t before = value - 1;
    if (is(before, Kind::kName) && before > 0) --before;
    if (!is(before, Kind::kPreposition)) return true;
    const std::string& way = items[before].words[0].key;
    if (way != "from" && way != "to" && way != "by") return true;
    return record.fields[f].head.contains(way) || context_has(way, f);
  }

  // "<preposition> [a] <field>" stands in the context.
  bool context_has(const std::string& preposition, std::size_t f) const {
    const auto& context = record.context;
    for (std::size_t i = 0; i + 1 < context.size(); ++i) {
      if (context[i].key != preposition) continue;
      std::size_t next = i + 1;
      while (next < context.size() && next < i + 3 && lexicon::glue(context[next].key)) ++next;
      if (next < context.size() && record.fields[f].head.contains(singular(context[next].key)))
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
    bool way_wrong = false;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      if (item.kind == Kind::kNegation) ++negations;
      if (!value_like(i)) continue;
      if (item.bound >= 0) {
        const auto f = static_cast<std::size_t>(item.bound);
        const bool right = item.kind == Kind::kValue && item.at(f);
        if (right) {
          const bool twice = !bound.insert(f).second;
          // "the director of the director Ben is Ben" says nothing a record could hold.
          misnamed = misnamed || twice;
          way_wrong = way_wrong || !way_fits(i, f);
        } else if (key_role(f) && described != f) {
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
      out_.reason = "the source is about " + record.fields[other->field].written + ", not " +
                    as_written(items[other->item].words);
      return;
    }
    if (!unexplained.empty()) {
      out_.reason = "nothing in the source accounts for \"" + unexplained + "\"";
      return;
    }
    if (misnamed || way_wrong) {
      out_.reason = "the source gives these names other parts";
      return;
    }
    std::set<std::size_t> mentioned = bound;
    for (std::size_t k = 0; k < loose.size(); ++k) {
      const bool listed = k > 0 && follows_in_list(loose[k - 1], loose[k]);
      if (!loose_key_fits(loose[k], k > 0 && !listed, mentioned)) {
        out_.reason =
            "the claim does not say what \"" + as_written(items[loose[k]].words) + "\" is";
        return;
      }
    }
    for (const auto& item : items) {
      const bool key_name = item.kind == Kind::kName &&
                            std::all_of(item.fields.begin(), item.fields.end(), [&](std::size_t f) {
                              return key_role(f) || names_context(f);
                            });
      if (item.kind == Kind::kName && !item.used && !key_name) {
        out_.reason = "the claim names \"" + as_written(item.words) + "\" but gives it no value";
        return;
      }
    }
    const auto stated = static_cast<std::size_t>(std::count_if(
        bound.begin(), bound.end(), [&](std::size_t f) { return !key_role(f) || described == f; }));
    if (stated + wrong.size() == 0 && mentioned.size() < 2) {
      out_.reason = "the claim states no value of the source";
      return;
    }
    if (!about_this(mentioned)) return;
    if (context_denies()) {
      out_.reason = "the source's description denies it";
      return;
    }
    decide(wrong, negations);
  }

  bool names_context(std::size_t f) const {
    return std::all_of(
        record.fields[f].head.begin(), record.fields[f].head.end(),
        [&](const std::string& word) { return record.context_words.contains(word); });
  }

  // "of 19 and 23": two arguments in the order the tool takes them.
  bool follows_in_list(std::size_t first, std::size_t second) const {
    if (second != first + 2 || !is(first + 1, Kind::kJoin)) return false;
    const auto argument = [&](std::size_t f) { return record.fields[f].role == Role::kArgument; };
    return std::any_of(items[first].fields.begin(), items[first].fields.end(), [&](std::size_t a) {
      return argument(a) && std::any_of(items[second].fields.begin(), items[second].fields.end(),
                                        [&](std::size_t b) { return argument(b) && a < b; });
    });
  }

  // A key's value that no name introduces: the thing the claim is about. A second one must stand
  // where the context puts it ("of a product in a warehouse").
  bool loose_key_fits(std::size_t i, bool second, std::set<std::size_t>& mentioned) const {
    const bool predicate = i > 0 && is(i - 1, Kind::kCopula);
    if (predicate) return false;
    for (const std::size_t f : items[i].fields) {
      if (!key_role(f) || !way_fits(i, f)) continue;
      const bool placed =
          i > 0 && is(i - 1, Kind::kPreposition) && context_has(items[i - 1].words[0].key, f);
      const bool clear = record.fields[f].role == Role::kKey || !ambiguous_key(i);
      if (second && !placed) continue;
      if (!clear) continue;
      mentioned.insert(f);
      return true;
    }
    return false;
  }

  // The value stands in another field too, in another part.
  bool ambiguous_key(std::size_t i) const {
    return std::any_of(items[i].fields.begin(), items[i].fields.end(),
                       [&](std::size_t f) { return !key_role(f); });
  }

  // Whether the claim says what it is about, and it is this record.
  bool about_this(const std::set<std::size_t>& mentioned) {
    // Arguments of one name are alternatives: a product's code, and the title it refers to.
    std::map<std::set<std::string>, bool> asked;
    std::size_t keys = 0;
    std::size_t keys_named = 0;
    for (std::size_t f = 0; f < record.fields.size(); ++f) {
      const auto& one = record.fields[f];
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
    if (keys > 0 && keys_named == 0 && !described) {
      out_.reason = "the claim does not say which of the source's rows it is about";
      return false;
    }
    if (keys_named > 0 && arguments_named == 0) return true;
    named_ = arguments_named > 0 || keys_named > 0 || arguments == 0;
    const bool elliptic = arguments_named == 0 && cited_ && from_run_ && !by_context;
    if (arguments_named != arguments && !elliptic) {
      for (std::size_t f = 0; f < record.fields.size(); ++f) {
        const auto& one = record.fields[f];
        if (one.role != Role::kArgument || asked[one.head]) continue;
        out_.reason =
            "the source is about " + record.fields[f].written + ", which the claim leaves out";
      }
      return false;
    }
    if (arguments == 0 && keys == 0 && !cited_ && !by_context) {
      out_.reason = "the claim does not say what it is about";
      return false;
    }
    return true;
  }

  // "orders that are not closed" does not explain "closed".
  bool context_denies() const {
    constexpr std::size_t kScope = 4;  // words a denial reaches
    std::set<std::string> denied;
    for (std::size_t i = 0; i < record.context.size(); ++i) {
      if (!lexicon::negation(record.context[i].key)) continue;
      for (std::size_t k = i; k <= i + kScope && k < record.context.size(); ++k)
        denied.insert(singular(record.context[k].key));
    }
    return std::any_of(items.begin(), items.end(), [&](const Item& item) {
      return item.kind == Kind::kContext && denied.contains(singular(item.words[0].key));
    });
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
                    (record.fields[f].name.empty() ? "" : record.fields[f].name + " is ") +
                    record.fields[f].written + ", not " + as_written(items[item].words);
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

  bool cited_;
  bool from_run_;
  bool named_ = true;  // the claim says what it is about
  Judgement out_;
};

}  // namespace

Judgement judge_fields(const std::vector<Word>& claim, const Record& record, bool cited) {
  return Weighing(bind_claim(claim, record, cited), record, cited).judge();
}

}  // namespace orkestra::planner
