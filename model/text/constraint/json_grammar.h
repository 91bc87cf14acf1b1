// JsonGrammar: the parts JSON texts are made of (RFC 8259). Shared parts are made on first use.
#pragma once

#include <orkestra/model/text/constraint/grammar.h>

#include <cstdint>
#include <optional>
#include <string>

namespace orkestra::model {

class JsonGrammar {
 public:
  // Digits before the point, and behind it: what a double or a 64-bit integer can hold.
  static constexpr std::uint32_t kMaxDigits = 18;
  static constexpr std::uint32_t kMaxSpace = 4096;  // bytes of white space in one place

  JsonGrammar(Grammar& grammar, JsonForm form) : grammar_(grammar), form_(form) {}

  JsonForm form() const { return form_; }
  bool compact() const { return form_ == JsonForm::kCompact; }
  Grammar& grammar() { return grammar_; }

  NodeId document(NodeId value);  // with the white space around it
  NodeId value();                 // any JSON value
  NodeId any_object();            // string keys, any values
  NodeId any_array();
  NodeId string();                 // any string, quotes included
  NodeId string(CharDfa content);  // in the one spelling of the compact form, else in any
  NodeId string(std::uint32_t min_length, std::uint32_t max_length);  // in characters
  NodeId exactly(const std::string& text) { return string(CharDfa::strings({text})); }
  NodeId number();   // any number
  NodeId integer();  // any whole number
  NodeId boolean();
  NodeId null() { return grammar_.bytes("null"); }
  NodeId member(NodeId key, NodeId value);  // key : value
  NodeId comma();
  NodeId open(char bracket);
  NodeId close(char bracket);
  // Exactly this value.
  NodeId constant(const Json& value);

 private:
  NodeId space();
  NodeId digits(std::uint32_t min, std::uint32_t max);

  Grammar& grammar_;
  JsonForm form_;
  std::optional<RuleId> value_;
  std::optional<NodeId> string_, number_, integer_, comma_, colon_;
};

}  // namespace orkestra::model
