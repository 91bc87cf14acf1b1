#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_evaluator.h>
#include <orkestra/model/text/jinja/jinja_evaluator_objects.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace orkestra::model::jinja {
namespace {

void check_defined(const Value& value, int line) {
  if (const auto* undefined = value.as<Undefined>()) {
    fail_invalid(line, "'" + undefined->name + "' is undefined");
  }
}

}  // namespace

Value Evaluator::lookup(const std::string& name) const {
  for (const Scope* scope = scope_.get(); scope; scope = scope->outer.get()) {
    for (const auto& [key, value] : scope->variables) {
      if (key == name) return value;
    }
  }
  if (is_function(name)) return Value(Builtin{name});
  return Value(Undefined{name});
}

Value Evaluator::evaluate(const Expr& expr) {
  budget_.step();
  const Nesting nesting(budget_);
  return evaluate_unbounded(expr);
}

Value Evaluator::evaluate_unbounded(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kLiteral:
      return expr.literal;
    case Expr::Kind::kName:
      return lookup(expr.name);
    case Expr::Kind::kList:
      return list_of(expr);
    case Expr::Kind::kTuple:
      return Value::tuple(list_of(expr));
    case Expr::Kind::kMapping:
      return mapping_of(expr);
    case Expr::Kind::kMember:
      return attribute(evaluate(*expr.children[0]), expr.name, expr.line);
    case Expr::Kind::kIndex: {
      const Value object = evaluate(*expr.children[0]);
      return subscript(object, evaluate(*expr.children[1]), expr.line, budget_);
    }
    case Expr::Kind::kSlice:
      return slice(expr);
    case Expr::Kind::kCall:
      return call(expr, nullptr);
    case Expr::Kind::kFilter:
      return filter(expr, evaluate(*expr.children[0]));
    case Expr::Kind::kTest: {
      const Value value = evaluate(*expr.children[0]);
      return apply_test(expr.name, value, arguments(expr), budget_);
    }
    case Expr::Kind::kUnary:
      return unary(expr);
    case Expr::Kind::kBinary:
      return binary(expr);
    case Expr::Kind::kCompare:
      return compare(expr);
    case Expr::Kind::kCondition:
      if (truthy(evaluate(*expr.children[1]))) return evaluate(*expr.children[0]);
      return expr.children[2] ? evaluate(*expr.children[2]) : Value(Undefined{"else"});
  }
  return {};
}

List Evaluator::list_of(const Expr& expr) {
  List list;
  for (const ExprPtr& child : expr.children) {
    list.push_back(evaluate(*child));
    refuse_namespace(list.back(), expr.line);
  }
  return list;
}

Value Evaluator::mapping_of(const Expr& expr) {
  Members members;
  for (std::size_t i = 0; i + 1 < expr.children.size(); i += 2) {
    Value key = evaluate(*expr.children[i]);
    Value value = evaluate(*expr.children[i + 1]);
    refuse_namespace(value, expr.line);
    if (key.is_undefined() || key.as_mapping() || (key.as_list() && !key.is_tuple())) {
      fail_invalid(expr.line, "a mapping's key is something " + std::string(kind_name(key)));
    }
    const auto old = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return equal(member.first, key); });
    if (old == members.end()) {
      members.emplace_back(std::move(key), std::move(value));
    } else {
      old->second = std::move(value);
    }
  }
  return Value::mapping(std::move(members));
}

CallArguments Evaluator::arguments(const Expr& expr) {
  CallArguments out;
  out.line = expr.line;
  for (const Argument& argument : expr.arguments) {
    Value value = evaluate(*argument.value);
    if (argument.name.empty()) {
      out.positional.push_back(std::move(value));
    } else if (argument.name == "*") {
      for (Value& element : elements(value, expr.line, budget_)) {
        out.positional.push_back(std::move(element));
      }
    } else if (argument.name == "**") {
      if (!value.as_mapping()) fail_invalid(expr.line, "** of something but a mapping");
      for (const auto& [key, member] : value.as_mapping()->members) {
        out.named.emplace_back(to_bytes(to_text(key)), member);
      }
    } else {
      out.named.emplace_back(argument.name, std::move(value));
    }
  }
  return out;
}

