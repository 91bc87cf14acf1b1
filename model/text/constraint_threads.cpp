#include <orkestra/model/text/constraint_threads.h>

#include <algorithm>
#include <map>
#include <utility>

namespace orkestra::model {

using Op = Instruction::Op;

Simulation::Simulation(const ConstraintProgram& program) : program_(&program), frames_(1) {}

void Simulation::start(ThreadSet& out) {
  out.clear();
  visits_ = 0;
  follow(program_->entry, 0, out);
}

void Simulation::step(const ThreadSet& in, std::uint8_t byte, ThreadSet& out) {
  out.clear();
  visits_ = 0;
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
        if (dfa.states[next].goes_on) add(moved, out);
        if (dfa.states[next].accepts) follow(instruction.next, thread.stack, out);
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
      default:
        break;
    }
  }
}

// Everything that can be reached from `pc` without reading a byte.
void Simulation::follow(std::uint32_t first_pc, std::uint32_t first_stack, ThreadSet& out) {
  open_.clear();
  open_.emplace_back(first_pc, first_stack);
  while (!open_.empty()) {
    const auto [pc, stack] = open_.back();
    open_.pop_back();
    if (++visits_ > kMaxVisits) return;
    const Instruction& instruction = program_->code[pc];
    switch (instruction.op) {
      case Op::kRange:
      case Op::kDfa:
        add({.pc = pc, .stack = stack}, out);
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
          open_.emplace_back(instruction.a, push(stack, instruction.next));
        }
        break;
      case Op::kReturn:
        open_.emplace_back(frames_[stack].value, frames_[stack].parent);
        break;
      case Op::kCount:
        if (frames_[stack].depth < kMaxStackDepth) {
          open_.emplace_back(instruction.next, push(stack, 0));
        }
        break;
      case Op::kLoop: {
        const Frame frame = frames_[stack];
        if (frame.value >= instruction.a) open_.emplace_back(instruction.next, frame.parent);
        if (frame.value < instruction.b) {
          // Without an upper bound it is enough to count up to the lower one.
          const bool counts = instruction.b != kUnlimited || frame.value < instruction.a;
          open_.emplace_back(instruction.body,
                             counts ? push(frame.parent, frame.value + 1) : stack);
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
    if (other.pc == thread.pc && other.dfa_state == thread.dfa_state &&
        other.position == thread.position && same_stack(other.stack, thread.stack)) {
      return;
    }
  }
  out.threads.push_back(thread);
}

std::uint32_t Simulation::push(std::uint32_t parent, std::uint32_t value) {
  frames_.push_back({parent, value, frames_[parent].depth + 1});
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
  for (Thread& thread : set.threads) {
    std::vector<std::uint32_t> chain;
    for (std::uint32_t at = thread.stack; !moved.contains(at); at = frames_[at].parent) {
      chain.push_back(at);
    }
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      Frame frame = frames_[*it];
      frame.parent = moved.at(frame.parent);
      kept.push_back(frame);
      moved.emplace(*it, static_cast<std::uint32_t>(kept.size() - 1));
    }
    thread.stack = moved.at(thread.stack);
  }
  frames_ = std::move(kept);
}

int Simulation::only_byte(const ThreadSet& set) const {
  int only = -1;
  const auto several = [&](int byte) {
    if (only < 0) only = byte;
    return only != byte;
  };
  for (const Thread& thread : set.threads) {
    const Instruction& instruction = program_->code[thread.pc];
    switch (instruction.op) {
      case Op::kRange:
        if (instruction.a != instruction.b || several(static_cast<int>(instruction.a))) return -1;
        break;
      case Op::kDfa: {
        const auto& next = program_->dfas[instruction.a].states[thread.dfa_state].next;
        for (int byte = 0; byte < 256; ++byte) {
          if (next[static_cast<std::size_t>(byte)] != ByteDfa::kDead && several(byte)) return -1;
        }
        break;
      }
      case Op::kSpan:
        for (int byte = 0; byte < 256; ++byte) {
          SpanIndex::Position moved = thread.position;
          if (program_->spans[instruction.a].advance(moved, static_cast<std::uint8_t>(byte)) &&
              several(byte)) {
            return -1;
          }
        }
        break;
      default:
        return -1;
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
