// The syntax tree of a template. Immutable after parsing; depth and size are bounded by the parser.
#pragma once

#include <orkestra/model/text/jinja/jinja_value.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::model::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

struct Argument {
  std::string name;  // "" = positional; "*", "**": a list or mapping whose elements are arguments
  ExprPtr value;
};

struct Expr {
  enum class Kind {
    kLiteral,    // literal
    kName,       // name
    kList,       // children
    kTuple,      // children
    kMapping,    // children: key, value, key, value, ...
    kMember,     // children[0] . name
    kIndex,      // children[0] [ children[1] ]
    kSlice,      // children[0] [ children[1] : children[2] : children[3] ], absent ones null
    kCall,       // children[0] ( arguments )
    kFilter,     // children[0] | name ( arguments )
    kTest,       // children[0] is name ( arguments )
    kUnary,      // name: not, -, +
    kBinary,     // name: and, or, +, -, *, /, //, %, **, ~
    kCompare,    // children[0] operators[0] children[1] operators[1] ...
    kCondition,  // children[0] if children[1] else children[2] (may be null)
  };
  Kind kind = Kind::kLiteral;
  int line = 0;
  int depth = 1;  // of the tree below, itself included
  std::string name{};
  Value literal{};
  std::vector<ExprPtr> children{};
  std::vector<Argument> arguments{};
  std::vector<std::string> operators{};  // ==, !=, <, <=, >, >=, in, not in
};

struct Macro;
struct Node;
using Body = std::vector<std::unique_ptr<const Node>>;

struct Node {
  enum class Kind {
    kText,      // text
    kOutput,    // value
    kIf,        // value, body, otherwise
    kFor,       // names in value [if condition] [recursive]: body, otherwise
    kSet,       // names = value; with member: names[0].member = value
    kSetBlock,  // names[0] = the rendered body, through filters
    kMacro,     // macro
    kFilter,    // the rendered body, through filters
    kCall,      // value is a call, which gets macro as its caller
    kWith,      // names = values, for the body
    kBody,      // body as it stands ({% generation %})
    kBreak,
    kContinue,
  };
  Kind kind = Kind::kText;
  int line = 0;
  Text text{};
  std::vector<std::string> names{};
  std::string member{};
  ExprPtr value{};
  ExprPtr condition{};
  bool recursive = false;
  std::vector<ExprPtr> values{};
  Body body{};
  Body otherwise{};
  std::vector<ExprPtr> filters{};  // kFilter expressions whose children[0] is null
  std::shared_ptr<const Macro> macro{};
};

struct Macro {
  std::string name;
  std::vector<Argument> parameters;  // value = the default, or null
  Body body{};
  bool takes_more = false;   // its body names varargs
  bool takes_named = false;  // its body names kwargs
};

}  // namespace orkestra::model::jinja
