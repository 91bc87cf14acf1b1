#include <orkestra/core/error.h>
#include <orkestra/core/json_builder.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace orkestra {

Json* JsonBuilder::place(Json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Json& parent = *open_.back();
  if (parent.is_array()) {
    auto& elements = parent.get_ref<Json::array_t&>();
    elements.push_back(std::move(value));
    return &elements.back();
  }
  Json::object_t::Container& members = parent.get_ref<Json::object_t&>();
  members.emplace_back(std::move(key_), std::move(value));
  return &members.back().second;
}

bool JsonBuilder::add(Json value) {
  place(std::move(value));
  return true;
}

bool JsonBuilder::open(Json value) {
  if (open_.size() >= static_cast<std::size_t>(max_depth_)) {
    throw Error(ErrorCode::kInvalid,
                what_ + ": JSON nested deeper than " + std::to_string(max_depth_) + " levels");
  }
  // What is open stays where it is: only the innermost one grows.
  open_.push_back(place(std::move(value)));
  return true;
}

bool JsonBuilder::key(std::string& name) {
  key_ = std::move(name);
  return true;
}

bool JsonBuilder::end_object() {
  merge_members(open_.back()->get_ref<Json::object_t&>());
  open_.pop_back();
  return true;
}

bool JsonBuilder::end_array() {
  open_.pop_back();
  return true;
}

bool JsonBuilder::parse_error(std::size_t, const std::string&, const Json::exception& error) {
  throw Error(ErrorCode::kInvalid, what_ + ": not valid JSON: " + error.what());
}

// Of members with one name the first keeps its place and takes the last one's value.
void JsonBuilder::merge_members(Json::object_t& object) {
  Json::object_t::Container& members = object;
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    ++comparisons_;
    const int names = members[a].first.compare(members[b].first);
    return names != 0 ? names < 0 : a < b;
  });
  std::vector<bool> gone;
  for (std::size_t i = 1; i < order.size(); ++i) {
    ++comparisons_;
    if (members[order[i - 1]].first != members[order[i]].first) continue;
    gone.resize(members.size());
    // The group's first is the earliest; the value wanders to it from the last.
    std::size_t last = i;
    while (last + 1 < order.size() && members[order[last + 1]].first == members[order[i]].first) {
      ++last;
    }
    members[order[i - 1]].second = std::move(members[order[last]].second);
    for (std::size_t k = i; k <= last; ++k) gone[order[k]] = true;
    i = last;
  }
  if (gone.empty()) return;
  Json::object_t kept;
  Json::object_t::Container& survivors = kept;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (!gone[i]) survivors.emplace_back(members[i].first, std::move(members[i].second));
  }
  object.swap(kept);
}

}  // namespace orkestra
