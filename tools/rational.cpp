#include <orkestra/core/error.h>
#include <orkestra/tools/rational.h>

#include <cstddef>

namespace orkestra::tools {
namespace {

namespace mp = boost::multiprecision;

constexpr unsigned kMaxBits = kMaxDigits * 3322 / 1000;  // log2(10) = 3.322
constexpr int kMostPlaces = 64;
constexpr int kRootDigits = 20;

std::size_t bits(const Integer& value) { return value == 0 ? 0 : mp::msb(mp::abs(value)) + 1; }

std::size_t bits(const Rational& value) {
  return std::max(bits(mp::numerator(value)), bits(mp::denominator(value)));
}

Error too_large() {
  return {ErrorCode::kExhausted,
          "a number would have more than " + std::to_string(kMaxDigits) + " digits"};
}

Integer power_of_ten(int exponent) { return mp::pow(Integer(10), static_cast<unsigned>(exponent)); }

// 10^exponent, also below zero.
Rational scale(int exponent) {
  return exponent >= 0 ? Rational(power_of_ten(exponent))
                       : Rational(Integer(1), power_of_ten(-exponent));
}

// Digits before the decimal point of |value|; 0 or less counts zeros after it.
int magnitude(const Rational& value) {
  const Rational size = mp::abs(value);
  int guess = static_cast<int>(mp::abs(mp::numerator(value)).str().size()) -
              static_cast<int>(mp::denominator(value).str().size());
  // The lengths leave an uncertainty of one.
  while (size >= scale(guess)) ++guess;
  while (size < scale(guess - 1)) --guess;
  return guess;
}

// Decimal places of the denominator's only prime factors 2 and 5; -1 when there are others.
int finite_places(Integer denominator) {
  int twos = 0, fives = 0;
  while (denominator % 2 == 0) {
    denominator /= 2;
    ++twos;
  }
  while (denominator % 5 == 0) {
    denominator /= 5;
    ++fives;
  }
  return denominator == 1 ? std::max(twos, fives) : -1;
}

// `value` has at most `places` decimal places.
std::string with_places(const Rational& value, int places) {
  const Integer scaled = mp::numerator(Rational(value * scale(places)));
  std::string digits = mp::abs(scaled).str();
  if (places > 0) {
    const auto wanted = static_cast<std::size_t>(places) + 1;
    if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(places), 1, '.');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return (scaled < 0 ? "-" : "") + digits;
}

}  // namespace

Rational bounded(Rational value) {
  if (bits(value) > kMaxBits) throw too_large();
  return value;
}

Rational power(const Rational& base, const Integer& exponent) {
  if (exponent == 0) return 1;
  if (base == 0) {
    if (exponent < 0) throw Error(ErrorCode::kInvalid, "0 has no negative power");
    return 0;
  }
  const Integer magnitude_of = mp::abs(exponent);
  if (mp::abs(base) == 1) return magnitude_of % 2 == 0 ? Rational(1) : base;
  // At least one bit more per two factors: refuse before multiplying.
  if (magnitude_of > kMaxBits ||
      (bits(base) - 1) * magnitude_of.convert_to<std::size_t>() > kMaxBits) {
    throw too_large();
  }
  const auto times = magnitude_of.convert_to<unsigned>();
  const Integer top = mp::pow(mp::numerator(base), times);
  const Integer bottom = mp::pow(mp::denominator(base), times);
  return bounded(exponent > 0 ? Rational(top, bottom) : Rational(bottom, top));
}

Integer floor(const Rational& value) {
  const Integer top = mp::numerator(value), bottom = mp::denominator(value);
  Integer whole = top / bottom;  // towards zero
  if (top < 0 && whole * bottom != top) --whole;
  return whole;
}

Rational round_to(const Rational& value, int digits) {
  const Rational factor = scale(digits);
  const Rational half(Integer(1), Integer(2));
  const Integer whole = floor(Rational(mp::abs(value) * factor + half));
  const Rational rounded = Rational(whole) / factor;
  return value < 0 ? Rational(-rounded) : rounded;
}

Rational square_root(const Rational& value, bool& exact) {
  if (value < 0) throw Error(ErrorCode::kInvalid, "a negative number has no square root");
  const Integer top = mp::numerator(value), bottom = mp::denominator(value);
  const Integer top_root = mp::sqrt(top), bottom_root = mp::sqrt(bottom);
  if (top_root * top_root == top && bottom_root * bottom_root == bottom) {
    return {top_root, bottom_root};
  }
  exact = false;
  // Scaled so that the whole part of the root has more digits than are kept.
  const int shift = std::max(0, kRootDigits + 2 - (magnitude(value) - 1) / 2);
  const Rational factor = scale(shift);
  const Rational root = Rational(mp::sqrt(floor(Rational(value * factor * factor)))) / factor;
  return round_to(root, kRootDigits - magnitude(root));
}

std::string to_decimal(const Rational& value, int digits, bool& exact) {
  if (value == 0) return "0";
  const int places = finite_places(mp::denominator(value));
  if (places >= 0 && places <= kMostPlaces) return with_places(value, places);
  exact = false;
  const int kept = digits - magnitude(value);
  return with_places(round_to(value, kept), std::max(kept, 0));
}

}  // namespace orkestra::tools
