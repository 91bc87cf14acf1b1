#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja_evaluator.h>
#include <orkestra/model/text/jinja_lexer.h>

#include <cmath>
#include <cstdint>

namespace orkestra::model::jinja {
namespace {

class Depth {
 public:
  explicit Depth(Budget& budget) : budget_(budget) { budget_.enter(); }
  ~Depth() { budget_.leave(); }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Budget& budget_;
};

// Namespaces can change, so one inside another value could come to hold itself.
Value storable(Value value, int line) {
  if (value.as_mapping() && value.as_mapping()->is_namespace) {
    fail_unsupported(line, "a namespace inside another value");
  }
  return value;
}

}  // namespace

const Value& Evaluator::defined(const Value& value, int line) const {
  if (const auto* undefined = value.as<Undefined>()) {
    fail_invalid(line, "'" + undefined->name + "' is undefined");
  }
  return value;
}

Value Evaluator::lookup(const std::string& name) const {
  const auto in = [&](const Scope& scope) -> const Value* {
    for (auto it = scope.rbegin(); it != scope.rend(); ++it) {
      if (it->first == name) return &it->second;
    }
    return nullptr;
  };
  for (std::size_t i = scopes_.size(); i-- > visible_;) {
    if (const Value* value = in(scopes_[i])) return *value;
  }
  if (const Value* value = in(scopes_.front())) return *value;
  if (is_function(name)) return Value(Builtin{name});
  return Value(Undefined{name});
}

Value Evaluator::evaluate(const Expr& expr) {
  budget_.step();
  const Depth depth(budget_);
  return evaluate_unbounded(expr);
}

Value Evaluator::evaluate_unbounded(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kLiteral:
      return expr.literal;
    case Expr::Kind::kName:
      return lookup(expr.name);
    case Expr::Kind::kList: {
      List list;
      for (const ExprPtr& child : expr.children) {
        list.push_back(storable(evaluate(*child), expr.line));
      }
      return list;
    }
    case Expr::Kind::kMapping: {
      Members members;
      for (std::size_t i = 0; i + 1 < expr.children.size(); i += 2) {
        Text key = to_text(evaluate(*expr.children[i]));
        members.emplace_back(std::move(key), storable(evaluate(*expr.children[i + 1]), expr.line));
      }
      return Value::mapping(std::move(members));
    }
    case Expr::Kind::kMember:
      return member(expr);
    case Expr::Kind::kIndex:
      return index(expr);
    case Expr::Kind::kSlice:
      return slice(expr);
    case Expr::Kind::kCall:
      return call(expr);
    case Expr::Kind::kFilter:
      return filter(expr, evaluate(*expr.children[0]));
    case Expr::Kind::kTest: {
      const Value value = evaluate(*expr.children[0]);
      return apply_test(expr.name, value, arguments(expr));
    }
    case Expr::Kind::kUnary:
      return unary(expr);
    case Expr::Kind::kBinary:
      return binary(expr);
    case Expr::Kind::kCondition:
      if (truthy(evaluate(*expr.children[1]))) return evaluate(*expr.children[0]);
      return expr.children[2] ? evaluate(*expr.children[2]) : Value(Undefined{"else"});
  }
  return {};
}

CallArguments Evaluator::arguments(const Expr& expr) {
  CallArguments out;
  out.line = expr.line;
  for (const Argument& argument : expr.arguments) {
    Value value = evaluate(*argument.value);
    if (argument.name.empty()) {
      out.positional.push_back(std::move(value));
    } else {
      out.named.emplace_back(argument.name, std::move(value));
    }
  }
  return out;
}

Value Evaluator::filter(const Expr& expr, const Value& value) {
  return apply_filter(expr.name, value, arguments(expr), budget_);
}

Value Evaluator::member(const Expr& expr) {
  const Value object = evaluate(*expr.children[0]);
  const Value* found = defined(object, expr.line).find_member(make_text(expr.name));
  return found ? *found : Value(Undefined{expr.name});
}

Value Evaluator::index(const Expr& expr) {
  const Value object = evaluate(*expr.children[0]);
  const Value key = evaluate(*expr.children[1]);
  defined(object, expr.line);
  if (const Text* name = key.as_text()) {
    const Value* found = object.find_member(*name);
    return found ? *found : Value(Undefined{to_bytes(*name)});
  }
  const auto* at = key.as<std::int64_t>();
  if (!at || (!object.as_list() && !object.as_text())) return Value(Undefined{"element"});
  const List list = elements(object, expr.line, budget_);
  const auto size = static_cast<std::int64_t>(list.size());
  const std::int64_t i = *at < 0 ? *at + size : *at;
  if (i < 0 || i >= size) return Value(Undefined{"element " + std::to_string(*at)});
  return list[static_cast<std::size_t>(i)];
}

