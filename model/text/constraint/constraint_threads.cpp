#include <orkestra/model/text/constraint/constraint_threads.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace orkestra::model {

using Op = Instruction::Op;

Simulation::Simulation(const ConstraintProgram& program) : program_(&program), frames_(1) {}

void Simulation::start(ThreadSet& out) {
  out.clear();
  visits_ = 0;
  follow(program_->entry, 0, out);
}

void Simulation::leave(const Thread& thread, ThreadSet& out) {
  out.clear();
  visits_ = 0;
  follow(program_->code[thread.pc].next, thread.stack, out);
}

void Simulation::step(const ThreadSet& in, std::uint8_t byte, ThreadSet& out) {
  out.clear();
  visits_ = 0;
  work_ += in.threads.size();
  for (const Thread& thread : in.threads) {
    const Instruction& instruction = program_->code[thread.pc];
    switch (instruction.op) {
      case Op::kRange:
        if (byte >= instruction.a && byte <= instruction.b) {
          follow(instruction.next, thread.stack, out);
        }
        break;
      case Op::kDfa: {
        const ByteDfa& dfa = program_->dfas[instruction.a];
        const std::uint8_t next = dfa.states[thread.dfa_state].next[byte];
        if (next == ByteDfa::kDead) break;
        Thread moved = thread;
        moved.dfa_state = next;
        add(moved, out);
        follow(instruction.next, thread.stack, out);
        break;
      }
      case Op::kSpan: {
        const SpanIndex& spans = program_->spans[instruction.a];
        Thread moved = thread;
        if (!spans.advance(moved.position, byte)) break;
        if (spans.may_continue(moved.position)) add(moved, out);
        if (spans.may_end(moved.position)) follow(instruction.next, thread.stack, out);
        break;
      }
      case Op::kText:
        follow(thread.pc, thread.stack, out);
        break;
      case Op::kString: {
        const StringRule& rule = program_->strings[instruction.a];
        StringRule::State state{thread.dfa_state, thread.position.depth};
        bool closed = false;
        if (!rule.advance(state, byte, closed)) break;
        if (closed) {
          follow(instruction.next, thread.stack, out);
        } else {
          Thread moved = thread;
          moved.dfa_state = state.dfa;
          moved.position.depth = state.reading;
          add(moved, out);
        }
        break;
      }
      case Op::kNumber:
        step_number(thread, byte, out);
        break;
      case Op::kNumberText:
        step_number_text(thread, byte, out);
        break;
      case Op::kSpace:
        if (byte != ' ' && byte != '\n' && byte != '\t' && byte != '\r') break;
        if (thread.dfa_state + 1 < instruction.a) {
          Thread moved = thread;
          ++moved.dfa_state;
          add(moved, out);
        }
        follow(instruction.next, thread.stack, out);
        break;
      default:
        break;
    }
  }
}

void Simulation::step_number(const Thread& thread, std::uint8_t byte, ThreadSet& out) {
  const Instruction& instruction = program_->code[thread.pc];
  const NumberRule& rule = program_->numbers[instruction.a];
  Thread moved = thread;
  if (!rule.advance(moved.number, byte)) return;
  add(moved, out);
  if (rule.may_end(moved.number)) follow(instruction.next, thread.stack, out);
}

void Simulation::step_number_text(const Thread& thread, std::uint8_t byte, ThreadSet& out) {
  constexpr std::uint32_t kMaxNumberBytes = 1000;
  const Instruction& instruction = program_->code[thread.pc];
  NumberShape shape = NumberShape::at(thread.dfa_state);
  if (!shape.advance(byte)) return;
  Thread moved = thread;
  moved.dfa_state = shape.state();
  // The bytes so far are a chain of frames, so that a thread stays small.
  const auto last = static_cast<std::uint32_t>(thread.number.value);
  if (frames_[last].depth >= kMaxNumberBytes) return;
  moved.number.value = push(last, byte, 1, 0);
  add(moved, out);
  if (!shape.may_end()) return;
  std::string text;
  for (auto at = static_cast<std::uint32_t>(moved.number.value); at != 0; at = frames_[at].parent) {
    text.insert(text.begin(), static_cast<char>(frames_[at].value));
  }
  const std::optional<Decimal> number = Decimal::parse(text);
  if (number && program_->number_tests[instruction.a].holds(*number)) {
    follow(instruction.next, thread.stack, out);
  }
}