Value Evaluator::filter(const Expr& expr, const Value& value) {
  const CallArguments given = arguments(expr);
  for (const Value& argument : given.positional) refuse_namespace(argument, expr.line);
  for (const auto& [name, argument] : given.named) refuse_namespace(argument, expr.line);
  return apply_filter(expr.name, value, given, budget_);
}

Value Evaluator::slice(const Expr& expr) {
  const Value object = evaluate(*expr.children[0]);
  check_defined(object, expr.line);
  if (!object.as_list() && !object.as_text()) return Value(Undefined{"slice"});
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
  if (object.is_tuple()) return Value::tuple(std::move(out));
  if (!object.as_text()) return out;
  Text text;
  for (const Value& character : out) text += *character.as_text();
  return text;
}

Value Evaluator::call(const Expr& expr, const Value* caller) {
  const Value function = evaluate(*expr.children[0]);
  CallArguments given = arguments(expr);
  if (caller) given.named.emplace_back("caller", *caller);
  if (Object* object = function.as_object()) return object->call("", given);
  if (const auto* method = function.as<Method>()) {
    if (Object* object = method->object->as_object()) return object->call(method->name, given);
    return call_method(*method->object, method->name, given, budget_);
  }
  if (const auto* builtin = function.as<Builtin>()) {
    for (const auto& [name, value] : given.named) refuse_namespace(value, expr.line);
    return call_function(builtin->name, given, budget_, now_);
  }
  if (const auto* undefined = function.as<Undefined>()) {
    const bool named = expr.children[0]->kind == Expr::Kind::kName;
    fail_unsupported(expr.line,
                     (named ? "the function '" : "the method '") + undefined->name + "'");
  }
  fail_invalid(expr.line, "can't call something " + std::string(kind_name(function)));
}

Value Evaluator::unary(const Expr& expr) {
  const Value value = evaluate(*expr.children[0]);
  if (expr.name == "not") return !truthy(value);
  if (const auto* real = value.as<double>()) return expr.name == "-" ? -*real : *real;
  const auto* flag = value.as<bool>();
  const auto* integer = value.as<std::int64_t>();
  if (!flag && (!integer || *integer == INT64_MIN)) {
    fail_invalid(expr.line,
                 "'" + expr.name + "' before something " + std::string(kind_name(value)));
  }
  const std::int64_t number = flag ? std::int64_t{*flag} : *integer;
  return expr.name == "-" ? -number : number;
}

Value Evaluator::binary(const Expr& expr) {
  const std::string& op = expr.name;
  Value left = evaluate(*expr.children[0]);
  if (op == "and") return truthy(left) ? evaluate(*expr.children[1]) : left;
  if (op == "or") return truthy(left) ? left : evaluate(*expr.children[1]);
  const Value right = evaluate(*expr.children[1]);
  if (op == "~") {
    Text text = to_text(left);
    text += to_text(right);
    budget_.make(text.size());
    return text;
  }
  check_defined(left, expr.line);
  check_defined(right, expr.line);
  return arithmetic(expr, left, right);
}

Value Evaluator::compare(const Expr& expr) {
  Value left = evaluate(*expr.children[0]);
  for (std::size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = evaluate(*expr.children[i + 1]);
    if (!holds(expr.operators[i], left, right, expr.line)) return false;
    left = std::move(right);
  }
  return true;
}

bool Evaluator::holds(const std::string& op, const Value& left, const Value& right, int line) {
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in" || op == "not in") {
    return apply_test("in", left, {{right}, {}, line}, budget_) == (op == "in");
  }
  check_defined(left, line);
  check_defined(right, line);
  const int by = order(left, right, line);
  if (op == "<") return by < 0;
  if (op == "<=") return by <= 0;
  return op == ">" ? by > 0 : by >= 0;
}

Value Evaluator::repeated(const Value& value, std::int64_t times, int line) {
  times = std::max<std::int64_t>(0, times);
  if (const Text* text = value.as_text()) {
    Text out;
    for (std::int64_t i = 0; i < times; ++i) {
      budget_.make(text->size() + 1);
      out += *text;
    }
    return out;
  }
  const List& list = *value.as_list();
  List out;
  for (std::int64_t i = 0; i < times; ++i) {
    budget_.make((list.size() + 1) * sizeof(Value));
    out.insert(out.end(), list.begin(), list.end());
  }
  if (value.is_tuple()) fail_unsupported(line, "a tuple * a number");
  return out;
}

