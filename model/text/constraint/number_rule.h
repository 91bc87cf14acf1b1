// NumberRule: which JSON numbers may be written, digit by digit: within bounds, multiples of a
// step, in plain decimals without exponent and without leading zeros. Exact; a value, immutable
// once made.
#pragma once

#include <orkestra/core/decimal.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace orkestra::model {

struct NumberBound {
  Decimal value{};
  bool excluded = false;
};

class NumberRule {
 public:
  static constexpr int kMaxDigits = 18;  // of one number

  // A number so far.
  struct State {
    std::uint64_t value = 0;  // its digits, read as one integer
    std::uint8_t digits = 0;
    std::uint8_t fraction = 0;  // how many of them stand behind the point
    bool negative = false;
    bool point = false;
    friend bool operator==(const State&, const State&) = default;
  };

  // nullopt when a bound or step has more than 17 decimals or 30 digits: not decided here.
  static std::optional<NumberRule> make(bool whole, const std::optional<NumberBound>& min,
                                        const std::optional<NumberBound>& max,
                                        const std::vector<Decimal>& steps,
                                        const std::vector<Decimal>& excluded);

  // False when no allowed number goes on like this.
  bool advance(State& state, std::uint8_t byte) const;
  bool may_end(const State& state) const;
  bool possible(const State& state) const;  // some allowed number begins like this
  // Bytes that are at least missing; the next one of them (0 when none is).
  std::uint32_t distance(const State& state) const;
  std::uint8_t next_byte(const State& state) const;

 private:
  __extension__ typedef __int128 Wide;

  // Whether some allowed number has `whole_digits` and `fraction_digits` more than `state`.
  bool exists(const State& state, int whole_digits, int fraction_digits) const;
  bool open_start(const State& state) const { return state.digits == 0; }

  // All in units of 10^-scale_.
  int scale_ = 0;
  Wide low_ = 0;
  Wide high_ = 0;
  Wide step_ = 1;
  std::vector<Wide> excluded_{};
};

}  // namespace orkestra::model
