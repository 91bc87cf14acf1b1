// The tools an agent's options ask for, opened, and the documents they search.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/agent/knowledge.h>

#include <filesystem>
#include <memory>
#include <vector>

namespace orkestra::agent {

struct ToolBox {
  std::unique_ptr<Knowledge> knowledge;             // null without documents
  std::vector<std::unique_ptr<tools::Tool>> tools;  // in the order models are shown them
};

// `store`: where the journal is, beside which documents are indexed. Throws Error naming what can't
// be opened and what to do.
ToolBox open_tools(const AgentOptions& options, const std::filesystem::path& store);

}  // namespace orkestra::agent
