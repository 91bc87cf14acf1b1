// JsonGrammar: the parts JSON texts are made of (RFC 8259), without optional white space.
// Shared rules are made on first use.
#pragma once

#include <orkestra/model/text/grammar.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace orkestra::model {

// The bounds of a number; absent = none.
struct NumberBounds {
  std::optional<std::int64_t> min{};
  std::optional<std::int64_t> max{};
  bool min_excluded = false;
  bool max_excluded = false;
};

class JsonGrammar {
 public:
  // Digits before the point, and behind it: what a double or a 64-bit integer can hold.
  static constexpr std::uint32_t kMaxDigits = 18;

  explicit JsonGrammar(Grammar& grammar) : grammar_(grammar) {}

  NodeId value();       // any JSON value
  NodeId any_object();  // string keys, any values
  NodeId any_array();
  NodeId string();                                                    // quotes included
  NodeId string(std::uint32_t min_length, std::uint32_t max_length);  // in characters
  NodeId integer(const NumberBounds& bounds);
  NodeId number(const NumberBounds& bounds);
  NodeId boolean();
  NodeId null() { return grammar_.bytes("null"); }
  // open [ item (, item)* ] close, between min and max items.
  NodeId list(char open, NodeId item, char close, std::uint32_t min, std::uint32_t max);

 private:
  NodeId character();  // one character inside a string
  NodeId digits(std::uint32_t min, std::uint32_t max);
  NodeId fraction();                                    // [.digits]
  NodeId positive_fraction();                           // .digits, not all 0
  NodeId integers(std::int64_t min, std::int64_t max);  // 0 <= min <= max, without leading zeros
  NodeId same_length(std::string_view min, std::string_view max);
  // Magnitudes between the bounds, which are not negative.
  NodeId magnitude(const NumberBounds& bounds, bool whole);
  NodeId bounded(const NumberBounds& bounds, bool whole);

  Grammar& grammar_;
  std::optional<RuleId> value_;
  std::optional<NodeId> string_;
  std::optional<NodeId> character_;
};

}  // namespace orkestra::model
