// Regex: a regular expression of ECMA-262 (core/regex_syntax.h) and whether a text holds a match.
// Immutable; any thread. Time grows with pattern times text, never faster.
#pragma once

#include <orkestra/core/regex_syntax.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

// What a pattern is compiled to: instructions for threads that read one code point at a time
// (Thompson 1968).
struct RegexProgram {
  struct Instruction {
    enum class Op : std::uint8_t {
      kClass,    // reads one of classes[a], goes to b
      kSplit,    // goes to a and to b
      kAssert,   // goes to b where `assertion` holds
      kLook,     // goes to b where the program from a on matches here
      kNotLook,  // goes to b where it doesn't
      kMatch
    };
    Op op = Op::kMatch;
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    RegexNode::Kind assertion = RegexNode::Kind::kEmpty;
  };
  std::vector<Instruction> code;
  std::vector<CodePoints> classes;
  std::uint32_t start = 0;
  bool looks = false;  // has kLook or kNotLook
};

// Throws Error{kExhausted} beyond 50,000 instructions.
RegexProgram compile_regex(const RegexNode& node);

class Regex {
 public:
  // Throws as parse_regex and compile_regex.
  explicit Regex(std::string pattern);

  // Whether some part of `text` matches; nullopt when finding out takes too long.
  std::optional<bool> found_in(std::string_view text) const;
  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  RegexProgram program_;
};

}  // namespace orkestra
