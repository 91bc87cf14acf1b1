#include <orkestra/tools/sql.h>

#include <orkestra/core/database.h>

#include <set>
#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kDescribedTables = 40;
constexpr std::size_t kDescribedColumns = 40;

// Opened per query: a connection belongs to one thread, and opening a file costs microseconds.
Database open_for_reading(const std::filesystem::path& file) {
  Database database = Database::open(file, {.read_only = true, .untrusted = true});
  database.restrict_to_reading();
  return database;
}

std::vector<std::string> unique_columns(const Statement& statement) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (int i = 0; i < statement.columns(); ++i) {
    const std::string base = statement.column_name(i);
    std::string name = base;
    // Two columns of one name would lose one of them as keys of an object.
    for (int copy = 2; !seen.insert(name).second; ++copy) name = base + "_" + std::to_string(copy);
    names.push_back(std::move(name));
  }
  return names;
}

// "customers(name text, balance real), orders(...)".
std::string describe_tables(const std::filesystem::path& file) {
  Database database = Database::open(file, {.read_only = true, .untrusted = true});
  Statement tables = database.prepare(
      "select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%' "
      "order by name");
  Statement columns = database.prepare("select name, type from pragma_table_info(?1)");
  std::string out;
  for (std::size_t t = 0; tables.step(); ++t) {
    if (t == kDescribedTables) return out + ", ...";
    if (t > 0) out += ", ";
    out.append(tables.text(0)).append("(");
    columns.reset();
    columns.bind(1, std::string_view(tables.text(0)));
    for (std::size_t c = 0; columns.step(); ++c) {
      if (c == kDescribedColumns) {
        out += ", ...";
        break;
      }
      if (c > 0) out += ", ";
      out += columns.text(0);
      if (!columns.text(1).empty()) out.append(" ").append(columns.text(1));
    }
    out += ")";
  }
  return out;
}

class SqlTool final : public Tool {
 public:
  explicit SqlTool(std::filesystem::path file) : file_(std::move(file)) {
    const std::string tables = describe_tables(file_);
    spec_.name = "sql_query";
    spec_.description =
        "Query the database with one SQLite SELECT. Tables: " + (tables.empty() ? "none" : tables) +
        ".";
    spec_.parameters =
        Json{{"type", "object"},
             {"properties",
              {{"sql", {{"type", "string"}, {"description", "One SELECT statement of SQLite."}}}}},
             {"required", Json::array({"sql"})},
             {"additionalProperties", false}};
    spec_.traits.reads_private = true;
  }

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    const std::string sql = call.arguments.at("sql").get<std::string>();
    QueryRows found = query_rows(file_, sql, Json::object(), limits);
    ToolResult result =
        ToolResult::success(std::move(found.rows),
                            {.kind = Origin::Kind::kSql,
                             .locator = file_.string(),
                             .detail = Json{{"sql", sql}, {"params", Json::object()}}},
                            {Integrity::kTrusted, Confidentiality::kPrivate});
    result.truncated = found.truncated;
    return result;
  }

 private:
  std::filesystem::path file_;
  ToolSpec spec_;
};

}  // namespace

QueryRows query_rows(const std::filesystem::path& file, std::string_view sql,
                     const Json& parameters, const Limits& limits, const SqlLimits& bounds) {
  Database database = open_for_reading(file);
  database.set_limits(limits);
  Statement statement = database.prepare(sql);
  for (const auto& [name, value] : parameters.items()) statement.bind(name, value);
  for (int i = 1; i <= statement.parameters(); ++i) {
    const std::string name = statement.parameter_name(i);
    if (!parameters.contains(name)) {
      throw Error(ErrorCode::kInvalid, file.string() + ": the SQL parameter " +
                                           (name.empty() ? "?" : ":" + name) +
                                           " has no value; write the value into the SQL");
    }
  }
  const std::vector<std::string> names = unique_columns(statement);
  QueryRows out;
  std::size_t bytes = 2;
  while (statement.step()) {
    Json row = Json::object();
    for (int i = 0; i < statement.columns(); ++i) {
      row[names[static_cast<std::size_t>(i)]] = statement.json(i);
    }
    bytes += dump_json(row).size() + 1;
    if (out.rows.empty() && bytes > bounds.max_bytes) {
      throw Error(ErrorCode::kExhausted, file.string() + ": the first row alone is larger than " +
                                             std::to_string(bounds.max_bytes) +
                                             " bytes; select fewer columns");
    }
    if (out.rows.size() == bounds.max_rows || bytes > bounds.max_bytes) {
      out.truncated = true;
      break;
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

Json query_database(const std::filesystem::path& file, std::string_view sql, const Json& parameters,
                    const Limits& limits, const SqlLimits& bounds) {
  return query_rows(file, sql, parameters, limits, bounds).rows;
}

std::unique_ptr<Tool> make_sql_tool(const std::filesystem::path& database) {
  return std::make_unique<SqlTool>(database);
}

}  // namespace orkestra::tools
