#include <orkestra/model/engine/speculation.h>

#include <algorithm>
#include <cmath>

namespace orkestra::model {
namespace {

constexpr std::size_t kContext = 3;  // tokens that must occur again
constexpr double kLearn = 0.08;
constexpr double kMargin = 1.02;            // a gain smaller than this is noise
constexpr std::size_t kProbeInterval = 96;  // steps; a probe is one guess
constexpr std::size_t kFirstProbes = 8;     // steps between probes while their cost is unknown
constexpr std::size_t kFirstGuesses = 2;    // of such a probe

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

std::size_t DraftControl::choose(const StepCost& cost, std::size_t n_writing, double copy_seconds) {
  if (!cost.slope_known()) {
    // What a guess costs must be seen once before it can be weighed.
    if (since_probe_++ % kFirstProbes != 0) return 0;
    return kFirstGuesses;
  }
  std::size_t best = 0;
  // Tokens per second of the whole step, with k guesses for this sequence.
  const auto others = static_cast<double>(n_writing);
  const double token = cost.seconds_per_token();
  const double plain = cost.seconds(n_writing);
  double best_rate = kMargin * others / plain;
  double expected = 0.0;  // guesses that come true
  double all_true = 1.0;
  for (std::size_t k = 1; k <= kMost; ++k) {
    all_true *= true_share_;
    expected += all_true;
    // After a wrong guess the tokens that were right are fed again, to the state kept.
    const double again = (1.0 - all_true) * (1.0 + expected) * token;
    const double seconds = plain + static_cast<double>(k) * token + again + copy_seconds;
    const double rate = (others + expected) / seconds;
    if (rate > best_rate) {
      best_rate = rate;
      best = k;
    }
  }
  if (best > 0) {
    since_probe_ = 0;
    return best;
  }
  if (++since_probe_ < kProbeInterval) return 0;
  since_probe_ = 0;
  return 1;
}

void DraftControl::observe(std::size_t n_guessed, std::size_t n_true) {
  for (std::size_t i = 0; i < n_true; ++i) true_share_ += kLearn * (1.0 - true_share_);
  if (n_true < n_guessed) true_share_ -= kLearn * true_share_;
}

}  // namespace orkestra::model
