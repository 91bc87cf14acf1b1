// ChatFormat: Conversation -> tokens with marks, and a model's output text -> a Turn.
// Built from a model file's chat template (Jinja subset); its tool-call style and reasoning markers
// are told from the template. Immutable.
//
// Message text can never become control tokens or markers: only text the template itself writes is
// searched for them. A generated turn's own ids are used, never its text tokenised again.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/constraint.h>
#include <orkestra/model/text/chat/written_turn.h>
#include <orkestra/model/text/tokenizer/tokenizer.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

// A prompt ready for the engine.
struct EncodedPrompt {
  std::vector<TokenId> tokens;
  // Ascending prefix lengths worth keeping state at: the end of the system part, of every turn,
  // and the whole prompt.
  std::vector<std::size_t> marks;
  // Of `tokens`, how many at the end are the first of the assistant's own turn: the marker with
  // which the template opened its reasoning. 0 = the model opens it itself, or not at all.
  std::size_t opening = 0;
};

class ChatFormat {
 public:
  // `template_source` is Jinja; "" = a stated default: ChatML where the vocabulary has its tokens,
  // else lines "role: text". Throws Error{kInvalid, kUnsupported} naming the line when the template
  // can't be compiled.
  static std::shared_ptr<const ChatFormat> make(std::shared_ptr<const Tokenizer> tokenizer,
                                                const std::string& template_source,
                                                const std::string& model_name);
  virtual ~ChatFormat() = default;

  // The prompt after which the model writes the next assistant turn. Generated turns of the model
  // `model_id` keep their ids. Throws Error{kInvalid} when the template refuses the conversation.
  virtual EncodedPrompt encode(const Conversation& conversation,
                               const std::string& model_id) const = 0;
  // The same as text, for people.
  virtual std::string render(const Conversation& conversation) const = 0;
  virtual const ChatTraits& traits() const = 0;

  // `constraint` with every tool_call node replaced by this style's literals and JSON schemas.
  Constraint expand(const Constraint& constraint) const {
    return expand_tool_calls(constraint, traits().calls);
  }

  // What the model wrote (token pieces of user-defined markers included) -> text, reasoning and
  // tool calls: see written_turn.h. Malformed calls stay in the text: they are data for the
  // planner, not errors.
  WrittenTurn read(std::string_view written, bool in_reasoning, bool tools) const {
    return read_turn(written, traits(), in_reasoning, tools);
  }
  Turn parse(std::string_view written) const { return read(written, false, true).turn; }

  ToolCallStyle style() const { return traits().calls; }
};

}  // namespace orkestra::model
