#include <orkestra/model/text/constraint/number_rule.h>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace orkestra::model {
namespace {

__extension__ typedef __int128 Wide;
using boost::multiprecision::cpp_int;

constexpr int kDecimals = 12;  // offered where nothing asks for more or fewer
constexpr int kMaxScale = 17;

Wide power(int n) {
  Wide out = 1;
  for (int i = 0; i < n; ++i) out *= 10;
  return out;
}

Wide gcd(Wide a, Wide b) {
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Rounded towards minus infinity.
Wide floor_divide(Wide a, Wide b) {
  const Wide quotient = a / b;
  return a % b != 0 && a < 0 ? quotient - 1 : quotient;
}

// `number` in units of 10^-scale, rounded down; far bounds stop where no number that is written
// gets to.
Wide scaled(const Decimal& number, int scale, bool& exact) {
  const Wide limit = power(36);
  cpp_int value = number.mantissa();
  const int shift = number.exponent() + scale;
  exact = true;
  if (number.is_zero()) return 0;
  if (shift > 40) return number.is_negative() ? -limit : limit;
  if (shift >= 0) {
    value *= boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(shift));
  } else {
    const cpp_int unit = boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(-shift));
    cpp_int quotient = value / unit;
    exact = quotient * unit == value;
    if (!exact && value < 0) quotient -= 1;
    value = quotient;
  }
  if (value > cpp_int(limit)) return limit;
  if (value < cpp_int(-limit)) return -limit;
  return static_cast<Wide>(value);
}

}  // namespace

std::optional<NumberRule> NumberRule::make(bool whole, const std::optional<NumberBound>& min,
                                           const std::optional<NumberBound>& max,
                                           const std::vector<Decimal>& steps,
                                           const std::vector<Decimal>& excluded) {
  NumberRule rule;
  int wanted = 0;
  for (const Decimal& step : steps) wanted = std::max(wanted, -step.exponent());
  if (wanted > kMaxScale) return std::nullopt;
  rule.scale_ = whole ? 0 : (steps.empty() ? kDecimals : wanted);
  if (!whole && steps.empty()) {
    for (const auto& bound : {min, max}) {
      if (bound) rule.scale_ = std::max(rule.scale_, -bound->value.exponent());
    }
    if (rule.scale_ > kMaxScale) return std::nullopt;
  }
  const Wide limit = power(36);
  rule.low_ = -limit;
  rule.high_ = limit;
  bool exact = true;
  if (min) {
    const Wide low = scaled(min->value, rule.scale_, exact);
    rule.low_ = low + (!exact || min->excluded ? 1 : 0);
  }
  if (max) {
    const Wide high = scaled(max->value, rule.scale_, exact);
    rule.high_ = high - (exact && max->excluded ? 1 : 0);
  }
  // Steps finer than the scale (halves among whole numbers) count through their common multiple.
  for (const Decimal& step : steps) {
    const int finest = std::max(rule.scale_, -step.exponent());
    const Wide unit = scaled(step, finest, exact);
    const Wide one = power(finest - rule.scale_);
    if (unit <= 0 || unit > power(18)) return std::nullopt;
    const Wide common = unit / gcd(unit, one);  // in units of the scale
    if (common / gcd(common, rule.step_) > power(30) / rule.step_) return std::nullopt;
    rule.step_ = common / gcd(common, rule.step_) * rule.step_;
  }
  for (const Decimal& value : excluded) {
    const Wide units = scaled(value, rule.scale_, exact);
    const bool known =
        std::find(rule.excluded_.begin(), rule.excluded_.end(), units) != rule.excluded_.end();
    if (exact && !known) rule.excluded_.push_back(units);
  }
  return rule;
}

