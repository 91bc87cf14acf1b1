#include <orkestra/model/engine/speculation.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {
namespace {

constexpr std::size_t kContext = 3;  // tokens that must occur again
constexpr double kLearn = 0.12;
constexpr double kMargin = 1.05;           // a gain smaller than this is noise
constexpr double kPromising = 0.7;         // share of true guesses from which it is tried
constexpr double kAllowance = 0.02;        // of all steps may be lost by guessing wrongly
constexpr double kMostSaved = 4.0;         // of what was won earlier, in steps
constexpr std::size_t kTryInterval = 256;  // steps until what didn't pay is measured again

}  // namespace

void look_up_draft(std::span<const TokenId> tokens, std::size_t most, std::vector<TokenId>& out) {
  const std::size_t n = tokens.size();
  if (n <= kContext || most == 0) return;
  const TokenId* last = tokens.data() + n - kContext;
  for (std::size_t at = n - kContext; at-- > 0;) {
    if (tokens[at] != last[0] || tokens[at + 1] != last[1] || tokens[at + 2] != last[2]) continue;
    const std::size_t begin = at + kContext;
    const auto follows = tokens.subspan(begin, std::min(most, n - begin));
    out.insert(out.end(), follows.begin(), follows.end());
    return;
  }
}

std::size_t DraftControl::choose(const StepTimes& times, std::size_t n_writing,
                                 double copy_seconds) {
  balance_ = std::min(balance_ + kAllowance, kMostSaved);
  if (balance_ <= 0.0) return 0;
  // Each number of guesses has its own cost, and the largest tells most about all of them.
  const bool measured = times.largest() >= n_writing + most_;
  if (!measured || since_tried_ >= kTryInterval) {
    if (true_share_ < kPromising || n_writing + most_ > StepTimes::kMost) return 0;
    since_tried_ = 0;
    return most_;
  }
  std::size_t best = 0;
  // Tokens per second of the whole step, with k guesses for this sequence.
  const auto others = static_cast<double>(n_writing);
  const double plain = times.seconds(n_writing);
  double best_rate = kMargin * others / plain;
  double expected = 0.0;  // guesses that come true
  double all_true = 1.0;
  for (std::size_t k = 1; k <= most_; ++k) {
    all_true *= true_share_;
    expected += all_true;
    // After a wrong guess the tokens that were right are fed again, to the state kept.
    const auto again = static_cast<std::size_t>(expected + 1.0);
    const double redone = (1.0 - all_true) * (times.seconds(n_writing + again) - plain);
    const double seconds = times.seconds(n_writing + k) + redone + copy_seconds;
    const double rate = (others + expected) / seconds;
    if (rate > best_rate) {
      best_rate = rate;
      best = k;
    }
  }
  since_tried_ = best > 0 ? 0 : since_tried_ + 1;
  return best;
}

void DraftControl::watch(bool came_true) {
  true_share_ += kLearn * ((came_true ? 1.0 : 0.0) - true_share_);
}

void DraftControl::settle(const StepTimes& times, std::size_t n_writing, double copy_seconds,
                          std::size_t n_guessed, std::size_t n_true) {
  for (std::size_t i = 0; i < n_true; ++i) watch(true);
  const bool all_true = n_true == n_guessed;
  if (!all_true) watch(false);
  most_ = all_true ? std::min(2 * n_guessed, kMost) : std::max<std::size_t>(n_guessed / 2, 2);
  const double plain = times.seconds(n_writing);
  double spent = times.seconds(n_writing + n_guessed) - plain + copy_seconds;
  if (!all_true) spent += times.seconds(n_writing + n_true) - plain;
  const double won = static_cast<double>(n_true) * plain / static_cast<double>(n_writing);
  if (plain > 0.0) balance_ = std::min(balance_ + (won - spent) / plain, kMostSaved);
}

}  // namespace orkestra::model