// The members of an object lie above its own frame, one frame for each that must be remembered:
// in an ordered object a single one {the next member allowed, how many there are}.
void Simulation::follow_members(const Instruction& instruction, std::uint32_t stack) {
  const ObjectCode& object = program_->objects[instruction.a];
  const auto n = static_cast<std::uint32_t>(object.members.size());
  std::uint32_t below = stack;  // the object's own frame
  std::uint32_t next = 0;
  std::uint32_t count = 0;
  seen_.assign(object.ordered ? 0 : n, false);
  for (; frames_[below].value != kObjectFrame; below = frames_[below].parent) {
    const std::uint32_t value = frames_[below].value;
    if (object.ordered) {
      next = value & 0xFFFFU;
      count = value >> 16U;
    } else {
      ++count;
      if (value < n) seen_[value] = true;
    }
  }
  const auto is_left = [&](std::uint32_t i) { return object.ordered ? i >= next : !seen_[i]; };
  MembersLeft left;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!is_left(i)) continue;
    ++left.members;
    if (!object.members[i].required) continue;
    ++left.required;
    left.required_bytes += object.members[i].bytes + object.comma_bytes;
  }
  const std::uint32_t outer = frames_[below].parent;
  if (left.required == 0 && count >= object.min) open_.emplace_back(object.close, outer);
  const auto entry = [&](const ObjectCode::Member& member) {
    return instruction.b == 0 ? member.first : member.later;
  };
  // Beyond what the bounds ask, the count need not be known.
  const bool counts = object.max != kUnlimited || count < object.min;
  const std::uint32_t now = counts ? count + 1 : count;
  const auto room = [&](const MembersLeft& rest) {
    if (object.max != kUnlimited && count + 1 + rest.required > object.max) return false;
    return !object.others.empty() || count + 1 + rest.members >= object.min;
  };
  const auto distance = [&](const MembersLeft& rest) {
    return members_distance(object, rest, count + 1, outer);
  };
  MembersLeft rest = left;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!is_left(i)) continue;
    const ObjectCode::Member& member = object.members[i];
    if (!object.ordered) rest = left;
    --rest.members;
    if (member.required) {
      --rest.required;
      rest.required_bytes -= member.bytes + object.comma_bytes;
    }
    if (room(rest)) {
      const std::uint32_t frame = object.ordered
                                      ? push(below, (i + 1) | (now << 16U), 0, distance(rest))
                                      : push(stack, i, 0, distance(rest));
      open_.emplace_back(entry(member), frame);
    }
    if (object.ordered && member.required) break;
  }
  if (object.others.empty() || (object.ordered && left.required > 0) || !room(left)) return;
  for (const ObjectCode::Member& other : object.others) {
    const std::uint32_t frame = object.ordered ? push(below, n | (now << 16U), 0, distance(left))
                                : counts       ? push(stack, n, 0, distance(left))
                                               : stack;
    open_.emplace_back(entry(other), frame);
  }
}

// From behind a member to the end of the output.
std::uint32_t Simulation::members_distance(const ObjectCode& object, const MembersLeft& left,
                                           std::uint32_t count, std::uint32_t outer) const {
  std::uint64_t bytes = left.required_bytes;
  if (count + left.required < object.min) {
    std::uint64_t dearest = 0;
    for (const auto* list : {&object.members, &object.others}) {
      for (const ObjectCode::Member& one : *list)
        dearest = std::max<std::uint64_t>(dearest, one.bytes);
    }
    bytes += (object.min - count - left.required) * (dearest + object.comma_bytes);
  }
  bytes += behind(object.close, outer);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, GrammarCost::kMost));
}

std::uint32_t Simulation::loop_distance(const Instruction& loop, std::uint32_t done,
                                        std::uint32_t parent) const {
  const std::uint64_t left = done < loop.a ? loop.a - done : 0;
  const std::uint64_t bytes = left * program_->code[loop.body].distance + behind(loop.next, parent);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, GrammarCost::kMost));
}

