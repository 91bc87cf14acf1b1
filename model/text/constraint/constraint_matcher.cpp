#include <orkestra/model/text/constraint/constraint_matcher.h>

#include <utility>

namespace orkestra::model {
namespace {

constexpr std::size_t kFramesBeforeCompacting = 4096;

}  // namespace

ConstraintMatcher::ConstraintMatcher(std::shared_ptr<const ConstraintAutomaton> automaton)
    : state_(std::make_unique<State>(
          std::static_pointer_cast<const ConstraintProgram>(std::move(automaton)))) {}

ConstraintMatcher::ConstraintMatcher(const ConstraintMatcher& other)
    : state_(std::make_unique<State>(*other.state_)) {}
ConstraintMatcher::ConstraintMatcher(ConstraintMatcher&&) noexcept = default;
ConstraintMatcher& ConstraintMatcher::operator=(const ConstraintMatcher& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}
ConstraintMatcher& ConstraintMatcher::operator=(ConstraintMatcher&&) noexcept = default;
ConstraintMatcher::~ConstraintMatcher() = default;

bool ConstraintMatcher::accept(std::string_view bytes) {
  State& state = *state_;
  if (state.simulation.mark() > kFramesBeforeCompacting) state.simulation.compact(state.set);
  const std::size_t mark = state.simulation.mark();
  ThreadSet now = state.set;
  ThreadSet next;
  for (const char c : bytes) {
    state.simulation.step(now, static_cast<std::uint8_t>(c), next);
    if (next.threads.empty() && !next.accepting) {
      state.simulation.drop_frames(mark);
      return false;
    }
    std::swap(now, next);
  }
  state.before = std::exchange(state.set, std::move(now));
  state.mark_before = mark;
  return true;
}

void ConstraintMatcher::undo() {
  state_->set = std::move(state_->before);
  state_->simulation.drop_frames(state_->mark_before);
}

std::uint64_t ConstraintMatcher::work() const { return state_->simulation.work(); }

std::uint32_t ConstraintMatcher::distance() const {
  return state_->simulation.distance(state_->set);
}

std::optional<std::string> ConstraintMatcher::shortest_end() const {
  Simulation simulation = state_->simulation;
  return simulation.shortest_end(state_->set);
}

bool ConstraintMatcher::accept_byte(std::uint8_t byte) {
  const char c = static_cast<char>(byte);
  return accept(std::string_view(&c, 1));
}

bool ConstraintMatcher::complete() const { return state_->set.accepting; }
bool ConstraintMatcher::at_end() const {
  return state_->set.accepting && state_->set.threads.empty();
}
std::string ConstraintMatcher::forced_bytes(std::size_t max_bytes) const {
  std::string forced;
  Simulation simulation = state_->simulation;
  ThreadSet now = state_->set;
  ThreadSet next;
  while (forced.size() < max_bytes && !now.accepting) {
    const int byte = simulation.only_byte(now);
    if (byte < 0) break;
    forced += static_cast<char>(byte);
    simulation.step(now, static_cast<std::uint8_t>(byte), next);
    std::swap(now, next);
  }
  return forced;
}

bool ConstraintMatcher::unconstrained() const {
  return state_->simulation.reads_any_text(state_->set);
}

}  // namespace orkestra::model