Value Evaluator::slice(const Expr& expr) {
  const Value object = evaluate(*expr.children[0]);
  if (!object.as_list() && !object.as_text()) {
    defined(object, expr.line);
    return Value(Undefined{"slice"});
  }
  const List list = elements(object, expr.line, budget_);
  const auto size = static_cast<std::int64_t>(list.size());
  const auto part = [&](std::size_t i, std::int64_t fallback) {
    if (!expr.children[i]) return fallback;
    const Value value = evaluate(*expr.children[i]);
    if (value.is_none()) return fallback;
    const auto* integer = value.as<std::int64_t>();
    if (!integer) fail_invalid(expr.line, "a slice by something that is not an integer");
    return *integer;
  };
  const std::int64_t step = part(3, 1);
  if (step == 0) fail_invalid(expr.line, "a slice with a step of 0");
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? size : size - 1;
  const auto bound = [&](std::int64_t at) {
    if (at < 0) at = std::max<std::int64_t>(at, -size - 1) + size;
    return std::clamp(at, low, high);
  };
  const bool up = step > 0;
  const std::int64_t begin = expr.children[1] ? bound(part(1, up ? 0 : size - 1)) : (up ? 0 : high);
  const std::int64_t end = expr.children[2] ? bound(part(2, up ? size : -1)) : (up ? size : -1);
  List out;
  for (std::int64_t i = begin; up ? i < end : i > end;) {
    out.push_back(list[static_cast<std::size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (!object.as_text()) return out;
  Text text;
  for (const Value& character : out) text += *character.as_text();
  return text;
}

Value Evaluator::call(const Expr& expr) {
  const Expr& callee = *expr.children[0];
  if (callee.kind == Expr::Kind::kMember) {
    const Value object = evaluate(*callee.children[0]);
    const Value* found = object.find_member(make_text(callee.name));
    if (!found || !found->as<std::shared_ptr<const Macro>>()) {
      return call_method(object, callee.name, arguments(expr), budget_);
    }
  }
  const Value function = evaluate(callee);
  if (const auto* macro = function.as<std::shared_ptr<const Macro>>()) {
    return call_macro(**macro, arguments(expr));
  }
  if (const auto* builtin = function.as<Builtin>()) {
    CallArguments given = arguments(expr);
    for (auto& [name, value] : given.named) value = storable(std::move(value), expr.line);
    return call_function(builtin->name, given, budget_);
  }
  if (const auto* undefined = function.as<Undefined>()) {
    fail_unsupported(expr.line, "the function '" + undefined->name + "'");
  }
  fail_invalid(expr.line, "can't call something " + std::string(kind_name(function)));
}

Value Evaluator::unary(const Expr& expr) {
  const Value value = evaluate(*expr.children[0]);
  if (expr.name == "not") return !truthy(value);
  if (const auto* real = value.as<double>()) return expr.name == "-" ? -*real : *real;
  const auto* integer = value.as<std::int64_t>();
  if (!integer || *integer == INT64_MIN) {
    fail_invalid(expr.line,
                 "'" + expr.name + "' before something " + std::string(kind_name(value)));
  }
  return expr.name == "-" ? -*integer : *integer;
}

Value Evaluator::binary(const Expr& expr) {
  const std::string& op = expr.name;
  Value left = evaluate(*expr.children[0]);
  if (op == "and") return truthy(left) ? evaluate(*expr.children[1]) : left;
  if (op == "or") return truthy(left) ? left : evaluate(*expr.children[1]);
  const Value right = evaluate(*expr.children[1]);
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in" || op == "not in") {
    const bool in = apply_test("in", left, {{right}, {}, expr.line});
    return in == (op == "in");
  }
  if (op == "~") {
    Text text = to_text(left);
    text += to_text(right);
    budget_.make(text.size());
    return text;
  }
  defined(left, expr.line);
  defined(right, expr.line);
  if (op == "<") return order(left, right, expr.line) < 0;
  if (op == "<=") return order(left, right, expr.line) <= 0;
  if (op == ">") return order(left, right, expr.line) > 0;
  if (op == ">=") return order(left, right, expr.line) >= 0;
  return arithmetic(expr, left, right);
}

Value Evaluator::arithmetic(const Expr& expr, const Value& left, const Value& right) {
  const std::string& op = expr.name;
  const auto refuse = [&](const std::string& why = "") {
    fail_invalid(expr.line, "something " + std::string(kind_name(left)) + " " + op + " something " +
                                std::string(kind_name(right)) + why);
  };
  if (op == "+" && left.as_text() && right.as_text()) {
    budget_.make(left.as_text()->size() + right.as_text()->size());
    return *left.as_text() + *right.as_text();
  }
  if (op == "+" && left.as_list() && right.as_list()) {
    List list = *left.as_list();
    list.insert(list.end(), right.as_list()->begin(), right.as_list()->end());
    budget_.make(list.size() * sizeof(Value));
    return list;
  }
  const auto* a = left.as<std::int64_t>();
  const auto* b = right.as<std::int64_t>();
  if (op == "*" && left.as_text() && b) {
    Text text;
    for (std::int64_t i = 0; i < *b; ++i) {
      budget_.make(left.as_text()->size() + 1);
      text += *left.as_text();
    }
    return text;
  }
  if (a && b && op != "/") {
    std::int64_t result = 0;
    if (op == "+" && !__builtin_add_overflow(*a, *b, &result)) return result;
    if (op == "-" && !__builtin_sub_overflow(*a, *b, &result)) return result;
    if (op == "*" && !__builtin_mul_overflow(*a, *b, &result)) return result;
    if ((op == "//" || op == "%") && *b != 0 && *b != -1) {
      const std::int64_t rest = *a % *b;
      const bool floors = rest != 0 && (rest < 0) != (*b < 0);  // Python rounds down
      if (op == "%") return floors ? rest + *b : rest;
      return floors ? *a / *b - 1 : *a / *b;
    }
    if (op != "**") refuse(": the result is out of range");
  }
  const auto number = [&](const Value& value) -> double {
    if (const auto* integer = value.as<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* real = value.as<double>()) return *real;
    refuse();
    return 0;
  };
  const double x = number(left);
  const double y = number(right);
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "**") {
    const double power = std::pow(x, y);
    if (a && b && *b >= 0 && std::abs(power) < 9e15) return static_cast<std::int64_t>(power);
    return power;
  }
  if (y == 0) refuse(": division by zero");
  if (op == "/") return x / y;
  const double floor = std::floor(x / y);
  return op == "//" ? floor : x - floor * y;
}

}  // namespace orkestra::model::jinja
