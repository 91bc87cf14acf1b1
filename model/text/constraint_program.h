// ConstraintProgram: a Grammar as instructions for threads that read one byte at a time, in the
// manner of Thompson (1968) and Pike, with a stack for rules and counters. Immutable.
#pragma once

#include <orkestra/model/text/constraint_automaton.h>
#include <orkestra/model/text/grammar.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace orkestra::model {

struct Instruction {
  enum class Op : std::uint8_t {
    kRange,   // reads a byte in [a, b], goes to next
    kDfa,     // reads through dfa a, goes to next where it accepts
    kSpan,    // reads through span index a, goes to next where a span may end
    kText,    // reads any byte and stays; goes to next at any time
    kSplit,   // goes to each of targets[a .. a + b)
    kCall,    // pushes next, goes to a
    kReturn,  // pops, goes there
    kCount,   // pushes a counter of 0, goes to next
    kLoop,    // counter n: while n < b, counts and goes to `body`; from n >= a on, pops and next
    kAccept,
    kFail,
  };
  Op op = Op::kFail;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t next = 0;
  std::uint32_t body = 0;
};

struct ConstraintProgram final : ConstraintAutomaton {
  std::vector<Instruction> code;
  std::vector<std::uint32_t> targets;
  std::vector<ByteDfa> dfas;
  std::vector<SpanIndex> spans;
  std::uint32_t entry = 0;
};

// Throws Error{kInvalid} when nothing at all can be written, {kExhausted} beyond the bounds.
std::shared_ptr<const ConstraintProgram> compile_grammar(Grammar grammar, NodeId root);

}  // namespace orkestra::model
