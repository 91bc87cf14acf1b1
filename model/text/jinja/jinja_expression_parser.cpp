#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_parser.h>

#include <algorithm>
#include <array>
#include <utility>

namespace orkestra::model::jinja {

ExpressionParser::Level::Level(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.level_ > kMaxNesting) {
    --parser_.level_;
    throw Error(ErrorCode::kExhausted, "template line " + std::to_string(parser_.line()) +
                                           ": nested deeper than " + std::to_string(kMaxNesting));
  }
}

const Token& ExpressionParser::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

const Token& ExpressionParser::next() {
  const Token& token = peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::is_operator(std::string_view op, std::size_t ahead) const {
  return peek(ahead).type == TokenType::kOperator && peek(ahead).text == op;
}
bool ExpressionParser::is_name(std::string_view name, std::size_t ahead) const {
  return peek(ahead).type == TokenType::kName && peek(ahead).text == name;
}
bool ExpressionParser::skip_operator(std::string_view op) {
  if (!is_operator(op)) return false;
  next();
  return true;
}
bool ExpressionParser::skip_name(std::string_view name) {
  if (!is_name(name)) return false;
  next();
  return true;
}

void ExpressionParser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) {
    fail_invalid(line(), "expected '" + std::string(op) + "' before '" + peek().text + "'");
  }
}

std::string ExpressionParser::expect_name() {
  if (peek().type != TokenType::kName) {
    fail_invalid(line(), "expected a name before '" + peek().text + "'");
  }
  return next().text;
}

void ExpressionParser::count_node() {
  if (++nodes_ > kMaxNodes) {
    throw Error(ErrorCode::kExhausted, "template line " + std::to_string(line()) + ": more than " +
                                           std::to_string(kMaxNodes) + " nodes");
  }
}

std::unique_ptr<Expr> ExpressionParser::make(Expr::Kind kind, int at_line, std::string name) {
  count_node();
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = at_line;
  expr->name = std::move(name);
  return expr;
}

ExprPtr ExpressionParser::done(std::unique_ptr<Expr> expr) {
  for (const ExprPtr& child : expr->children) {
    if (child) expr->depth = std::max(expr->depth, child->depth + 1);
  }
  for (const Argument& argument : expr->arguments) {
    expr->depth = std::max(expr->depth, argument.value->depth + 1);
  }
  if (expr->depth > 4 * kMaxNesting) {
    throw Error(ErrorCode::kExhausted, "template line " + std::to_string(expr->line) +
                                           ": an expression too long for one statement");
  }
  return expr;
}

ExprPtr ExpressionParser::binary(ExprPtr left, std::string name, ExprPtr right, int at_line) {
  auto expr = make(Expr::Kind::kBinary, at_line, std::move(name));
  expr->children.push_back(std::move(left));
  expr->children.push_back(std::move(right));
  return done(std::move(expr));
}

ExprPtr ExpressionParser::expression(bool with_condition) {
  const Level level(*this);
  ExprPtr value = disjunction();
  while (with_condition && is_name("if")) {
    auto expr = make(Expr::Kind::kCondition, next().line);
    expr->children.push_back(std::move(value));
    expr->children.push_back(disjunction());
    expr->children.push_back(skip_name("else") ? expression() : nullptr);
    value = done(std::move(expr));
  }
  return value;
}

ExprPtr ExpressionParser::tuple(bool with_condition) {
  const int at_line = line();
  ExprPtr first = expression(with_condition);
  if (!is_operator(",")) return first;
  auto expr = make(Expr::Kind::kTuple, at_line);
  expr->children.push_back(std::move(first));
  while (skip_operator(",")) {
    if (is_operator(")") || peek().type == TokenType::kBlockEnd ||
        peek().type == TokenType::kOutputEnd) {
      break;
    }
    expr->children.push_back(expression(with_condition));
  }
  return done(std::move(expr));
}

ExprPtr ExpressionParser::disjunction() {
  ExprPtr left = conjunction();
  while (is_name("or")) {
    const int at_line = next().line;
    left = binary(std::move(left), "or", conjunction(), at_line);
  }
  return left;
}

ExprPtr ExpressionParser::conjunction() {
  ExprPtr left = negation();
  while (is_name("and")) {
    const int at_line = next().line;
    left = binary(std::move(left), "and", negation(), at_line);
  }
  return left;
}

