#include <orkestra/model/text/constraint/json_grammar.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace orkestra::model {

NodeId JsonGrammar::space() { return compact() ? grammar_.empty() : grammar_.space(kMaxSpace); }

NodeId JsonGrammar::document(NodeId value) {
  return compact() ? value : grammar_.sequence({space(), value, space()});
}

NodeId JsonGrammar::string() {
  if (!string_) string_ = grammar_.string(StringRule::of_length(0, UINT32_MAX, true));
  return *string_;
}

NodeId JsonGrammar::string(std::uint32_t min_length, std::uint32_t max_length) {
  if (min_length == 0 && max_length == kUnlimited) return string();
  return grammar_.string(StringRule::of_length(min_length, max_length, true));
}

NodeId JsonGrammar::string(CharDfa content) {
  if (content.is_any()) return string();
  return grammar_.string(StringRule(std::move(content), !compact()));
}

NodeId JsonGrammar::boolean() {
  return grammar_.any_of({grammar_.bytes("true"), grammar_.bytes("false")});
}

NodeId JsonGrammar::comma() {
  if (!comma_) comma_ = grammar_.sequence({space(), grammar_.bytes(","), space()});
  return *comma_;
}

NodeId JsonGrammar::open(char bracket) {
  return grammar_.sequence({grammar_.bytes(std::string_view(&bracket, 1)), space()});
}

NodeId JsonGrammar::close(char bracket) {
  return grammar_.sequence({space(), grammar_.bytes(std::string_view(&bracket, 1))});
}

NodeId JsonGrammar::member(NodeId key, NodeId value) {
  if (!colon_) colon_ = grammar_.sequence({space(), grammar_.bytes(":"), space()});
  return grammar_.sequence({key, *colon_, value});
}

NodeId JsonGrammar::any_object() {
  return grammar_.object({.others = {member(string(), value())},
                          .open = open('{'),
                          .comma = comma(),
                          .close = close('}')});
}

NodeId JsonGrammar::any_array() {
  const NodeId items = grammar_.sequence(
      {value(), grammar_.repeat(grammar_.sequence({comma(), value()}), 0, kUnlimited)});
  return grammar_.sequence({open('['), grammar_.optional(items), close(']')});
}

NodeId JsonGrammar::value() {
  if (!value_) {
    value_ = grammar_.make_rule();
    grammar_.define(*value_, grammar_.any_of({string(), number(), boolean(), null(), any_object(),
                                              any_array()}));
  }
  return grammar_.rule(*value_);
}

NodeId JsonGrammar::digits(std::uint32_t min, std::uint32_t max) {
  return grammar_.repeat(grammar_.range('0', '9'), min, compact() ? max : kUnlimited);
}

NodeId JsonGrammar::number() {
  if (number_) return *number_;
  const NodeId whole =
      grammar_.any_of({grammar_.bytes("0"),
                       grammar_.sequence({grammar_.range('1', '9'), digits(0, kMaxDigits - 1)})});
  const NodeId fraction =
      grammar_.optional(grammar_.sequence({grammar_.bytes("."), digits(1, kMaxDigits)}));
  const NodeId sign =
      grammar_.optional(grammar_.any_of({grammar_.bytes("+"), grammar_.bytes("-")}));
  const NodeId exponent = grammar_.optional(grammar_.sequence(
      {grammar_.any_of({grammar_.bytes("e"), grammar_.bytes("E")}), sign, digits(1, 2)}));
  number_ = grammar_.sequence({grammar_.optional(grammar_.bytes("-")), whole, fraction, exponent});
  return *number_;
}

NodeId JsonGrammar::integer() {
  if (integer_) return *integer_;
  if (compact()) {
    const NodeId positive =
        grammar_.sequence({grammar_.range('1', '9'), digits(0, kMaxDigits - 1)});
    integer_ =
        grammar_.any_of({grammar_.bytes("0"),
                         grammar_.sequence({grammar_.optional(grammar_.bytes("-")), positive})});
  } else {
    integer_ = grammar_.number(NumberTest{{{.kind = NumberTest::Kind::kWhole}}});
  }
  return *integer_;
}

NodeId JsonGrammar::constant(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return compact() ? grammar_.bytes(dump_json(value))
                       : exactly(value.get_ref<const std::string&>());
    case Json::value_t::number_float:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      if (compact()) return grammar_.bytes(dump_json(value));
      return grammar_.number(
          NumberTest{{{.kind = NumberTest::Kind::kEquals, .value = Decimal::of(value)}}});
    case Json::value_t::array: {
      std::vector<NodeId> parts{open('[')};
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i > 0) parts.push_back(comma());
        parts.push_back(constant(value[i]));
      }
      parts.push_back(close(']'));
      return grammar_.sequence(std::move(parts));
    }
    case Json::value_t::object: {
      GrammarObject object{
          .ordered = compact(), .open = open('{'), .comma = comma(), .close = close('}')};
      for (const auto& [name, inner] : value.items()) {
        object.members.push_back({member(constant(Json(name)), constant(inner)), true});
      }
      return grammar_.object(std::move(object));
    }
    default:
      return grammar_.bytes(dump_json(value));
  }
}

}  // namespace orkestra::model
