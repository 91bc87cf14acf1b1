// ChatFormat: Conversation -> tokens with marks, and a model's output text -> a Turn.
// Built from a model file's chat template (Jinja subset) and its tool-call style. Immutable.
//
// Message text can never become control tokens: only text the template itself writes is searched
// for them. A generated turn's own ids are used, never its text tokenised again.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/constraint.h>
#include <orkestra/model/text/tokenizer.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace orkestra::model {

// A prompt ready for the engine.
struct EncodedPrompt {
  std::vector<TokenId> tokens;
  // Ascending prefix lengths worth keeping state at: the end of the system part, of every turn,
  // and the whole prompt.
  std::vector<std::size_t> marks;
};

// How a model writes a tool call.
enum class ToolCallStyle {
  kNano,    // <tool_call>{"description":..,"name":..,"arguments":{..}}</tool_call>
  kHermes,  // <tool_call>{"name":..,"arguments":{..}}</tool_call>
  kJamba,   // <tool_calls>[{"name":..,"arguments":{..}}]</tool_calls>
};

class ChatFormat {
 public:
  // `template_source` is Jinja; "" = a stated default. Throws Error{kInvalid, kUnsupported}
  // naming the line when the template can't be compiled.
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

  // `constraint` with every tool_call node replaced by this style's literals and JSON schemas.
  virtual Constraint expand(const Constraint& constraint) const = 0;

  // What the model wrote (token pieces of user-defined markers included) -> text and tool calls.
  // Malformed calls stay in the text: they are data for the planner, not errors.
  virtual Turn parse(const std::string& written) const = 0;

  virtual ToolCallStyle style() const = 0;
};

}  // namespace orkestra::model
