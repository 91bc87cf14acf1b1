// ThreadSet: every way a text so far can be read by a program, and the step to the next byte.
// A value; stacks are linked frames in an arena of its owner, so copying a thread copies nothing.
#pragma once

#include <orkestra/model/text/constraint_program.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace orkestra::model {

struct Thread {
  std::uint32_t pc = 0;         // of an instruction that reads a byte
  std::uint32_t stack = 0;      // frame index, 0 = empty
  std::uint32_t dfa_state = 0;  // kDfa; kString: of its content; kSpace: bytes; kNumberText: shape
  SpanIndex::Position position{};  // kSpan; kString: in `depth`, where inside a character
  NumberRule::State number{};      // kNumber; kNumberText: in `value`, the frame of its last byte
};

struct ThreadSet {
  std::vector<Thread> threads;
  bool accepting = false;
  void clear() {
    threads.clear();
    accepting = false;
  }
};

// Steps ThreadSets. Owns the frames their stacks are made of; one thread of execution at a time.
// Bounded: at most kMaxThreads readings, kMaxFrames nested rules and kMaxVisits instructions a
// byte; readings beyond that are dropped, which only ever forbids.
class Simulation {
 public:
  static constexpr std::size_t kMaxThreads = 1024;
  static constexpr std::uint32_t kMaxStackDepth = 200;
  static constexpr std::size_t kMaxVisits = 20'000;

  explicit Simulation(const ConstraintProgram& program);

  void start(ThreadSet& out);
  void step(const ThreadSet& in, std::uint8_t byte, ThreadSet& out);

  // Frames made after a mark can be dropped together (depth-first searches).
  std::size_t mark() const { return frames_.size(); }
  void drop_frames(std::size_t mark) { frames_.resize(mark); }
  // Keeps only the frames that `set` uses.
  void compact(ThreadSet& set);

  // The one byte that every thread of `set` reads next; -1 when there are several, or none.
  int only_byte(const ThreadSet& set);

  bool reads_any_text(const ThreadSet& set) const;

 private:
  struct Frame {
    std::uint32_t parent = 0;
    std::uint32_t value = 0;  // a return address or a counter
    std::uint32_t depth = 0;
  };

  void follow(std::uint32_t pc, std::uint32_t stack, ThreadSet& out);
  void step_number(const Thread& thread, std::uint8_t byte, ThreadSet& out);
  void step_number_text(const Thread& thread, std::uint8_t byte, ThreadSet& out);
  void follow_members(const Instruction& instruction, std::uint32_t stack);
  bool same(const Thread& a, const Thread& b) const;
  void add(const Thread& thread, ThreadSet& out) const;
  static constexpr std::uint32_t kObjectFrame = UINT32_MAX;
  std::uint32_t push(std::uint32_t parent, std::uint32_t value, std::uint32_t nesting = 1);
  bool same_stack(std::uint32_t a, std::uint32_t b) const;

  const ConstraintProgram* program_;
  std::vector<Frame> frames_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open_;  // pc, stack
  std::size_t visits_ = 0;
};

}  // namespace orkestra::model