ExprPtr ExpressionParser::negation() {
  if (!is_name("not")) return comparison();
  const Level level(*this);
  auto expr = make(Expr::Kind::kUnary, next().line, "not");
  expr->children.push_back(negation());
  return done(std::move(expr));
}

ExprPtr ExpressionParser::comparison() {
  constexpr std::array<std::string_view, 6> kOperators{"==", "!=", "<", "<=", ">", ">="};
  ExprPtr left = sum();
  std::unique_ptr<Expr> expr;
  while (true) {
    const int at_line = line();
    std::string name;
    if (peek().type == TokenType::kOperator &&
        std::find(kOperators.begin(), kOperators.end(), peek().text) != kOperators.end()) {
      name = next().text;
    } else if (skip_name("in")) {
      name = "in";
    } else if (is_name("not") && is_name("in", 1)) {
      next();
      next();
      name = "not in";
    } else {
      break;
    }
    if (!expr) {
      expr = make(Expr::Kind::kCompare, at_line);
      expr->children.push_back(std::move(left));
    }
    expr->operators.push_back(std::move(name));
    expr->children.push_back(sum());
  }
  return expr ? done(std::move(expr)) : std::move(left);
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concatenation();
  while (is_operator("+") || is_operator("-")) {
    const Token& token = next();
    left = binary(std::move(left), token.text, concatenation(), token.line);
  }
  return left;
}

ExprPtr ExpressionParser::concatenation() {
  ExprPtr left = product();
  while (is_operator("~")) {
    const int at_line = next().line;
    left = binary(std::move(left), "~", product(), at_line);
  }
  return left;
}

ExprPtr ExpressionParser::product() {
  ExprPtr left = power();
  while (is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%")) {
    const Token& token = next();
    left = binary(std::move(left), token.text, power(), token.line);
  }
  return left;
}

