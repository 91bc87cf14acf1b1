// ConstraintCheck: a finished reply held against the constraint a server could not be bound to.
// It is the same automaton that binds the embedded engine. Immutable; shared between attempts.
#pragma once

#include <orkestra/model/language_model.h>
#include <orkestra/model/remote/chat_reply.h>
#include <orkestra/model/remote/chat_request.h>
#include <orkestra/model/text/constraint/constraint_automaton.h>

#include <memory>
#include <string>
#include <vector>

namespace orkestra::model {

class ConstraintCheck {
 public:
  // Throws Error{kUnsupported, kInvalid, kExhausted} for what can't be compiled, as any engine.
  ConstraintCheck(const Constraint& constraint, ConstraintPlan plan);

  struct Outcome {
    Turn turn;  // as the constraint has it: the first call, a trimmed choice, compact JSON
    FinishReason finish = FinishReason::kStop;
    std::string violation;  // "" = none; phrased for the model
  };
  Outcome check(const ChatReply& reply) const;

  const ConstraintPlan& plan() const { return plan_; }

 private:
  bool accepts(const std::string& written, bool cut_off) const;
  Outcome check_text(const std::string& text, FinishReason finish) const;
  Outcome check_call(ToolCall call, FinishReason finish) const;
  std::string why_not(const ToolCall& call) const;

  ConstraintPlan plan_;
  std::shared_ptr<const ConstraintAutomaton> automaton_;
};

// The turn a reply is before any constraint: calls with valid arguments; others stay in the text.
Turn turn_of(const ChatReply& reply, const std::vector<ToolSpec>& tools);

}  // namespace orkestra::model
