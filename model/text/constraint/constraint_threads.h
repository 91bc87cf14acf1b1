// ThreadSet: every way a text so far can be read by a program, and the step to the next byte.
// A value; stacks are linked frames in an arena of its owner, so copying a thread copies nothing.
#pragma once

#include <orkestra/model/text/constraint/constraint_program.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
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
  static constexpr std::size_t kMaxVisits = 20'000;

  explicit Simulation(const ConstraintProgram& program);

  void start(ThreadSet& out);
  void step(const ThreadSet& in, std::uint8_t byte, ThreadSet& out);

  // What follows the instruction that `thread` is in.
  void leave(const Thread& thread, ThreadSet& out);

  // Threads stepped and instructions followed so far: what reading costs, whatever the machine.
  std::uint64_t work() const { return work_; }

  // Frames made after a mark can be dropped together (depth-first searches).
  std::size_t mark() const { return frames_.size(); }
  void drop_frames(std::size_t mark) { frames_.resize(mark); }
  // Keeps only the frames that `set` uses.
  void compact(ThreadSet& set);

  // The one byte that every thread of `set` reads next; -1 when there are several, or none.
  int only_byte(const ThreadSet& set);

  bool reads_any_text(const ThreadSet& set) const;

  // Bytes that are missing to the end of the output: of the shortest, or somewhat more (inside a
  // character, a span). GrammarCost::kMost: not known, or too many.
  std::uint32_t distance(const ThreadSet& set) const;
  // A text of at most so many bytes that ends the output; nullopt where it isn't known (numbers
  // in any spelling). Adds frames.
  std::optional<std::string> shortest_end(const ThreadSet& set);

 private:
  struct Frame {
    std::uint32_t parent = 0;
    std::uint32_t value = 0;  // a return address or a counter
    std::uint32_t depth = 0;
    std::uint32_t distance = 0;  // from where this frame is taken off (or read) to the end
  };

  void follow(std::uint32_t pc, std::uint32_t stack, ThreadSet& out);
  void step_number(const Thread& thread, std::uint8_t byte, ThreadSet& out);
  void step_number_text(const Thread& thread, std::uint8_t byte, ThreadSet& out);
  void follow_members(const Instruction& instruction, std::uint32_t stack);
  bool same(const Thread& a, const Thread& b) const;
  void add(const Thread& thread, ThreadSet& out) const;
  static constexpr std::uint32_t kObjectFrame = UINT32_MAX;
  std::uint32_t push(std::uint32_t parent, std::uint32_t value, std::uint32_t nesting,
                     std::uint32_t distance);
  std::uint32_t behind(std::uint32_t pc, std::uint32_t stack) const {
    return std::min(GrammarCost::kMost, program_->code[pc].distance + frames_[stack].distance);
  }
  std::uint32_t loop_distance(const Instruction& loop, std::uint32_t done,
                              std::uint32_t parent) const;
  // Members that may follow, and those of them that must.
  struct MembersLeft {
    std::uint32_t members = 0;
    std::uint32_t required = 0;
    std::uint64_t required_bytes = 0;  // with a comma each
  };
  std::uint32_t members_distance(const ObjectCode& object, const MembersLeft& left,
                                 std::uint32_t count, std::uint32_t outer) const;
  std::uint32_t thread_distance(const Thread& thread) const;
  std::string next_bytes(const Thread& thread) const;
  bool same_stack(std::uint32_t a, std::uint32_t b) const;

  const ConstraintProgram* program_;
  std::vector<Frame> frames_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open_;  // pc, stack
  std::vector<bool> seen_;                                     // members of an object
  std::size_t visits_ = 0;
  std::uint64_t work_ = 0;
};

}  // namespace orkestra::model