bool NumberRule::exists(const State& state, int whole_digits, int fraction_digits) const {
  const int fraction = state.fraction + fraction_digits;
  const Wide spread = power(whole_digits + fraction_digits);
  const Wide unit = power(scale_ - fraction);
  const Wide first = static_cast<Wide>(state.value) * spread * unit;
  const Wide last = first + (spread - 1) * unit;
  // Without minus: [low, high]; with it: the same turned round, and no zero.
  const Wide low = std::max(first, state.negative ? std::max<Wide>(1, -high_) : low_);
  const Wide high = std::min(last, state.negative ? -low_ : high_);
  if (low > high) return false;
  const Wide grid = step_ / gcd(step_, unit) * unit;
  Wide left = floor_divide(high, grid) - floor_divide(low - 1, grid);
  for (const Wide value : excluded_) {
    const Wide size = state.negative ? -value : value;
    if (size >= low && size <= high && size % grid == 0) --left;
  }
  return left > 0;
}

bool NumberRule::possible(const State& state) const {
  if (state.digits == 0) {
    for (std::uint8_t digit = '0'; digit <= '9'; ++digit) {
      State next = state;
      if (advance(next, digit)) return true;
    }
    if (state.negative) return false;
    State next = state;
    return advance(next, '-');
  }
  const int room = kMaxDigits - state.digits;
  const bool fixed = state.point || (state.digits == 1 && state.value == 0);
  for (int more = 0; more <= (fixed ? 0 : room); ++more) {
    const int decimals = std::min(scale_ - state.fraction, room - more);
    if (exists(state, more, decimals)) {
      // "1." needs a digit behind the point.
      if (!state.point || state.fraction > 0 || decimals > 0) return true;
    }
  }
  return false;
}

bool NumberRule::advance(State& state, std::uint8_t byte) const {
  if (byte == '-') {
    if (state.digits > 0 || state.negative) return false;
    state.negative = true;
  } else if (byte == '.') {
    if (state.digits == 0 || state.point || scale_ == 0 || state.digits >= kMaxDigits) return false;
    state.point = true;
  } else if (byte >= '0' && byte <= '9') {
    if (state.digits >= kMaxDigits || (state.point && state.fraction >= scale_)) return false;
    if (!state.point && state.digits == 1 && state.value == 0) return false;
    state.value = state.value * 10 + (byte - '0');
    ++state.digits;
    if (state.point) ++state.fraction;
  } else {
    return false;
  }
  return possible(state);
}

bool NumberRule::may_end(const State& state) const {
  return state.digits > 0 && (!state.point || state.fraction > 0) && exists(state, 0, 0);
}

std::uint8_t NumberRule::next_byte(const State& state) const {
  std::uint8_t best = 0;
  std::uint32_t least = UINT32_MAX;
  for (const char byte : std::string_view("0123456789.-")) {
    State next = state;
    if (!advance(next, static_cast<std::uint8_t>(byte))) continue;
    const std::uint32_t bytes = distance(next);
    if (bytes >= least) continue;
    least = bytes;
    best = static_cast<std::uint8_t>(byte);
  }
  return best;
}

std::uint32_t NumberRule::distance(const State& state) const {
  std::uint32_t best = UINT32_MAX;
  if (state.digits == 0) {
    for (std::uint8_t byte : {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-'}) {
      State next = state;
      if (!advance(next, byte)) continue;
      best = std::min(best, distance(next));
    }
    return best == UINT32_MAX ? best : best + 1;
  }
  const int room = kMaxDigits - state.digits;
  const bool fixed = state.point || (state.digits == 1 && state.value == 0);
  for (int more = 0; more <= (fixed ? 0 : room); ++more) {
    for (int decimals = 0; decimals <= std::min(scale_ - state.fraction, room - more); ++decimals) {
      if (state.point && state.fraction + decimals == 0) continue;
      if (!exists(state, more, decimals)) continue;
      const int point = !state.point && decimals > 0 ? 1 : 0;
      best = std::min(best, static_cast<std::uint32_t>(more + decimals + point));
      break;
    }
  }
  return best;
}

}  // namespace orkestra::model
