// SQL over SQLite for models: read-only by authorizer and by open mode, bounded in rows, bytes and
// time. Three users: the free-SQL tool, saved queries, and the verifier, which runs an answer's
// query again.
#pragma once

#include <orkestra/tools/tool.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace orkestra::tools {

struct SqlLimits {
  std::size_t max_rows = 200;
  std::size_t max_bytes = std::size_t{64} << 10U;
};

struct QueryRows {
  Json rows = Json::array();  // objects, column names as keys
  bool truncated = false;     // there are more rows than the bounds allow
};

// Opens `database`, runs one SELECT with every :parameter bound from the object `parameters`.
// Throws Error (see core/database.h); kDenied for anything that is not reading, naming what was
// refused. The rows are the first ones within the bounds.
QueryRows query_rows(const std::filesystem::path& database, std::string_view sql,
                     const Json& parameters, const Limits& limits, const SqlLimits& bounds = {});

// query_rows(...).rows.
Json query_database(const std::filesystem::path& database, std::string_view sql,
                    const Json& parameters, const Limits& limits, const SqlLimits& bounds = {});

// The tool "sql_query"(sql): its description names the tables and columns.
std::unique_ptr<Tool> make_sql_tool(const std::filesystem::path& database);

}  // namespace orkestra::tools
