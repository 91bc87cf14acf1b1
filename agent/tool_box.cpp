#include <orkestra/agent/tool_box.h>
#include <orkestra/core/error.h>
#include <orkestra/plugins/plugin.h>
#include <orkestra/tools/calculator.h>
#include <orkestra/tools/files.h>
#include <orkestra/tools/python.h>
#include <orkestra/tools/saved_queries.h>
#include <orkestra/tools/sql.h>
#include <orkestra/tools/web_fetch.h>

#include <iterator>
#include <utility>

namespace orkestra::agent {

ToolBox open_tools(const AgentOptions& options, const std::filesystem::path& store) {
  ToolBox box;
  auto& opened = box.tools;
  const auto add_all = [&](std::vector<std::unique_ptr<tools::Tool>> several) {
    std::move(several.begin(), several.end(), std::back_inserter(opened));
  };
  if (!options.queries.empty() && options.databases.empty()) {
    throw Error(ErrorCode::kInvalid, "queries need the database they read: give --db FILE");
  }
  if (options.queries.empty() && options.databases.size() > 1) {
    throw Error(ErrorCode::kUnsupported, "free SQL reads one database: give one --db FILE");
  }
  for (const auto& file : options.queries) {
    add_all(tools::load_saved_queries(file, options.databases.front()));
  }
  if (options.queries.empty() && !options.databases.empty()) {
    opened.push_back(tools::make_sql_tool(options.databases.front()));
  }
  if (!options.documents.empty()) {
    box.knowledge = std::make_unique<Knowledge>(options.documents, store);
    opened.push_back(box.knowledge->search_tool());
  }
  if (!options.files.empty()) add_all(tools::make_file_tools(options.files));
  for (const auto& library : options.plugins) add_all(plugins::load_plugin(library));
  if (options.python) opened.push_back(tools::make_python_tool());
  if (options.web) opened.push_back(tools::make_web_fetch_tool());
  opened.push_back(tools::make_calculator_tool());
  return box;
}

}  // namespace orkestra::agent
