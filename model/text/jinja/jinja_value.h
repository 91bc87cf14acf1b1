// Value: what a template computes with. Values are immutable once made, except namespace() and
// iterators, so copying one shares it. Not thread-safe to share while a template renders with it.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/text/jinja/jinja_text.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace orkestra::model::jinja {

class Object;
class Value;
struct CallArguments;  // jinja_builtins.h
struct Mapping;
struct Sequence;
using List = std::vector<Value>;
using Members = std::vector<std::pair<Value, Value>>;  // in order of insertion

struct Undefined {
  std::string name;  // what was looked up, for the message
};
struct None {};
// A function of the template language ("range", "namespace", ...), by name.
struct Builtin {
  std::string name;
};
// object.name, not called yet.
struct Method {
  std::shared_ptr<const Value> object;
  std::string name;
};

class Value {
 public:
  using Variant =
      std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const Text>,
                   std::shared_ptr<const List>, std::shared_ptr<Sequence>, std::shared_ptr<Mapping>,
                   std::shared_ptr<Object>, Builtin, Method>;

  Value() : data_(Undefined{}) {}
  // Every alternative is a Value. Throws Error{kExhausted} for one nested too deeply to be taken
  // apart again.
  Value(Variant data);                                                        // NOLINT
  Value(bool value) : data_(value) {}                                         // NOLINT
  Value(std::int64_t value) : data_(value) {}                                 // NOLINT
  Value(double value) : data_(value) {}                                       // NOLINT
  Value(Text text) : data_(std::make_shared<const Text>(std::move(text))) {}  // NOLINT
  Value(List list)                                                            // NOLINT
      : Value(Variant(std::make_shared<const List>(std::move(list)))) {}
  static Value none() { return Variant(None{}); }
  static Value text(std::string_view bytes, std::uint32_t source = kTemplateSource) {
    return make_text(bytes, source);
  }
  static Value mapping(Members members, bool is_namespace = false);
  // What the filters safe and escape give: joined with +, the other text is escaped for HTML.
  static Value markup(Text text);
  bool is_markup() const { return markup_; }
  static Value tuple(List items, std::vector<std::string> names = {});
  static Value view(List items, std::string_view of);  // of: "dict_keys", ...
  static Value iterator(List items);
  // Every string and key of `json` carries `source`.
  static Value from_json(const Json& json, std::uint32_t source = kTemplateSource);

  const Variant& data() const { return data_; }
  int depth() const { return depth_; }  // of nesting: 0 for a string, 1 for a list of strings
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
  const Text* as_text() const { return pointee<const Text>(); }
  const List* as_list() const;  // of a list or a tuple
  bool is_tuple() const;
  Sequence* as_sequence() const { return pointee<Sequence>(); }
  Mapping* as_mapping() const { return pointee<Mapping>(); }
  Object* as_object() const { return pointee<Object>(); }
  const Value* find_member(TextView key) const;  // of a mapping; nullptr if absent
  const Value* find_key(const Value& key) const;

 private:
  template <typename T>
  T* pointee() const {
    const auto* p = as<std::shared_ptr<T>>();
    return p ? p->get() : nullptr;
  }

  Variant data_;
  int depth_ = 0;
  bool markup_ = false;
};

struct Mapping {
  Members members;
  bool is_namespace = false;  // {% set ns.x = ... %} may change it
};

// What Python keeps apart from lists.
struct Sequence {
  enum class Kind {
    kTuple,
    kView,      // of a mapping's keys, values or items: has a length, no elements by index
    kIterator,  // what map, select and the like give: each element once, true even when empty
  };
  Kind kind = Kind::kTuple;
  List items;
  std::vector<std::string> names{};  // kTuple: of its members, if it has any; kView: what it is
  std::size_t taken = 0;             // kIterator: elements given out
};

// Something of the rendering itself that a template can hold: a macro, a loop.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view kind() const = 0;
  virtual Value member(TextView name) const = 0;  // undefined when there is none
  // `method` "" calls the object itself.
  virtual Value call(std::string_view method, const CallArguments& arguments) = 0;
  virtual int depth() const = 0;  // of the values it holds
};

bool truthy(const Value& value);
// Python's ==, for the values templates compare. Bounded in depth.
bool equal(const Value& a, const Value& b);
// "string", "integer", "mapping", ... for messages.
std::string_view kind_name(const Value& value);
// Python's str() and repr().
Text to_text(const Value& value);
Text to_repr(const Value& value);
// Doubles as Python prints them.
std::string format_double(double value);

// The options of json.dumps; ensure_ascii is off by default, as Hugging Face has it.
struct JsonStyle {
  bool lines = false;  // one element a line, indented by `indent` a level
  std::string indent{};
  std::string item = ", ";
  std::string colon = ": ";
  bool ascii = false;
  bool sorted = false;
};
Text to_json_text(const Value& value, const JsonStyle& style = {});

}  // namespace orkestra::model::jinja
