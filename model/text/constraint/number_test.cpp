#include <orkestra/model/text/constraint/number_test.h>

#include <algorithm>

namespace orkestra::model {
namespace {

enum Shape : std::uint32_t {
  kStart,
  kMinus,
  kZero,
  kDigits,
  kPoint,
  kFraction,
  kE,
  kSign,
  kExponent
};

}  // namespace

bool NumberTest::holds(const Decimal& number) const {
  return std::all_of(facts.begin(), facts.end(), [&](const Fact& fact) {
    bool holds = false;
    switch (fact.kind) {
      case Kind::kWhole:
        holds = number.is_whole();
        break;
      case Kind::kAtLeast:
        holds = number >= fact.value;
        break;
      case Kind::kAbove:
        holds = number > fact.value;
        break;
      case Kind::kAtMost:
        holds = number <= fact.value;
        break;
      case Kind::kBelow:
        holds = number < fact.value;
        break;
      case Kind::kMultiple:
        holds = number.is_multiple_of(fact.value);
        break;
      case Kind::kEquals:
        holds = number == fact.value;
        break;
    }
    return holds != fact.negated;
  });
}

bool NumberShape::advance(std::uint8_t byte) {
  const bool digit = byte >= '0' && byte <= '9';
  const auto go = [&](std::uint32_t to) {
    state_ = to;
    return true;
  };
  switch (state_) {
    case kStart:
      if (byte == '-') return go(kMinus);
      [[fallthrough]];
    case kMinus:
      return digit && go(byte == '0' ? kZero : kDigits);
    case kZero:
    case kDigits:
      if (digit && state_ == kDigits) return true;
      if (byte == '.') return go(kPoint);
      return (byte == 'e' || byte == 'E') && go(kE);
    case kPoint:
      return digit && go(kFraction);
    case kFraction:
      if (digit) return true;
      return (byte == 'e' || byte == 'E') && go(kE);
    case kE:
      if (byte == '+' || byte == '-') return go(kSign);
      [[fallthrough]];
    default:
      return digit && go(kExponent);
  }
}

bool NumberShape::may_end() const {
  return state_ == kZero || state_ == kDigits || state_ == kFraction || state_ == kExponent;
}

}  // namespace orkestra::model
