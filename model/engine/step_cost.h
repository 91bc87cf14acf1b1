// StepCost: what a backend step takes, as a line over its tokens, fitted to the recent steps. It
// only decides how work is cut up, never what comes out.
#pragma once

#include <cstddef>

namespace orkestra::model {

class StepCost {
 public:
  void record(std::size_t n_tokens, double seconds);

  bool known() const { return weight_ > 0.0; }
  // Whether there were steps of different sizes; else all of a step counts as its tokens'.
  bool slope_known() const;
  double fixed_seconds() const;      // of a step, whatever is in it
  double seconds_per_token() const;  // beside that
  double seconds(std::size_t n_tokens) const {
    return fixed_seconds() + seconds_per_token() * static_cast<double>(n_tokens);
  }
  // How many tokens a step may have to take about `seconds`; at least 1.
  std::size_t tokens_within(double seconds) const;

 private:
  // Sums over the steps, each step's weight falling with those after it.
  double weight_ = 0.0;
  double x_ = 0.0;
  double y_ = 0.0;
  double xx_ = 0.0;
  double xy_ = 0.0;
};

}  // namespace orkestra::model
