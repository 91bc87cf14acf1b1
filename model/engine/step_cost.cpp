#include <orkestra/model/engine/step_cost.h>

#include <algorithm>
#include <limits>

namespace orkestra::model {
namespace {

constexpr double kKept = 0.97;  // of a step's weight, per later step

}  // namespace

void StepCost::record(std::size_t n_tokens, double seconds) {
  const auto n = static_cast<double>(n_tokens);
  // A step far from all others (the machine was busy) moves the line by little.
  if (known()) seconds = std::min(seconds, 4.0 * this->seconds(n_tokens) + 1e-4);
  weight_ = weight_ * kKept + 1.0;
  x_ = x_ * kKept + n;
  y_ = y_ * kKept + seconds;
  xx_ = xx_ * kKept + n * n;
  xy_ = xy_ * kKept + n * seconds;
}

bool StepCost::slope_known() const { return weight_ * xx_ - x_ * x_ > 0.005 * x_ * x_; }

double StepCost::seconds_per_token() const {
  if (!known()) return 0.0;
  if (!slope_known()) return y_ / x_;
  const double spread = weight_ * xx_ - x_ * x_;
  return std::clamp((weight_ * xy_ - x_ * y_) / spread, 0.0, y_ / x_);
}

double StepCost::fixed_seconds() const {
  if (!known()) return 0.0;
  return std::max(0.0, (y_ - seconds_per_token() * x_) / weight_);
}

std::size_t StepCost::tokens_within(double seconds) const {
  const double each = seconds_per_token();
  const double left = seconds - fixed_seconds();
  if (left <= each) return 1;
  const double n = each > 0.0 ? left / each : std::numeric_limits<double>::infinity();
  return n < 1e9 ? static_cast<std::size_t>(n) : std::size_t{1000000000};
}

void StepTimes::record(std::size_t n_tokens, double seconds) {
  constexpr double kLearn = 0.2;
  if (n_tokens == 0 || n_tokens > kMost) return;
  double& known = seconds_[n_tokens];
  // The machine may have been busy for a moment.
  if (known > 0.0) seconds = known + kLearn * (std::min(seconds, 4.0 * known) - known);
  known = std::max(seconds, 1e-9);
  largest_ = std::max(largest_, n_tokens);
}

double StepTimes::seconds(std::size_t n_tokens) const {
  if (largest_ == 0) return 0.0;
  const auto n = static_cast<double>(n_tokens);
  if (n_tokens >= largest_) return seconds_[largest_] * n / static_cast<double>(largest_);
  std::size_t above = n_tokens;
  while (seconds_[above] == 0.0) ++above;
  std::size_t below = n_tokens;
  while (below > 0 && seconds_[below] == 0.0) --below;
  if (below == 0 || below == above) return seconds_[above];
  const double part = (n - static_cast<double>(below)) / static_cast<double>(above - below);
  return seconds_[below] + part * (seconds_[above] - seconds_[below]);
}

}  // namespace orkestra::model