// Everything that can be reached from `pc` without reading a byte.
void Simulation::follow(std::uint32_t first_pc, std::uint32_t first_stack, ThreadSet& out) {
  open_.clear();
  open_.emplace_back(first_pc, first_stack);
  while (!open_.empty()) {
    const auto [pc, stack] = open_.back();
    open_.pop_back();
    ++work_;
    if (++visits_ > kMaxVisits) return;
    const Instruction& instruction = program_->code[pc];
    // What can't be finished within the bound is not begun.
    if (frames_[stack].depth + instruction.nesting > kMaxStackDepth) continue;
    switch (instruction.op) {
      case Op::kRange:
      case Op::kNumber:
      case Op::kNumberText:
        add({.pc = pc, .stack = stack}, out);
        break;
      case Op::kDfa:
        add({.pc = pc, .stack = stack}, out);
        open_.emplace_back(instruction.next, stack);
        break;
      case Op::kString: {
        const StringRule::State start = StringRule::start();
        Thread thread{.pc = pc, .stack = stack, .dfa_state = start.dfa};
        thread.position.depth = start.reading;
        add(thread, out);
        break;
      }
      case Op::kSpace:
        add({.pc = pc, .stack = stack}, out);
        open_.emplace_back(instruction.next, stack);
        break;
      case Op::kObject:
        if (frames_[stack].depth < kMaxStackDepth) {
          open_.emplace_back(instruction.next, push(stack, kObjectFrame, 1, behind(pc, stack)));
        }
        break;
      case Op::kMembers:
        follow_members(instruction, stack);
        break;
      case Op::kSpan: {
        const SpanIndex& spans = program_->spans[instruction.a];
        const SpanIndex::Position start = spans.start();
        if (spans.may_continue(start)) add({.pc = pc, .stack = stack, .position = start}, out);
        if (spans.may_end(start)) open_.emplace_back(instruction.next, stack);
        break;
      }
      case Op::kText:
        add({.pc = pc, .stack = stack}, out);
        open_.emplace_back(instruction.next, stack);
        break;
      case Op::kSplit:
        for (std::uint32_t i = instruction.b; i-- > 0;) {
          open_.emplace_back(program_->targets[instruction.a + i], stack);
        }
        break;
      case Op::kCall:
        if (frames_[stack].depth < kMaxStackDepth) {
          open_.emplace_back(instruction.a,
                             push(stack, instruction.next, 1, behind(instruction.next, stack)));
        }
        break;
      case Op::kReturn:
        open_.emplace_back(frames_[stack].value, frames_[stack].parent);
        break;
      case Op::kCount:
        if (frames_[stack].depth < kMaxStackDepth) {
          const Instruction& loop = program_->code[instruction.next];
          open_.emplace_back(instruction.next, push(stack, 0, 1, loop_distance(loop, 0, stack)));
        }
        break;
      case Op::kLoop: {
        const Frame frame = frames_[stack];
        if (frame.value >= instruction.a) open_.emplace_back(instruction.next, frame.parent);
        if (frame.value < instruction.b) {
          // Without an upper bound it is enough to count up to the lower one.
          const bool counts = instruction.b != kUnlimited || frame.value < instruction.a;
          const std::uint32_t done = frame.value + 1;
          open_.emplace_back(
              instruction.body,
              counts ? push(frame.parent, done, 1, loop_distance(instruction, done, frame.parent))
                     : stack);
        }
        break;
      }
      case Op::kAccept:
        out.accepting = true;
        break;
      case Op::kFail:
        break;
    }
  }
}

void Simulation::add(const Thread& thread, ThreadSet& out) const {
  if (out.threads.size() >= kMaxThreads) return;
  for (const Thread& other : out.threads) {
    if (same(other, thread)) return;
  }
  out.threads.push_back(thread);
}

bool Simulation::same(const Thread& a, const Thread& b) const {
  return a.pc == b.pc && a.dfa_state == b.dfa_state && a.position == b.position &&
         a.number == b.number && same_stack(a.stack, b.stack);
}

std::uint32_t Simulation::push(std::uint32_t parent, std::uint32_t value, std::uint32_t nesting,
                               std::uint32_t distance) {
  frames_.push_back({parent, value, frames_[parent].depth + nesting, distance});
  return static_cast<std::uint32_t>(frames_.size() - 1);
}

bool Simulation::same_stack(std::uint32_t a, std::uint32_t b) const {
  while (a != b) {
    const Frame& x = frames_[a];
    const Frame& y = frames_[b];
    if (x.depth != y.depth || x.value != y.value) return false;
    a = x.parent;
    b = y.parent;
  }
  return true;
}

void Simulation::compact(ThreadSet& set) {
  std::vector<Frame> kept(1);
  std::map<std::uint32_t, std::uint32_t> moved{{0, 0}};
  const auto move = [&](std::uint32_t last) {
    std::vector<std::uint32_t> chain;
    for (std::uint32_t at = last; !moved.contains(at); at = frames_[at].parent) {
      chain.push_back(at);
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      Frame frame = frames_[*it];
      frame.parent = moved.at(frame.parent);
      kept.push_back(frame);
      moved.emplace(*it, static_cast<std::uint32_t>(kept.size() - 1));
    }
    return moved.at(last);
  };
  for (Thread& thread : set.threads) {
    thread.stack = move(thread.stack);
    if (program_->code[thread.pc].op == Op::kNumberText) {
      thread.number.value = move(static_cast<std::uint32_t>(thread.number.value));
    }
  }
  frames_ = std::move(kept);
}

int Simulation::only_byte(const ThreadSet& set) {
  int only = -1;
  const auto several = [&](int byte) {
    if (only < 0) only = byte;
    return only != byte;
  };
  for (const Thread& thread : set.threads) {
    const Instruction& instruction = program_->code[thread.pc];
    if (instruction.op == Op::kText) return -1;
    if (instruction.op == Op::kRange) {
      if (instruction.a != instruction.b || several(static_cast<int>(instruction.a))) return -1;
      continue;
    }
    const ThreadSet alone{.threads = {thread}};
    ThreadSet next;
    for (int byte = 0; byte < 256; ++byte) {
      const std::size_t before = mark();
      step(alone, static_cast<std::uint8_t>(byte), next);
      drop_frames(before);
      if ((!next.threads.empty() || next.accepting) && several(byte)) return -1;
    }
  }
  return only;
}

bool Simulation::reads_any_text(const ThreadSet& set) const {
  return std::any_of(set.threads.begin(), set.threads.end(), [&](const Thread& thread) {
    const Instruction& instruction = program_->code[thread.pc];
    return instruction.op == Op::kText && thread.stack == 0 &&
           program_->code[instruction.next].op == Op::kAccept;
  });
}

}  // namespace orkestra::model