ExprPtr ExpressionParser::power() {
  ExprPtr left = unary(true);
  while (is_operator("**")) {
    const int at_line = next().line;
    left = binary(std::move(left), "**", unary(true), at_line);
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filters) {
  ExprPtr operand;
  if (is_operator("-") || is_operator("+")) {
    const Level level(*this);
    const Token& token = next();
    auto expr = make(Expr::Kind::kUnary, token.line, token.text);
    expr->children.push_back(unary(false));
    operand = postfix(done(std::move(expr)));
  } else {
    operand = postfix(primary());
  }
  return with_filters ? filters_and_tests(std::move(operand)) : std::move(operand);
}

ExprPtr ExpressionParser::primary() {
  const Token& token = peek();
  const auto literal = [&](Value value) {
    auto expr = make(Expr::Kind::kLiteral, token.line);
    expr->literal = std::move(value);
    return done(std::move(expr));
  };
  switch (token.type) {
    case TokenType::kName: {
      next();
      if (token.text == "true" || token.text == "True") return literal(true);
      if (token.text == "false" || token.text == "False") return literal(false);
      if (token.text == "none" || token.text == "None") return literal(Value::none());
      names_varargs_ = names_varargs_ || token.text == "varargs";
      names_kwargs_ = names_kwargs_ || token.text == "kwargs";
      return done(make(Expr::Kind::kName, token.line, token.text));
    }
    case TokenType::kInteger:
      return literal(next().integer);
    case TokenType::kFloat:
      return literal(next().number);
    case TokenType::kString: {
      std::string text;
      while (peek().type == TokenType::kString) text += next().text;
      return literal(Value::text(text));
    }
    case TokenType::kOperator:
      break;
    default:
      fail_invalid(token.line, "expected an expression before '" + token.text + "'");
  }
  const Level level(*this);
  if (skip_operator("(")) {
    if (skip_operator(")")) return done(make(Expr::Kind::kTuple, token.line));
    ExprPtr inner = tuple();
    expect_operator(")");
    return inner;
  }
  if (skip_operator("[")) return list_literal(token.line);
  if (skip_operator("{")) return mapping_literal(token.line);
  fail_invalid(token.line, "expected an expression before '" + token.text + "'");
}

ExprPtr ExpressionParser::list_literal(int at_line) {
  auto expr = make(Expr::Kind::kList, at_line);
  while (!skip_operator("]")) {
    if (!expr->children.empty()) {
      expect_operator(",");
      if (skip_operator("]")) break;
    }
    expr->children.push_back(expression());
  }
  return done(std::move(expr));
}

ExprPtr ExpressionParser::mapping_literal(int at_line) {
  auto expr = make(Expr::Kind::kMapping, at_line);
  while (!skip_operator("}")) {
    if (!expr->children.empty()) {
      expect_operator(",");
      if (skip_operator("}")) break;
    }
    expr->children.push_back(expression());
    expect_operator(":");
    expr->children.push_back(expression());
  }
  return done(std::move(expr));
}

ExprPtr ExpressionParser::postfix(ExprPtr operand) {
  while (true) {
    const int at_line = line();
    if (skip_operator(".")) {
      const bool by_number = peek().type == TokenType::kInteger;
      auto expr = make(by_number ? Expr::Kind::kIndex : Expr::Kind::kMember, at_line);
      expr->children.push_back(std::move(operand));
      if (by_number) {
        expr->children.push_back(primary());
      } else {
        expr->name = expect_name();
      }
      operand = done(std::move(expr));
    } else if (skip_operator("[")) {
      operand = subscript(std::move(operand));
    } else if (skip_operator("(")) {
      auto expr = make(Expr::Kind::kCall, at_line);
      expr->children.push_back(std::move(operand));
      expr->arguments = arguments();
      operand = done(std::move(expr));
    } else {
      return operand;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr operand) {
  const int at_line = line();
  std::vector<ExprPtr> parts;
  bool is_slice = false;
  parts.push_back(is_operator(":") ? nullptr : expression());
  while (skip_operator(":")) {
    is_slice = true;
    parts.push_back(is_operator(":") || is_operator("]") ? nullptr : expression());
  }
  expect_operator("]");
  if (parts.size() > 3) fail_invalid(at_line, "a slice of more than three parts");
  auto expr = make(is_slice ? Expr::Kind::kSlice : Expr::Kind::kIndex, at_line);
  if (is_slice) parts.resize(3);
  expr->children.push_back(std::move(operand));
  for (ExprPtr& part : parts) expr->children.push_back(std::move(part));
  return done(std::move(expr));
}

std::vector<Argument> ExpressionParser::arguments() {
  std::vector<Argument> out;
  while (!skip_operator(")")) {
    if (!out.empty()) {
      expect_operator(",");
      if (skip_operator(")")) break;
    }
    std::string name;
    if (is_operator("*") || is_operator("**")) {
      name = next().text;
    } else if (peek().type == TokenType::kName && is_operator("=", 1)) {
      name = next().text;
      next();
    }
    out.push_back({std::move(name), expression()});
  }
  return out;
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr operand) {
  while (true) {
    if (skip_operator("|")) {
      operand = filter_call(std::move(operand));
    } else if (skip_name("is")) {
      operand = test(std::move(operand));
    } else if (is_operator("(")) {
      operand = postfix(std::move(operand));
    } else {
      return operand;
    }
  }
}

ExprPtr ExpressionParser::filter_call(ExprPtr operand) {
  const int at_line = line();
  auto expr = make(Expr::Kind::kFilter, at_line, expect_name());
  expr->children.push_back(std::move(operand));
  if (skip_operator("(")) expr->arguments = arguments();
  return done(std::move(expr));
}

ExprPtr ExpressionParser::test(ExprPtr operand) {
  const int at_line = line();
  const bool negated = skip_name("not");
  auto expr = make(Expr::Kind::kTest, at_line, expect_name());
  expr->children.push_back(std::move(operand));
  constexpr std::array<std::string_view, 7> kNotArguments{"else", "or", "and", "if",
                                                          "is",   "in", "not"};
  const Token& token = peek();
  const bool starts_argument =
      token.type == TokenType::kString || token.type == TokenType::kInteger ||
      token.type == TokenType::kFloat || is_operator("[") || is_operator("{") ||
      (token.type == TokenType::kName &&
       std::find(kNotArguments.begin(), kNotArguments.end(), token.text) == kNotArguments.end());
  if (skip_operator("(")) {
    expr->arguments = arguments();
  } else if (starts_argument) {
    expr->arguments.push_back({"", postfix(primary())});
  }
  ExprPtr value = done(std::move(expr));
  if (!negated) return value;
  auto inverse = make(Expr::Kind::kUnary, at_line, "not");
  inverse->children.push_back(std::move(value));
  return done(std::move(inverse));
}

}  // namespace orkestra::model::jinja
