#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_value.h>

#include <algorithm>
#include <cstddef>

namespace orkestra::model::jinja {
namespace {

constexpr int kMaxDepth = 100;     // of values compared
constexpr int kMaxNesting = 1000;  // of any value: taking one apart takes as many calls
constexpr std::size_t kMaxCompared = 1'000'000;  // values may share parts: see jinja_print.cpp

bool equal_at(const Value& a, const Value& b, int depth, std::size_t& compared);

bool equal_lists(const List& a, const List& b, int depth, std::size_t& compared) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal_at(a[i], b[i], depth + 1, compared)) return false;
  }
  return true;
}

bool equal_at(const Value& a, const Value& b, int depth, std::size_t& compared) {
  if (depth > kMaxDepth || ++compared > kMaxCompared) {
    throw Error(ErrorCode::kExhausted, "template: values too deep or too large to compare");
  }
  const auto number = [](const Value& v, double& out) {
    if (const auto* flag = v.as<bool>()) return out = *flag ? 1 : 0, true;
    if (const auto* integer = v.as<std::int64_t>()) {
      return out = static_cast<double>(*integer), true;
    }
    if (const auto* real = v.as<double>()) return out = *real, true;
    return false;
  };
  if (a.as<std::int64_t>() && b.as<std::int64_t>()) {
    return *a.as<std::int64_t>() == *b.as<std::int64_t>();
  }
  double x = 0;
  double y = 0;
  if (number(a, x) && number(b, y)) return x == y;
  if (a.as_text() && b.as_text()) return same(*a.as_text(), *b.as_text());
  if (a.as_list() && b.as_list()) {
    return a.is_tuple() == b.is_tuple() && equal_lists(*a.as_list(), *b.as_list(), depth, compared);
  }
  if (a.as_mapping() && b.as_mapping()) {
    if (a.as_mapping() == b.as_mapping()) return true;
    const Members& p = a.as_mapping()->members;
    if (p.size() != b.as_mapping()->members.size() || a.as_mapping()->is_namespace) return false;
    for (const auto& [key, value] : p) {
      const Value* other = b.find_key(key);
      if (!other || !equal_at(value, *other, depth + 1, compared)) return false;
    }
    return true;
  }
  if (a.as_sequence() || a.as_object()) {
    return a.as_sequence() == b.as_sequence() && a.as_object() == b.as_object();
  }
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

int deepest(const List& list) {
  int depth = 0;
  for (const Value& element : list) depth = std::max(depth, element.depth());
  return depth;
}

int depth_below(const Value::Variant& data) {
  if (const auto* list = std::get_if<std::shared_ptr<const List>>(&data)) return deepest(**list);
  if (const auto* sequence = std::get_if<std::shared_ptr<Sequence>>(&data)) {
    return deepest((*sequence)->items);
  }
  if (const auto* method = std::get_if<Method>(&data)) return method->object->depth();
  if (const auto* object = std::get_if<std::shared_ptr<Object>>(&data)) return (*object)->depth();
  int depth = -1;
  if (const auto* map = std::get_if<std::shared_ptr<Mapping>>(&data)) {
    for (const auto& [key, value] : (*map)->members) {
      depth = std::max({depth, key.depth(), value.depth()});
    }
  }
  return depth;
}

}  // namespace

Value::Value(Variant data) : data_(std::move(data)), depth_(depth_below(data_) + 1) {
  if (depth_ > kMaxNesting) {
    throw Error(ErrorCode::kExhausted,
                "template: a value nested deeper than " + std::to_string(kMaxNesting) + " levels");
  }
}

Value Value::mapping(Members members, bool is_namespace) {
  return Variant(std::make_shared<Mapping>(Mapping{std::move(members), is_namespace}));
}

Value Value::markup(Text text) {
  Value value(std::move(text));
  value.markup_ = true;
  return value;
}

Value Value::tuple(List items, std::vector<std::string> names) {
  return Variant(std::make_shared<Sequence>(
      Sequence{Sequence::Kind::kTuple, std::move(items), std::move(names)}));
}

Value Value::view(List items, std::string_view of) {
  return Variant(std::make_shared<Sequence>(
      Sequence{Sequence::Kind::kView, std::move(items), {std::string(of)}}));
}

Value Value::iterator(List items) {
  return Variant(std::make_shared<Sequence>(Sequence{Sequence::Kind::kIterator, std::move(items)}));
}

Value Value::from_json(const Json& json, std::uint32_t source) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        return json.get<double>();
      }
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return text(json.get_ref<const std::string&>(), source);
    case Json::value_t::array: {
      List list;
      for (const Json& element : json) list.push_back(from_json(element, source));
      return list;
    }
    case Json::value_t::object: {
      Members members;
      for (const auto& [key, member] : json.items()) {
        members.emplace_back(make_text(key, source), from_json(member, source));
      }
      return mapping(std::move(members));
    }
    default:
      return none();
  }
}

const List* Value::as_list() const {
  if (const Sequence* sequence = as_sequence()) {
    return sequence->kind == Sequence::Kind::kTuple ? &sequence->items : nullptr;
  }
  return pointee<const List>();
}

bool Value::is_tuple() const {
  return as_sequence() && as_sequence()->kind == Sequence::Kind::kTuple;
}

const Value* Value::find_member(TextView key) const {
  if (const Mapping* map = as_mapping()) {
    for (const auto& [name, value] : map->members) {
      if (name.as_text() && same(*name.as_text(), key)) return &value;
    }
  }
  return nullptr;
}

const Value* Value::find_key(const Value& key) const {
  if (const Text* text = key.as_text()) return find_member(TextView(*text));
  if (const Mapping* map = as_mapping()) {
    for (const auto& [name, value] : map->members) {
      if (equal(name, key)) return &value;
    }
  }
  return nullptr;
}

bool truthy(const Value& value) {
  if (const auto* flag = value.as<bool>()) return *flag;
  if (const auto* integer = value.as<std::int64_t>()) return *integer != 0;
  if (const auto* number = value.as<double>()) return *number != 0;
  if (const Text* text = value.as_text()) return !text->empty();
  if (const List* list = value.as_list()) return !list->empty();
  if (const Sequence* sequence = value.as_sequence()) {
    return sequence->kind == Sequence::Kind::kIterator || !sequence->items.empty();
  }
  if (const Mapping* map = value.as_mapping()) return map->is_namespace || !map->members.empty();
  return !value.is_none() && !value.is_undefined();
}

bool equal(const Value& a, const Value& b) {
  std::size_t compared = 0;
  return equal_at(a, b, 0, compared);
}

std::string_view kind_name(const Value& value) {
  constexpr std::string_view kNames[] = {"undefined", "none",   "boolean",  "integer",
                                         "float",     "string", "list",     "sequence",
                                         "mapping",   "object", "function", "method"};
  static_assert(std::size(kNames) == std::variant_size_v<Value::Variant>);
  if (const Object* object = value.as_object()) return object->kind();
  if (const Sequence* sequence = value.as_sequence()) {
    constexpr std::string_view kSequences[] = {"tuple", "view", "iterator"};
    return kSequences[static_cast<std::size_t>(sequence->kind)];
  }
  return kNames[value.data().index()];
}

}  // namespace orkestra::model::jinja
