#include <orkestra/core/error.h>
#include <orkestra/model/text/jinja/jinja_parser.h>

#include <initializer_list>
#include <utility>

namespace orkestra::model::jinja {
namespace {

class StatementParser final : private ExpressionParser {
 public:
  explicit StatementParser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  Body run() {
    Body nodes = body({});
    if (peek().type != TokenType::kEnd) {
      fail_invalid(line(), "'" + peek(1).text + "' without the block it belongs to");
    }
    return nodes;
  }

 private:
  using NodePtr = std::unique_ptr<Node>;

  NodePtr make_node(Node::Kind kind) {
    count_node();
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->line = line();
    return node;
  }

  void end_block() {
    if (peek().type != TokenType::kBlockEnd) {
      fail_invalid(line(), "expected '%}' before '" + peek().text + "'");
    }
    next();
  }

  // Nodes up to the block whose name is one of `ends` (left unread), or the template's end.
  Body body(std::initializer_list<std::string_view> ends) {
    const Level level(*this);
    Body nodes;
    while (peek().type != TokenType::kEnd) {
      if (peek().type == TokenType::kBlockBegin) {
        for (const std::string_view end : ends) {
          if (is_name(end, 1)) return nodes;
        }
        if (peek(1).type == TokenType::kName &&
            (peek(1).text.starts_with("end") || is_name("else", 1) || is_name("elif", 1))) {
          if (ends.size() == 0) return nodes;
          fail_invalid(line(), "unexpected '" + peek(1).text + "'");
        }
        next();
        nodes.push_back(statement());
      } else if (peek().type == TokenType::kOutputBegin) {
        next();
        auto node = make_node(Node::Kind::kOutput);
        node->value = tuple();
        if (peek().type != TokenType::kOutputEnd) {
          fail_invalid(line(), "expected '}}' before '" + peek().text + "'");
        }
        next();
        nodes.push_back(std::move(node));
      } else {
        auto node = make_node(Node::Kind::kText);
        node->text = make_text(next().text);
        nodes.push_back(std::move(node));
      }
    }
    if (ends.size() > 0) {
      fail_invalid(line(), "the template ends before '" + std::string(*ends.begin()) + "'");
    }
    return nodes;
  }

  Body body_through(std::string_view end) {
    Body nodes = body({end});
    next();
    next();
    end_block();
    return nodes;
  }

  // After "{%".
  NodePtr statement() {
    const int at_line = line();
    const std::string word = expect_name();
    if (word == "if") return if_statement();
    if (word == "for") return for_statement();
    if (word == "set") return set_statement();
    if (word == "macro") return macro_statement();
    if (word == "call") return call_statement();
    if (word == "with") return with_statement();
    if (word == "print") {
      auto node = make_node(Node::Kind::kBody);
      while (peek().type != TokenType::kBlockEnd) {
        if (!node->body.empty()) expect_operator(",");
        auto output = make_node(Node::Kind::kOutput);
        output->value = expression();
        node->body.push_back(std::move(output));
      }
      end_block();
      return node;
    }
    if (word == "filter") {
      auto node = make_node(Node::Kind::kFilter);
      do {
        node->filters.push_back(filter_call(nullptr));
      } while (skip_operator("|"));
      end_block();
      node->body = body_through("endfilter");
      return node;
    }
    if (word == "generation") {
      auto node = make_node(Node::Kind::kBody);
      end_block();
      node->body = body_through("endgeneration");
      return node;
    }
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail_invalid(at_line, "'" + word + "' outside of a loop");
      auto node = make_node(word == "break" ? Node::Kind::kBreak : Node::Kind::kContinue);
      end_block();
      return node;
    }
    fail_unsupported(at_line, "the statement '" + word + "'");
  }

  NodePtr if_statement() {
    const Level level(*this);
    auto node = make_node(Node::Kind::kIf);
    node->value = tuple();
    end_block();
    node->body = body({"elif", "else", "endif"});
    next();
    const std::string word = expect_name();
    if (word == "elif") {
      node->otherwise.push_back(if_statement());
      return node;
    }
    end_block();
    if (word == "else") node->otherwise = body_through("endif");
    return node;
  }

