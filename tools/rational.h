// Rational: an exact number, the calculator's and the verifier's. Bounded: no operation makes a
// numerator or denominator of more than kMaxDigits digits.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include <string>

namespace orkestra::tools {

// Without expression templates: every intermediate is a value of one of these two types.
using Integer = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<>,
                                              boost::multiprecision::et_off>;
using Rational = boost::multiprecision::number<
    boost::multiprecision::rational_adaptor<boost::multiprecision::cpp_int_backend<>>,
    boost::multiprecision::et_off>;

inline constexpr unsigned kMaxDigits = 4096;

// Throws Error{kExhausted} when `value` needs more than kMaxDigits digits; returns it otherwise.
Rational bounded(Rational value);

// base ^ exponent for a whole exponent. Throws Error{kInvalid} for 0 to a negative power,
// {kExhausted} before anything too large is computed.
Rational power(const Rational& base, const Integer& exponent);

// Towards minus infinity.
Integer floor(const Rational& value);

// To `digits` decimal places (negative: tens, hundreds), halves away from zero.
Rational round_to(const Rational& value, int digits);

// The exact square root when there is one; else to 20 significant digits with `exact` false.
Rational square_root(const Rational& value, bool& exact);

// A decimal with all its digits when it is finite and has at most 64 places; else rounded to
// `digits` significant digits and `exact` set to false.
std::string to_decimal(const Rational& value, int digits, bool& exact);

}  // namespace orkestra::tools
