// Evaluator: one rendering of a template. Owned by one thread; used once. What it hands to
// templates (macros, loops) refers back to it and does not outlive it.
#pragma once

#include <orkestra/model/text/jinja/jinja_ast.h>
#include <orkestra/model/text/jinja/jinja_builtins.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model::jinja {

class Evaluator {
 public:
  Evaluator(const Value& context, std::int64_t now);

  void run(const Body& body) { flow(body); }
  Text take_output() { return std::move(output_); }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  // Variables, and the scope around them.
  struct Scope {
    std::vector<std::pair<std::string, Value>> variables;
    std::shared_ptr<Scope> outer;
  };
  class MacroObject;
  class LoopObject;
  class Enter;  // makes a scope the innermost one while it lives

  // Statements.
  Flow flow(const Body& body);
  Flow statement(const Node& node);
  Flow for_loop(const Node& node, const Value& over, int depth);
  Text recurse(const Node& node, const std::shared_ptr<Scope>& around, const Value& over,
               int depth);
  void set(const Node& node);
  void assign(const std::vector<std::string>& names, Value value, int line);
  void write(const Text& text);
  Text captured(const Body& body, const std::vector<ExprPtr>& filters);
  Text call_macro(const Macro& macro, const std::shared_ptr<Scope>& around,
                  const CallArguments& arguments);
  void bind(const Macro& macro, const CallArguments& arguments);

  // Expressions.
  Value evaluate(const Expr& expr);
  Value evaluate_unbounded(const Expr& expr);
  Value lookup(const std::string& name) const;
  List list_of(const Expr& expr);
  Value mapping_of(const Expr& expr);
  Value slice(const Expr& expr);
  Value call(const Expr& expr, const Value* caller);
  Value filter(const Expr& expr, const Value& value);
  Value unary(const Expr& expr);
  Value binary(const Expr& expr);
  Value compare(const Expr& expr);
  bool holds(const std::string& op, const Value& left, const Value& right, int line);
  Value arithmetic(const Expr& expr, const Value& left, const Value& right);
  Value repeated(const Value& value, std::int64_t times, int line);
  CallArguments arguments(const Expr& expr);

  void put(std::string_view name, Value value);

  std::int64_t now_;
  std::shared_ptr<Scope> global_ = std::make_shared<Scope>();
  std::shared_ptr<Scope> scope_ = global_;
  Budget budget_;
  Text output_;
};

}  // namespace orkestra::model::jinja
