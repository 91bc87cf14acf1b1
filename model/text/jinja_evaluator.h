// Evaluator: one rendering of a template. Owned by one thread; used once.
#pragma once

#include <orkestra/model/text/jinja_ast.h>
#include <orkestra/model/text/jinja_builtins.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orkestra::model::jinja {

class Evaluator {
 public:
  explicit Evaluator(const Value& context);

  void run(const Body& body) { flow(body); }
  Text take_output() { return std::move(output_); }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  using Scope = std::vector<std::pair<std::string, Value>>;

  // Statements.
  Flow flow(const Body& body);
  Flow statement(const Node& node);
  Flow for_loop(const Node& node);
  void set(const Node& node);
  void assign(const std::vector<std::string>& names, Value value, int line);
  void write(const Text& text);
  Text captured(const Body& body, const std::vector<ExprPtr>& filters);
  Value call_macro(const Macro& macro, const CallArguments& arguments);

  // Expressions.
  Value evaluate(const Expr& expr);
  Value evaluate_unbounded(const Expr& expr);
  Value lookup(const std::string& name) const;
  Value member(const Expr& expr);
  Value index(const Expr& expr);
  Value slice(const Expr& expr);
  Value call(const Expr& expr);
  Value filter(const Expr& expr, const Value& value);
  Value unary(const Expr& expr);
  Value binary(const Expr& expr);
  Value arithmetic(const Expr& expr, const Value& left, const Value& right);
  CallArguments arguments(const Expr& expr);
  const Value& defined(const Value& value, int line) const;

  Scope& scope() { return scopes_.back(); }
  void put(std::string_view name, Value value);

  std::vector<Scope> scopes_;
  std::size_t visible_ = 1;  // macros see the outermost scope and those from visible_ on
  Budget budget_;
  Text output_;
};

}  // namespace orkestra::model::jinja
