// How far a text is from its end, and the shortest way there.

#include <orkestra/model/text/constraint/constraint_threads.h>

#include <algorithm>

namespace orkestra::model {

using Op = Instruction::Op;

namespace {

constexpr std::size_t kMaxEnd = std::size_t{1} << 20U;  // bytes of an end that is written out

StringRule::State string_state(const Thread& thread) {
  return {thread.dfa_state, thread.position.depth};
}

}  // namespace

std::uint32_t Simulation::thread_distance(const Thread& thread) const {
  const Instruction& instruction = program_->code[thread.pc];
  std::uint32_t bytes = 1;
  if (instruction.op == Op::kString) {
    bytes = program_->strings[instruction.a].distance(string_state(thread));
  } else if (instruction.op == Op::kNumber) {
    // One that may end here is a thread of its own: this one goes on.
    bytes = std::max(1U, program_->numbers[instruction.a].distance(thread.number));
  } else if (instruction.op == Op::kSpan) {
    bytes = std::max(1U, program_->spans[instruction.a].distance(thread.position));
  }
  if (bytes >= GrammarCost::kMost) return GrammarCost::kMost;
  return std::min(GrammarCost::kMost, bytes + behind(instruction.next, thread.stack));
}

std::uint32_t Simulation::distance(const ThreadSet& set) const {
  if (set.accepting) return 0;
  std::uint32_t least = GrammarCost::kMost;
  for (const Thread& thread : set.threads) least = std::min(least, thread_distance(thread));
  return least;
}

// What `thread` reads next on its shortest way.
std::string Simulation::next_bytes(const Thread& thread) const {
  const Instruction& instruction = program_->code[thread.pc];
  switch (instruction.op) {
    case Op::kRange:
      return {static_cast<char>(instruction.a)};
    case Op::kString: {
      const StringRule& rule = program_->strings[instruction.a];
      return {static_cast<char>(rule.next_byte(string_state(thread)))};
    }
    case Op::kNumber:
      return {static_cast<char>(program_->numbers[instruction.a].next_byte(thread.number))};
    case Op::kSpan:
      return program_->spans[instruction.a].shortest_end(thread.position);
    default:
      return "";
  }
}

std::optional<std::string> Simulation::shortest_end(const ThreadSet& set) {
  std::string end;
  ThreadSet now = set;
  ThreadSet next;
  while (!now.accepting) {
    const auto nearest = std::min_element(
        now.threads.begin(), now.threads.end(),
        [&](const Thread& a, const Thread& b) { return thread_distance(a) < thread_distance(b); });
    if (nearest == now.threads.end()) return std::nullopt;
    const std::string bytes = next_bytes(*nearest);
    if (bytes.empty() || end.size() + bytes.size() > kMaxEnd) return std::nullopt;
    now.threads = {*nearest};
    for (const char c : bytes) {
      step(now, static_cast<std::uint8_t>(c), next);
      std::swap(now, next);
    }
    end += bytes;
  }
  return end;
}

}  // namespace orkestra::model
