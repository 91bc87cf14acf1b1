// What a model wrote, read: reasoning, text and tool calls, as its chat format marks them.
#pragma once

#include <orkestra/core/conversation.h>
#include <orkestra/model/text/chat/markers.h>
#include <orkestra/model/text/chat/text_stream.h>
#include <orkestra/model/text/chat/tool_call_text.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::model {

struct ChatTraits {
  ToolCallStyle calls = ToolCallStyle::kHermes;
  ReasoningMarkers reasoning{};
  // Where the template comes from: "file"; "chatml" or "plain", the defaults for files without one.
  std::string_view origin = "file";
};

struct WrittenTurn {
  Turn turn;
  std::vector<std::string> damaged{};  // of calls that can't be read: see tool_call_text.h
};

// `in_reasoning`: the prompt opened it. `tools`: some were on offer; without, styles that mark no
// calls have none. White space around reasoning is none of it nor of the text.
WrittenTurn read_turn(std::string_view written, const ChatTraits& traits, bool in_reasoning,
                      bool tools);

// The stream that hands out what read_turn will give, as far as it is certain.
TextStreamOptions stream_options(const ChatTraits& traits, std::vector<std::string> stops,
                                 bool in_reasoning, bool tools);

}  // namespace orkestra::model
