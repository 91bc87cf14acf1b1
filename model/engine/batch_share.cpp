#include <orkestra/model/engine/batch_share.h>

#include <algorithm>

namespace orkestra::model {

void share_tokens(std::vector<PromptShare>& shares, std::size_t left) {
  double weights = 0.0;
  for (const PromptShare& share : shares) weights += share.weight;
  // Who needs least for its weight comes first: what it leaves is there for all behind it.
  std::sort(shares.begin(), shares.end(), [](const PromptShare& a, const PromptShare& b) {
    const double need_a = static_cast<double>(a.wanted) / a.weight;
    const double need_b = static_cast<double>(b.wanted) / b.weight;
    return need_a != need_b ? need_a < need_b : a.active < b.active;
  });
  std::size_t behind = shares.size();
  for (PromptShare& share : shares) {
    --behind;
    const double part = static_cast<double>(left) * std::min(1.0, share.weight / weights);
    const std::size_t fair = std::max<std::size_t>(1, static_cast<std::size_t>(part + 0.5));
    const std::size_t most = left > behind ? left - behind : std::min<std::size_t>(left, 1);
    share.given = std::min({share.wanted, fair, most});
    left -= share.given;
    weights = std::max(weights - share.weight, share.weight * 1e-9);
  }
}

}  // namespace orkestra::model
