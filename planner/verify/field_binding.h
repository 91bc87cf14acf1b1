// Binding: every value of a claim is given the name the claim's grammar gives it. What fits no
// pattern stays unbound, and so unsupported. Pure, any thread.
#pragma once

#include <orkestra/planner/verify/claim_items.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace orkestra::planner {

// A claim read against one record, its values bound (Item::bound).
struct BoundClaim {
  ReadRecord record;
  std::vector<Item> items;
  bool misnamed = false;    // a value is called what it is not
  bool by_context = false;  // the record's context, not a field's name, says what a value is
  std::optional<std::size_t> described;  // the field it says it of

  bool is(std::size_t i, Item::Kind kind) const {
    return i < items.size() && items[i].kind == kind;
  }
  bool value_like(std::size_t i) const {
    return is(i, Item::Kind::kValue) || is(i, Item::Kind::kUnknown);
  }
  bool unit_after_figure(std::size_t i) const;  // such a unit is no value of its own
  bool key_role(std::size_t field) const {
    return record.fields[field].role != Record::Field::Role::kStated;
  }
};

// `cited`: the claim cites `record`.
BoundClaim bind_claim(const std::vector<Word>& claim, const Record& record, bool cited);

}  // namespace orkestra::planner
