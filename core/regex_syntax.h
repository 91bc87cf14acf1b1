// The syntax tree of a regular expression: the part of ECMA-262 that can be decided in linear time
// (no references back, no looking behind). Read with the meaning of the `u` flag, as JSON Schema
// recommends: `.` and classes are of code points.
#pragma once

#include <orkestra/core/code_points.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

struct RegexNode {
  enum class Kind {
    kEmpty,
    kClass,             // one of `points`
    kSequence,          // children, one after another
    kAlternatives,      // one of children
    kRepeat,            // children[0], min to max times
    kStart,             // ^
    kEnd,               // $
    kWordEdge,          // \b
    kNotWordEdge,       // \B
    kLookahead,         // (?=children[0])
    kNegativeLookahead  // (?!children[0])
  };
  static constexpr std::uint32_t kUnlimited = UINT32_MAX;

  Kind kind = Kind::kEmpty;
  CodePoints points{};
  std::vector<RegexNode> children{};
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};

// Throws Error{kInvalid} for bad syntax, Error{kUnsupported} for what is outside the part above;
// the message says where. At most 64 KiB of pattern, nested 100 deep.
RegexNode parse_regex(std::string_view pattern);

// Letters, digits and underscore, in ASCII: what \w and \b go by.
const CodePoints& word_code_points();

}  // namespace orkestra
