// The tools an agent's options ask for, opened.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/agent/knowledge.h>

#include <memory>
#include <vector>

namespace orkestra::agent {

// In the order models are shown them. `knowledge` may be null. Throws Error naming what can't be
// opened and what to do.
std::vector<std::unique_ptr<tools::Tool>> open_tools(const AgentOptions& options,
                                                     const Knowledge* knowledge);

}  // namespace orkestra::agent