Value Evaluator::arithmetic(const Expr& expr, const Value& left, const Value& right) {
  const std::string& op = expr.name;
  const auto refuse = [&](const std::string& why = "") {
    fail_invalid(expr.line, "something " + std::string(kind_name(left)) + " " + op + " something " +
                                std::string(kind_name(right)) + why);
  };
  if (op == "+" && left.as_text() && right.as_text()) {
    const bool markup = left.is_markup() || right.is_markup();
    const auto part = [&](const Value& value) {
      return markup && !value.is_markup() ? escape_html(*value.as_text()) : *value.as_text();
    };
    Text joined = part(left) + part(right);
    budget_.make(joined.size());
    return markup ? Value::markup(std::move(joined)) : Value(std::move(joined));
  }
  if (op == "+" && left.as_list() && right.as_list() && left.is_tuple() == right.is_tuple()) {
    List list = *left.as_list();
    list.insert(list.end(), right.as_list()->begin(), right.as_list()->end());
    budget_.make(list.size() * sizeof(Value));
    return left.is_tuple() ? Value::tuple(std::move(list)) : Value(std::move(list));
  }
  if (op == "%" && left.as_text()) {
    return format_percent(*left.as_text(), right, expr.line, budget_);
  }
  const auto integer_of = [](const Value& value, std::int64_t& out) {
    if (const auto* flag = value.as<bool>()) out = *flag ? 1 : 0;
    if (const auto* integer = value.as<std::int64_t>()) out = *integer;
    return value.as<bool>() || value.as<std::int64_t>();
  };
  std::int64_t a = 0;
  std::int64_t b = 0;
  const bool left_integer = integer_of(left, a);
  const bool right_integer = integer_of(right, b);
  if (op == "*" && right_integer && (left.as_text() || left.as_list())) {
    return repeated(left, b, expr.line);
  }
  if (op == "*" && left_integer && (right.as_text() || right.as_list())) {
    return repeated(right, a, expr.line);
  }
  if (left_integer && right_integer && op != "/" && !(op == "**" && b < 0)) {
    std::int64_t result = 0;
    if (op == "+" && !__builtin_add_overflow(a, b, &result)) return result;
    if (op == "-" && !__builtin_sub_overflow(a, b, &result)) return result;
    if (op == "*" && !__builtin_mul_overflow(a, b, &result)) return result;
    if (op == "**") {
      result = 1;
      bool fits = a == 1 || a == 0 || a == -1 || b < 64;
      for (std::int64_t i = 0; i < (b < 64 ? b : 2 + b % 2) && fits; ++i) {
        fits = !__builtin_mul_overflow(result, a, &result);
      }
      if (fits) return result;
    }
    if (op == "//" || op == "%") {
      if (b == 0) refuse(": division by zero");
      if (b == -1 && a != INT64_MIN) return op == "%" ? std::int64_t{0} : -a;
      if (b != -1) {
        const std::int64_t rest = a % b;
        const bool floors = rest != 0 && (rest < 0) != (b < 0);  // Python rounds down
        if (op == "%") return floors ? rest + b : rest;
        return floors ? a / b - 1 : a / b;
      }
    }
    refuse(": the result is out of range");
  }
  const auto number = [&](const Value& value, bool is_integer, std::int64_t integer) -> double {
    if (is_integer) return static_cast<double>(integer);
    if (const auto* real = value.as<double>()) return *real;
    refuse();
    return 0;
  };
  const double x = number(left, left_integer, a);
  const double y = number(right, right_integer, b);
  if (op == "+") return x + y;
  if (op == "-") return x - y;
  if (op == "*") return x * y;
  if (op == "**") return std::pow(x, y);
  if (y == 0) refuse(": division by zero");
  if (op == "/") return x / y;
  const double floor = std::floor(x / y);
  return op == "//" ? floor : x - floor * y;
}

}  // namespace orkestra::model::jinja