  NodePtr for_statement() {
    auto node = make_node(Node::Kind::kFor);
    const bool in_brackets = skip_operator("(");
    do {
      node->names.push_back(expect_name());
    } while (skip_operator(","));
    if (in_brackets) expect_operator(")");
    if (!skip_name("in")) fail_invalid(line(), "expected 'in' before '" + peek().text + "'");
    node->value = tuple(false);
    if (skip_name("if")) node->condition = expression();
    node->recursive = skip_name("recursive");
    end_block();
    ++loops_;
    node->body = body({"else", "endfor"});
    --loops_;
    next();
    const bool has_else = expect_name() == "else";
    end_block();
    if (has_else) node->otherwise = body_through("endfor");
    return node;
  }

  NodePtr set_statement() {
    auto node = make_node(Node::Kind::kSet);
    node->names.push_back(expect_name());
    if (skip_operator(".")) {
      node->member = expect_name();
    } else {
      while (skip_operator(",")) node->names.push_back(expect_name());
    }
    if (skip_operator("=")) {
      node->value = tuple();
      end_block();
      return node;
    }
    if (!node->member.empty() || node->names.size() > 1) {
      fail_invalid(line(), "expected '=' before '" + peek().text + "'");
    }
    node->kind = Node::Kind::kSetBlock;
    while (skip_operator("|")) node->filters.push_back(filter_call(nullptr));
    end_block();
    node->body = body_through("endset");
    return node;
  }

  // ( a, b=1, ... )
  std::shared_ptr<Macro> signature(std::string name) {
    auto macro = std::make_shared<Macro>();
    macro->name = std::move(name);
    expect_operator("(");
    while (!skip_operator(")")) {
      if (!macro->parameters.empty()) expect_operator(",");
      Argument parameter{expect_name(), nullptr};
      if (skip_operator("=")) parameter.value = expression();
      macro->parameters.push_back(std::move(parameter));
    }
    return macro;
  }

  // From the end of the opening tag.
  void read_body(Macro& macro, std::string_view end) {
    end_block();
    const int outer_loops = std::exchange(loops_, 0);
    const bool outer_varargs = std::exchange(names_varargs_, false);
    const bool outer_kwargs = std::exchange(names_kwargs_, false);
    macro.body = body_through(end);
    macro.takes_more = std::exchange(names_varargs_, outer_varargs);
    macro.takes_named = std::exchange(names_kwargs_, outer_kwargs);
    loops_ = outer_loops;
  }

  NodePtr macro_statement() {
    auto node = make_node(Node::Kind::kMacro);
    const std::string name = expect_name();
    const std::shared_ptr<Macro> macro = signature(name);
    read_body(*macro, "endmacro");
    node->names.push_back(name);
    node->macro = macro;
    return node;
  }

  NodePtr call_statement() {
    auto node = make_node(Node::Kind::kCall);
    auto macro = is_operator("(") ? signature("caller") : std::make_shared<Macro>();
    macro->name = "caller";
    node->value = expression();
    if (node->value->kind != Expr::Kind::kCall) fail_invalid(node->line, "'call' of no call");
    read_body(*macro, "endcall");
    node->macro = macro;
    return node;
  }

  NodePtr with_statement() {
    auto node = make_node(Node::Kind::kWith);
    while (peek().type != TokenType::kBlockEnd) {
      if (!node->names.empty()) expect_operator(",");
      node->names.push_back(expect_name());
      expect_operator("=");
      node->values.push_back(expression());
    }
    end_block();
    node->body = body_through("endwith");
    return node;
  }

  int loops_ = 0;
};

}  // namespace

Body parse_template(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    throw Error(ErrorCode::kExhausted, "template: " + std::to_string(source.size()) +
                                           " bytes, the limit is " +
                                           std::to_string(kMaxSourceBytes));
  }
  return StatementParser(tokenize(source)).run();
}

}  // namespace orkestra::model::jinja
