#include <orkestra/agent/tool_box.h>
#include <orkestra/core/error.h>
#include <orkestra/tools/calculator.h>
#include <orkestra/tools/files.h>
#include <orkestra/tools/python.h>
#include <orkestra/tools/saved_queries.h>
#include <orkestra/tools/sql.h>
#include <orkestra/tools/web_fetch.h>

#include <iterator>
#include <utility>

namespace orkestra::agent {

std::vector<std::unique_ptr<tools::Tool>> open_tools(const AgentOptions& options,
                                                     const Knowledge* knowledge) {
  std::vector<std::unique_ptr<tools::Tool>> opened;
  const auto add_all = [&](std::vector<std::unique_ptr<tools::Tool>> several) {
    std::move(several.begin(), several.end(), std::back_inserter(opened));
  };
  if (!options.queries.empty() && options.databases.empty()) {
    throw Error(ErrorCode::kInvalid, "queries need the database they read: give --db FILE");
  }
  for (const auto& file : options.queries) {
    add_all(tools::load_saved_queries(file, options.databases.front()));
  }
  if (options.queries.empty() && !options.databases.empty()) {
    opened.push_back(tools::make_sql_tool(options.databases.front()));
  }
  if (knowledge != nullptr) opened.push_back(knowledge->search_tool());
  if (!options.files.empty()) add_all(tools::make_file_tools(options.files));
  if (options.python) opened.push_back(tools::make_python_tool());
  if (options.web) opened.push_back(tools::make_web_fetch_tool());
  opened.push_back(tools::make_calculator_tool());
  return opened;
}

}  // namespace orkestra::agent
