// Decimal: a JSON number, exactly: mantissa * 10^exponent. A value.
#pragma once

#include <orkestra/core/json.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <compare>
#include <optional>
#include <string_view>

namespace orkestra {

class Decimal {
 public:
  // A JSON number's text. nullopt beyond 10,000 digits or an exponent beyond +-10,000: such a
  // number can't be told apart from others in bounded time.
  static std::optional<Decimal> parse(std::string_view text);
  // A number of a parsed document: what its shortest text says, not the double behind it.
  static Decimal of(const Json& number);

  bool is_whole() const { return exponent_ >= 0; }
  bool is_zero() const { return mantissa_ == 0; }
  bool is_negative() const { return mantissa_ < 0; }
  // Whether this is a whole number of times `step`, which is not 0.
  bool is_multiple_of(const Decimal& step) const;
  std::strong_ordering operator<=>(const Decimal& other) const;
  bool operator==(const Decimal& other) const = default;

  const boost::multiprecision::cpp_int& mantissa() const { return mantissa_; }
  int exponent() const { return exponent_; }

 private:
  boost::multiprecision::cpp_int mantissa_ = 0;  // no factor 10 unless 0
  int exponent_ = 0;
};

}  // namespace orkestra
