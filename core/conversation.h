// Conversation: an immutable value: turns and the tools on offer. Branching is copying it and
// adding a turn (turns are shared, so a copy costs one pointer per turn). It names model state by
// content; it never holds any. Safe to share between threads.
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/core/tool_types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra {

enum class Role { kSystem, kUser, kAssistant, kTool };
std::string_view name(Role role);

// The token ids a model wrote, kept so that generated text is never tokenised again.
struct GeneratedTokens {
  std::string model_id;  // Model::id() of the writer; another model re-tokenises the text
  std::vector<std::int32_t> ids;
};

struct Turn {
  Role role = Role::kUser;
  std::string text;
  std::vector<ToolCall> tool_calls{};                  // assistant turns
  std::string tool_call_id{};                          // tool turns: which call this answers
  std::shared_ptr<const GeneratedTokens> generated{};  // assistant turns a model wrote
  std::string reasoning{};                             // assistant turns: what led to `text`
};

class Conversation {
 public:
  Conversation() = default;

  // Copies that share every earlier turn with this one.
  [[nodiscard]] Conversation with_turn(Turn turn) const;
  [[nodiscard]] Conversation with_tools(std::vector<ToolSpec> tools) const;

  const std::vector<std::shared_ptr<const Turn>>& turns() const { return turns_; }
  const std::vector<ToolSpec>& tools() const;

 private:
  std::vector<std::shared_ptr<const Turn>> turns_;
  std::shared_ptr<const std::vector<ToolSpec>> tools_;
};

// Generated ids are kept, so a journaled turn continues on the same state.
Json to_json(const Turn& turn);
Turn turn_from_json(const Json& json);

}  // namespace orkestra
