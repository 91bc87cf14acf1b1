#include <orkestra/model/text/constraint_matcher.h>

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
  ThreadSet now = state_->set;
  ThreadSet next;
  const std::size_t mark = state_->simulation.mark();
  for (const char c : bytes) {
    state_->simulation.step(now, static_cast<std::uint8_t>(c), next);
    if (next.threads.empty() && !next.accepting) {
      state_->simulation.drop_frames(mark);
      return false;
    }
    std::swap(now, next);
  }
  state_->set = std::move(now);
  if (state_->simulation.mark() > kFramesBeforeCompacting) {
    state_->simulation.compact(state_->set);
  }
  return true;
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
