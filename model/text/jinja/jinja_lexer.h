// Template source -> tokens: text runs, and the words inside {{ }} and {% %}.
// White space as Hugging Face sets it: trim_blocks and lstrip_blocks on, one trailing newline off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model::jinja {

enum class TokenType {
  kText,
  kOutputBegin,  // {{
  kOutputEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kInteger,
  kFloat,
  kString,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type = TokenType::kEnd;
  std::string text;  // names, operators, the value of strings, the run of text
  std::int64_t integer = 0;
  double number = 0;
  int line = 1;
};

// Throws Error{kInvalid} naming the line.
std::vector<Token> tokenize(std::string_view source);

// Error{code} whose message is "template line N: what".
[[noreturn]] void fail_unsupported(int line, const std::string& what);
[[noreturn]] void fail_invalid(int line, const std::string& what);

}  // namespace orkestra::model::jinja
