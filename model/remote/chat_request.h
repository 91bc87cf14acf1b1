// A GenerateRequest as the JSON of a chat completion. Pure functions.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/model/language_model.h>

#include <optional>
#include <string>
#include <vector>

namespace orkestra::model {

// What of a constraint the protocol can say. The rest is told in words, and checked afterwards.
struct ConstraintPlan {
  std::vector<ToolSpec> tools;
  bool calls_only = false;  // nothing but a call is allowed
  bool one_call = false;    // and the turn ends with the first
  bool free_text = false;   // any text is allowed
  bool wrapped = false;     // choices as a schema: {"choice": one of them}
  Json schema = nullptr;    // what the reply must be valid for; null: free
  std::string instruction;  // "" = none
};
ConstraintPlan plan_constraint(const Constraint& constraint, const Conversation& conversation);

// The messages. Calls without an answer are left out, as servers refuse them; ids are made to agree
// where the conversation names none.
Json chat_messages(const Conversation& conversation);

// Puts `text` after the last user message, or as a new one.
void add_instruction(Json& messages, const std::string& text);

Json chat_body(const GenerateRequest& request, const ConstraintPlan& plan, const std::string& model,
               const std::string& max_tokens_field);

// A schema as servers take it: without what only our decoding knows; "x-domain" becomes "enum".
Json wire_schema(const Json& schema);

}  // namespace orkestra::model
