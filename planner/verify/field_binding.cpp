#include <orkestra/core/text.h>
#include <orkestra/planner/verify/field_binding.h>

#include <algorithm>
#include <utility>

namespace orkestra::planner {
namespace {

using Kind = Item::Kind;
using Role = Record::Field::Role;

class Binder : public BoundClaim {
 public:
  Binder(const std::vector<Word>& claim, const Record& of, bool cited)
      : cited_(cited), from_run_(!of.evidence.id.empty()) {
    record = read_record(of);
    items = read_claim(claim, record);
  }

  void run() {
    bind_neighbours();
    bind_around_copulas();
    bind_single_result();
  }

 private:
  bool free_value(std::size_t i) const {
    return value_like(i) && items[i].bound < 0 && !unit_after_figure(i);
  }
  bool free_name(std::size_t i) const { return is(i, Kind::kName) && !items[i].used; }

  // The name `n` is said to have the value `v`: the field both agree on, else the name's own.
  void bind(std::size_t n, std::size_t v) {
    Item& name = items[n];
    Item& value = items[v];
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
    return std::any_of(items[n].fields.begin(), items[n].fields.end(), [&](std::size_t f) {
      return items[v].kind == Kind::kValue && items[v].at(f);
    });
  }

  // An argument whose name the tool's words never use ("which", "item") says not what kind of thing
  // it holds; they do.
  bool unspoken_argument(const ReadRecord::Field& field) const {
    return field.role == Role::kArgument &&
           std::none_of(field.head.begin(), field.head.end(), [&](const std::string& word) {
             return record.context_words.contains(word);
           });
  }

  // A noun of the context right before or after a value says it is one of the keys:
  // "customer Bruna Kelly" for {name: Bruna Kelly} of customers.
  void bind_context_noun(std::size_t noun, std::size_t v) {
    for (const std::size_t f : items[v].fields) {
      const bool says_kind = !record.fields[f].generic && record.fields[f].role != Role::kKey &&
                             !unspoken_argument(record.fields[f]);
      const bool stands_for = items[v].kind == Kind::kValue && key_role(f) && !says_kind;
      if (!stands_for) continue;
      items[noun].used = true;
      items[v].bound = static_cast<std::ptrdiff_t>(f);
      return;
    }
    // "manager Ben", where Ben is the employee asked about, names him wrongly.
    if (noun < v && !items[v].figure && items[v].kind == Kind::kValue) misnamed = true;
  }

  void bind_neighbours() {
    for (std::size_t i = 0; i + 1 < items.size(); ++i) {
      if (free_name(i) && free_value(i + 1)) {
        // "The Lisbon warehouse balance" aside, a value right after a name is its value, unless
        // the value belongs to the name after it ("warehouse 120 units").
        const bool belongs_on = free_name(i + 2) && !agree(i, i + 1) && agree(i + 2, i + 1);
        if (!belongs_on) bind(i, i + 1);
      }
    }
    for (std::size_t i = 0; i + 1 < items.size(); ++i) {
      if (free_value(i) && free_name(i + 1)) {
        const bool says_figure = items[i].figure && !is(i + 2, Kind::kPreposition);
        if (agree(i + 1, i) || says_figure || (items[i].figure && after_have(i))) bind(i + 1, i);
      }
    }
    for (std::size_t i = 0; i + 2 < items.size(); ++i) {
      // "has a balance of 4211.5", "with a balance of 4211.5"
      const bool of = is(i + 1, Kind::kPreposition) && items[i + 1].words[0].key == "of";
      const bool figure = free_value(i + 2) && items[i + 2].figure;
      const bool with =
          i > 0 && is(i - 1, Kind::kPreposition) && items[i - 1].words[0].key == "with";
      const bool states = std::any_of(items[i].fields.begin(), items[i].fields.end(),
                                      [&](std::size_t f) { return !key_role(f); });
      if (of && figure && free_name(i) && states && (with || after_have(i))) bind(i, i + 2);
    }
    for (std::size_t i = 0; i + 1 < items.size(); ++i) {
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
    std::size_t to = items.size();
    for (std::size_t i = at + 1; i < items.size(); ++i) {
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
    for (std::size_t at = 0; at < items.size(); ++at) {
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
          return std::all_of(items[n].fields.begin(), items[n].fields.end(),
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
    bool explained = false;
    for (std::size_t i = from; i < at; ++i) explained = explained || is(i, Kind::kContext);
    std::optional<std::size_t> result;
    for (std::size_t f = 0; f < record.fields.size(); ++f) {
      if (!record.fields[f].generic || record.fields[f].role == Role::kArgument) continue;
      if (result) return false;
      result = f;
    }
    if (!explained || !result || !from_run_ || items[v].figure) return false;
    if (items[v].kind == Kind::kValue && !items[v].at(*result)) return false;
    items[v].bound = static_cast<std::ptrdiff_t>(*result);
    by_context = true;
    described = *result;
    return true;
  }

  // A result whose own name says nothing ("count", "value") is named by its tool's words.
  void bind_single_result() {
    std::optional<std::size_t> result;
    for (std::size_t f = 0; f < record.fields.size(); ++f) {
      if (key_role(f)) continue;
      if (result) return;
      result = f;
    }
    if (!result) return;
    bool named = false;
    bool bound = false;
    bool words = false;
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      named = named || (items[i].kind == Kind::kName && items[i].at(*result));
      bound = bound || items[i].bound == static_cast<std::ptrdiff_t>(*result);
      words = words || items[i].kind == Kind::kContext;
      const bool is_result = items[i].kind == Kind::kValue && items[i].at(*result);
      const bool predicate = is_result || (items[i].kind == Kind::kUnknown && items[i].figure);
      if (free_value(i) && predicate) open.push_back(i);
    }
    const bool spoken = words && record.fields[*result].generic;
    const bool plain = cited_ && !words;  // "Bruna Kelly: 4211.5 [1]"
    if (named || bound || open.size() != 1 || (!spoken && !plain)) return;
    if (plain && items[open[0]].kind == Kind::kUnknown) return;
    items[open[0]].bound = static_cast<std::ptrdiff_t>(*result);
    by_context = true;
  }

  bool cited_;
  bool from_run_;
};

}  // namespace

bool BoundClaim::unit_after_figure(std::size_t i) const {
  return i > 0 && is(i, Kind::kUnknown) && items[i].words.size() == 1 && items[i - 1].figure &&
         unit_named(items[i].words[0].key) == items[i].words[0].key;
}

BoundClaim bind_claim(const std::vector<Word>& claim, const Record& record, bool cited) {
  Binder binder(claim, record, cited);
  binder.run();
  return std::move(static_cast<BoundClaim&>(binder));
}

}  // namespace orkestra::planner
