#include <orkestra/core/decimal.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace orkestra {
namespace {

using boost::multiprecision::cpp_int;

constexpr std::size_t kMaxDigits = 10'000;
constexpr int kMaxExponent = 10'000;

cpp_int power_of_ten(int n) {
  return boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(n));
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal out;
  std::string digits;
  bool negative = false;
  std::size_t at = 0;
  if (at < text.size() && text[at] == '-') negative = ++at > 0;
  int fraction = 0;
  bool after_point = false;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.') {
      after_point = true;
    } else {
      digits += text[at];
      if (after_point) ++fraction;
    }
    if (digits.size() > kMaxDigits) return std::nullopt;
  }
  int exponent = 0;
  if (at < text.size()) {
    ++at;
    const bool minus = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    for (; at < text.size(); ++at) {
      exponent = exponent * 10 + (text[at] - '0');
      if (exponent > kMaxExponent) return std::nullopt;
    }
    if (minus) exponent = -exponent;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return out;
  const std::size_t kept = digits.find_last_not_of('0') + 1;
  out.exponent_ = exponent - fraction + static_cast<int>(digits.size() - kept);
  digits.resize(kept);
  out.mantissa_ = cpp_int(digits);
  if (negative) out.mantissa_ = -out.mantissa_;
  return out;
}

Decimal Decimal::of(const Json& number) {
  if (number.is_number_float() && !std::isfinite(number.get<double>())) return {};
  // Doubles have exponents within +-324 and 17 digits: always within the bounds.
  return parse(dump_json(number)).value_or(Decimal());
}

bool Decimal::is_multiple_of(const Decimal& step) const {
  const int shift = std::min(exponent_, step.exponent_);
  const cpp_int value = mantissa_ * power_of_ten(exponent_ - shift);
  const cpp_int unit = step.mantissa_ * power_of_ten(step.exponent_ - shift);
  return value % unit == 0;
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  const int shift = std::min(exponent_, other.exponent_);
  const cpp_int a = mantissa_ * power_of_ten(exponent_ - shift);
  const cpp_int b = other.mantissa_ * power_of_ten(other.exponent_ - shift);
  return a < b ? std::strong_ordering::less
               : (a > b ? std::strong_ordering::greater : std::strong_ordering::equal);
}

}  // namespace orkestra
