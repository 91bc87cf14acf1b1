// Policy: whether a call a model asks for may happen, must be approved by a person, or may not
// happen. Decided in code from what the tool declares about itself and from where the arguments
// come; no model is asked. Pure: the same run decides the same again. Any thread.
#pragma once

#include <orkestra/core/evidence.h>
#include <orkestra/core/tool_types.h>

#include <string>
#include <string_view>
#include <vector>

namespace orkestra::tools {

enum class Permission { kAllow, kAsk, kDeny };
std::string_view name(Permission permission);  // "allow", "ask", "deny"

struct Policy {
  std::vector<std::string> consent{};  // tools whose side effects need no approval
  std::vector<std::string> ask{};      // tools that always need approval
  // A call that acts on the world with arguments out of untrusted text, or carries private data
  // out: kDeny, or kAsk to let a person decide.
  Permission tainted = Permission::kDeny;
};

struct Ruling {
  Permission permission = Permission::kAllow;
  std::string reason{};  // for people and models; "" when allowed
  Label arguments{};     // of the arguments taken together
};

// `task`: what the user asked. `seen`: all evidence the model has read on the way to this call.
//
// An argument's label: what the user's own words name is trusted and public. What stands verbatim
// in evidence is as trusted, and as public, as the best evidence that names it. Anything else
// may derive from everything that was seen. A URL (schema format "uri") that the user or a trusted
// source names may be fetched.
Ruling rule(const Policy& policy, const ToolSpec& tool, const ToolCall& call, std::string_view task,
            const std::vector<Evidence>& seen);

Json to_json(const Policy& policy);
Policy policy_from_json(const Json& json);  // throws Error{kCorrupt}

}  // namespace orkestra::tools
