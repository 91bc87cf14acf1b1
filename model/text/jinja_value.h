// Value: what a template computes with. Values are immutable once made, except namespace(), so
// copying one shares it. Not thread-safe to share while a template renders with it.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja_text.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orkestra::model::jinja {

struct Macro;  // jinja_ast.h
class Value;
using List = std::vector<Value>;
using Members = std::vector<std::pair<Text, Value>>;  // in order of insertion

struct Undefined {
  std::string name;  // what was looked up, for the message
};
struct None {};
struct Mapping {
  Members members;
  bool is_namespace = false;  // {% set ns.x = ... %} may change it
};
// A function of the template language ("range", "namespace", ...), by name.
struct Builtin {
  std::string name;
};

class Value {
 public:
  using Variant = std::variant<Undefined, None, bool, std::int64_t, double,
                               std::shared_ptr<const Text>, std::shared_ptr<const List>,
                               std::shared_ptr<Mapping>, std::shared_ptr<const Macro>, Builtin>;

  Value() : data_(Undefined{}) {}
  Value(Variant data) : data_(std::move(data)) {}  // NOLINT: every alternative is a Value
  Value(bool value) : data_(value) {}              // NOLINT
  Value(std::int64_t value) : data_(value) {}      // NOLINT
  Value(double value) : data_(value) {}            // NOLINT
  Value(Text text) : data_(std::make_shared<const Text>(std::move(text))) {}  // NOLINT
  Value(List list) : data_(std::make_shared<const List>(std::move(list))) {}  // NOLINT
  static Value none() { return Variant(None{}); }
  static Value text(std::string_view bytes, std::uint32_t source = kTemplateSource) {
    return make_text(bytes, source);
  }
  static Value mapping(Members members, bool is_namespace = false) {
    return Variant(std::make_shared<Mapping>(Mapping{std::move(members), is_namespace}));
  }
  // Every string and key of `json` carries `source`.
  static Value from_json(const Json& json, std::uint32_t source = kTemplateSource);

  const Variant& data() const { return data_; }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
  const Text* as_text() const {
    const auto* p = as<std::shared_ptr<const Text>>();
    return p ? p->get() : nullptr;
  }
  const List* as_list() const {
    const auto* p = as<std::shared_ptr<const List>>();
    return p ? p->get() : nullptr;
  }
  Mapping* as_mapping() const {
    const auto* p = as<std::shared_ptr<Mapping>>();
    return p ? p->get() : nullptr;
  }
  const Value* find_member(TextView key) const;  // of a mapping; nullptr if absent

 private:
  Variant data_;
};

bool truthy(const Value& value);
// Python's ==, for the values templates compare. Bounded in depth.
bool equal(const Value& a, const Value& b);
// "string", "integer", "mapping", ... for messages.
std::string_view kind_name(const Value& value);
// Python's str() and repr().
Text to_text(const Value& value);
// json.dumps(value, ensure_ascii=False): ", " and ": " between parts; indent < 0 = one line.
Text to_json_text(const Value& value, int indent = -1);

}  // namespace orkestra::model::jinja
