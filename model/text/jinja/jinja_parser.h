// Tokens of a template -> its syntax tree. Nesting, expression depth and the number of nodes are
// bounded, so neither parsing nor rendering can overflow the stack.
#pragma once

#include <orkestra/model/text/jinja/jinja_ast.h>
#include <orkestra/model/text/jinja/jinja_lexer.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace orkestra::model::jinja {

constexpr int kMaxNesting = 100;  // of blocks, and of expressions
constexpr std::size_t kMaxNodes = 200'000;
constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20U;

// Throws Error{kInvalid} for bad syntax, {kUnsupported} for a statement outside the subset,
// {kExhausted} beyond the bounds; each names the line.
Body parse_template(std::string_view source);

// The expressions between tags: Jinja's grammar, weakest operator first.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

 protected:
  ExprPtr expression(bool with_condition = true);
  // One or more expressions with commas: a tuple when there are several.
  ExprPtr tuple(bool with_condition = true);
  std::vector<Argument> arguments();     // after "(", through ")"
  ExprPtr filter_call(ExprPtr operand);  // after "|"

  const Token& peek(std::size_t ahead = 0) const;
  const Token& next();
  bool is_operator(std::string_view op, std::size_t ahead = 0) const;
  bool is_name(std::string_view name, std::size_t ahead = 0) const;
  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_operator(std::string_view op);
  std::string expect_name();
  int line() const { return peek().line; }
  // Whether expressions since they were last set to false named these.
  bool names_varargs_ = false;
  bool names_kwargs_ = false;
  void count_node();

  // Counts nesting while it lives.
  class Level {
   public:
    explicit Level(ExpressionParser& parser);
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser& parser_;
  };

 private:
  std::unique_ptr<Expr> make(Expr::Kind kind, int at_line, std::string name = "");
  ExprPtr done(std::unique_ptr<Expr> expr);  // checks the depth
  ExprPtr binary(ExprPtr left, std::string name, ExprPtr right, int at_line);
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters);
  ExprPtr primary();
  ExprPtr postfix(ExprPtr operand);
  ExprPtr subscript(ExprPtr operand);
  ExprPtr filters_and_tests(ExprPtr operand);
  ExprPtr test(ExprPtr operand);
  ExprPtr list_literal(int at_line);
  ExprPtr mapping_literal(int at_line);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  int level_ = 0;
};

}  // namespace orkestra::model::jinja
