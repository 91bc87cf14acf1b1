// What backend steps take, by measuring them. It only decides how work is cut up, never what comes
// out.
//
// StepCost: of large steps, as a line over their tokens, fitted to the recent ones. StepTimes: of
// small ones, each number of tokens by itself, because one token and two are computed in different
// ways.
#pragma once

#include <array>
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

class StepTimes {
 public:
  static constexpr std::size_t kMost = 96;  // tokens

  void record(std::size_t n_tokens, double seconds);
  // The largest number of tokens that was measured; 0 = none.
  std::size_t largest() const { return largest_; }
  // Between those measured; in proportion beyond them. 0 when nothing is known.
  double seconds(std::size_t n_tokens) const;

 private:
  std::array<double, kMost + 1> seconds_{};  // 0 = not measured
  std::size_t largest_ = 0;
};

}  // namespace orkestra::model
