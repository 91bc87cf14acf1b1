// ConstraintProgram: a Grammar as instructions for threads that read one byte at a time, in the
// manner of Thompson (1968) and Pike, with a stack for rules and counters. Immutable.
#pragma once

#include <orkestra/model/text/constraint/constraint_automaton.h>
#include <orkestra/model/text/constraint/grammar.h>
#include <orkestra/model/text/constraint/vocabulary_scan.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace orkestra::model {

constexpr std::uint32_t kMaxStackDepth = 200;  // nested rules, objects and counters

struct Instruction {
  enum class Op : std::uint8_t {
    kRange,       // reads a byte in [a, b], goes to next
    kDfa,         // reads through dfa a; goes to next at any time
    kSpan,        // reads through span index a, goes to next where a span may end
    kText,        // reads any byte and stays; goes to next at any time
    kString,      // reads a JSON string by strings[a], goes to next behind it
    kNumber,      // reads digits by numbers[a], goes to next where the number may end
    kNumberText,  // reads a number, goes to next where number_tests[a] holds
    kSpace,       // reads white space, at most a bytes; goes to next at any time
    kObject,      // pushes an empty list of members of objects[a], goes to next
    kMembers,  // behind a member of objects[a] (b = 1) or before all (0): the next one, or the end
    kSplit,    // goes to each of targets[a .. a + b)
    kCall,     // pushes next, goes to a
    kReturn,   // pops, goes there
    kCount,    // pushes a counter of 0, goes to next
    kLoop,     // counter n: while n < b, counts and goes to `body`; from n >= a on, pops and next
    kAccept,
    kFail,
  };
  Op op = Op::kFail;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t next = 0;
  std::uint32_t body = 0;
  // The least that is missing up to where the frame on top of the stack takes over: kReturn,
  // kLoop, kMembers; kAccept without a frame. Bytes, and frames more than there are.
  std::uint32_t distance = 0;
  std::uint32_t nesting = 0;
};

// Where the members of an object begin, and what follows it.
struct ObjectCode {
  struct Member {
    std::uint32_t first = 0;  // as the first member
    std::uint32_t later = 0;  // behind a comma
    bool required = false;
    std::uint32_t bytes = 0;  // the shortest, without comma
  };
  std::vector<Member> members;
  std::vector<Member> others;
  std::uint32_t min = 0;
  std::uint32_t max = kUnlimited;
  bool ordered = true;
  std::uint32_t close = 0;
  std::uint32_t comma_bytes = 0;
};

struct ConstraintProgram final : ConstraintAutomaton {
  std::vector<Instruction> code;
  std::vector<std::uint32_t> targets;
  std::vector<ByteDfa> dfas;
  std::vector<SpanIndex> spans;
  std::vector<StringRule> strings;
  std::vector<NumberRule> numbers;
  std::vector<NumberTest> number_tests;
  std::vector<ObjectCode> objects;
  std::uint32_t entry = 0;
  mutable MaskCache masks;  // what masks are made of, as far as it was needed
};

// Throws Error{kInvalid} when nothing at all can be written (unless `allow_nothing`), {kExhausted}
// beyond the bounds.
std::shared_ptr<const ConstraintProgram> compile_grammar(Grammar grammar, NodeId root,
                                                         bool allow_nothing);

}  // namespace orkestra::model
