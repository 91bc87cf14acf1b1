// What a chat template is given: messages, tools and special tokens as template values.
// Sources: role names and special tokens are the template's own (0); what turn i says has source
// i + 1; tool descriptions and schemas have source turns + 1. A generated turn's content is one
// stand-in unit, in whose place its ids go.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/text/chat/chat_format.h>
#include <orkestra/model/text/jinja/jinja.h>

#include <string>
#include <vector>

namespace orkestra::model {

// What a template expects in message.tool_calls[].function.arguments.
enum class ArgumentForm {
  kMapping,
  kJsonText,   // printed as it stands
  kWholeCall,  // the text between the call's markers (kNano's template prints nothing else)
};

// What a template makes of a turn that calls the tool `probe` with {"probe": "y"}: the form of
// arguments that comes out as JSON, and the text; "" when the template refuses such turns.
struct CallProbe {
  ArgumentForm form = ArgumentForm::kMapping;
  std::string rendered{};
};
CallProbe probe_calls(const jinja::Template& chat_template, const Tokenizer& tokenizer);

jinja::Value chat_context(const Conversation& conversation, const std::vector<bool>& generated,
                          const Tokenizer& tokenizer, ArgumentForm form);

}  // namespace orkestra::model
