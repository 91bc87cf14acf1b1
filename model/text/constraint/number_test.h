// NumberTest: what must hold for a finished JSON number, in whatever spelling. A value.
#pragma once

#include <orkestra/core/decimal.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct NumberTest {
  enum class Kind : std::uint8_t { kWhole, kAtLeast, kAbove, kAtMost, kBelow, kMultiple, kEquals };
  struct Fact {
    Kind kind = Kind::kWhole;
    Decimal value{};
    bool negated = false;
  };
  std::vector<Fact> facts{};

  bool holds(const Decimal& number) const;
};

// Where a JSON number stands (RFC 8259, section 6): which bytes may come next, whether it may end.
class NumberShape {
 public:
  bool advance(std::uint8_t byte);
  bool may_end() const;
  std::uint32_t state() const { return state_; }
  static NumberShape at(std::uint32_t state) { return NumberShape(state); }
  NumberShape() = default;

 private:
  explicit NumberShape(std::uint32_t state) : state_(state) {}
  std::uint32_t state_ = 0;
};

}  // namespace orkestra::model
