#include <orkestra/tools/saved_queries.h>

#include <orkestra/core/database.h>
#include <orkestra/core/nearest.h>
#include <orkestra/tools/saved_query_file.h>
#include <orkestra/tools/sql.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace orkestra::tools {
namespace {

constexpr std::size_t kMaxDomainValues = 10'000;
constexpr std::size_t kMaxDomainBytes = std::size_t{1} << 20U;
constexpr std::chrono::seconds kLoadTime{30};
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 20U;

class SavedQueryTool final : public Tool {
 public:
  SavedQueryTool(ToolSpec spec, std::string sql, std::filesystem::path database)
      : spec_(std::move(spec)), sql_(std::move(sql)), database_(std::move(database)) {}

  const ToolSpec& spec() const override { return spec_; }

  ToolResult run(const ToolCall& call, const Limits& limits) override {
    QueryRows found = query_rows(database_, sql_, call.arguments, limits);
    if (found.rows.empty()) return ToolResult::failure(ErrorCode::kNotFound, nothing_found(call));
    ToolResult result = ToolResult::success(
        found.rows.size() == 1 ? std::move(found.rows.front()) : std::move(found.rows),
        {.kind = Origin::Kind::kSql,
         .locator = database_.string(),
         .detail = Json{{"sql", sql_}, {"params", call.arguments}}},
        {Integrity::kTrusted, Confidentiality::kPrivate});
    result.truncated = found.truncated;
    return result;
  }

 private:
  static std::string nothing_found(const ToolCall& call) {
    std::string message = call.name + " found nothing";
    for (const auto& [name, value] : call.arguments.items()) {
      message += (message.ends_with("nothing") ? " for " : " and ") + name + " " + dump_json(value);
    }
    return message;
  }

  ToolSpec spec_;
  std::string sql_;
  std::filesystem::path database_;
};

std::string read_file(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw Error(ErrorCode::kNotFound, file.string() + ": no such file of saved queries");
  }
  if (std::filesystem::file_size(file, error) > kMaxFileBytes) {
    throw Error(ErrorCode::kInvalid, file.string() + ": larger than 1 MiB");
  }
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) throw Error(ErrorCode::kUnavailable, file.string() + ": can not be read");
  return text;
}

// Holds queries against a database and turns them into tools.
class Loader {
 public:
  Loader(const std::filesystem::path& file, const std::filesystem::path& database)
      : file_(file.string()),
        path_(database),
        database_(Database::open(database, {.read_only = true, .untrusted = true})) {
    database_.restrict_to_reading();
    database_.set_limits(Limits::within(kLoadTime));
  }

  std::unique_ptr<Tool> load(SavedQuery query) {
    const Statement statement = prepare(query.sql, query.sql_line);
    check_parameters(query, statement);
    check_answer(query, statement);
    ToolSpec spec;
    spec.name = query.name;
    spec.description = query.description;
    spec.answer_form = query.answer;
    spec.traits.reads_private = true;
    Json properties = Json::object(), required = Json::array();
    for (const SavedQueryParam& param : query.params) {
      properties[param.name] = parameter_schema(param);
      required.push_back(param.name);
    }
    spec.parameters = Json{{"type", "object"},
                           {"properties", std::move(properties)},
                           {"required", std::move(required)},
                           {"additionalProperties", false}};
    return std::make_unique<SavedQueryTool>(std::move(spec), std::move(query.sql), path_);
  }

 private:
  Statement prepare(const std::string& sql, int line) {
    try {
      return database_.prepare(sql);
    } catch (const Error& e) {
      throw error_at(file_, line, e.message());
    }
  }

  void check_parameters(const SavedQuery& query, const Statement& statement) const {
    std::vector<std::string> declared, used;
    for (const SavedQueryParam& param : query.params) declared.push_back(param.name);
    for (int i = 1; i <= statement.parameters(); ++i) {
      used.push_back(statement.parameter_name(i));
      if (used.back().empty()) {
        throw error_at(file_, query.sql_line, "write parameters as :NAME, not as ?");
      }
      if (std::find(declared.begin(), declared.end(), used.back()) != declared.end()) continue;
      const std::vector<std::string> near = nearest(used.back(), declared, 1);
      throw error_at(file_, query.sql_line,
                     "the SQL uses :" + used.back() + ", which has no \"-- param " + used.back() +
                         ": TYPE\" line" +
                         (near.empty() ? "" : "; did you mean :" + near.front() + "?"));
    }
    for (const SavedQueryParam& param : query.params) {
      if (std::find(used.begin(), used.end(), param.name) == used.end()) {
        throw error_at(file_, param.line,
                       "the parameter " + param.name + " is not used in the SQL as :" + param.name);
      }
    }
  }

  void check_answer(const SavedQuery& query, const Statement& statement) const {
    std::vector<std::string> columns, names;
    for (int i = 0; i < statement.columns(); ++i) {
      const std::string column = statement.column_name(i);
      if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
        throw error_at(file_, query.sql_line,
                       "two columns of the result are named " + column + "; rename one with AS");
      }
      columns.push_back(column);
    }
    if (query.answer.empty()) return;
    names = columns;
    for (const SavedQueryParam& param : query.params) names.push_back(param.name);
    bool names_column = false;
    for (const std::string& hole : answer_holes(query.answer)) {
      const auto is_hole = [&](const std::string& name) { return name == hole; };
      names_column |= std::any_of(columns.begin(), columns.end(), is_hole);
      if (std::any_of(names.begin(), names.end(), is_hole)) continue;
      const std::vector<std::string> near = nearest(hole, names, 1);
      throw error_at(file_, query.answer_line,
                     "{" + hole + "} is neither a parameter nor a column of the result" +
                         (near.empty() ? "" : "; did you mean {" + near.front() + "}?"));
    }
    if (!names_column) {
      throw error_at(file_, query.answer_line, "the answer names no column of the result");
    }
  }

  Json parameter_schema(const SavedQueryParam& param) {
    Json schema = {{"type", param.type}};
    if (param.copied) schema["x-copy"] = true;
    if (param.domain_sql.empty()) return schema;
    if (std::optional<Json> values = domain(param)) schema["x-domain"] = std::move(*values);
    return schema;
  }

  // The values that exist now; nothing when they are too many to list.
  std::optional<Json> domain(const SavedQueryParam& param) {
    Statement statement = prepare(param.domain_sql, param.line);
    if (statement.parameters() != 0 || statement.columns() != 1) {
      throw error_at(file_, param.line,
                     "the SELECT after \"one of:\" must give one column and take no parameters");
    }
    const auto type = JsonSchema::compile(Json{{"type", param.type}});
    const auto step = [&] {
      try {
        return statement.step();
      } catch (const Error& e) {
        throw error_at(file_, param.line, e.message());
      }
    };
    Json values = Json::array();
    std::set<std::string> seen;
    std::size_t bytes = 0;
    while (step()) {
      Json value = statement.json(0);
      if (value.is_null()) continue;
      if (param.type == "boolean" && value.is_number_integer()) value = value != 0;
      const auto wrong = type->validate(value);
      if (!wrong.empty()) {
        throw error_at(file_, param.line, "\"one of:\" for " + param.name + ": " + to_text(wrong));
      }
      std::string text = dump_json(value);
      bytes += text.size();
      if (!seen.insert(std::move(text)).second) continue;
      values.push_back(std::move(value));
      if (values.size() > kMaxDomainValues || bytes > kMaxDomainBytes) return std::nullopt;
    }
    if (values.empty()) {
      throw error_at(file_, param.line, "the SELECT after \"one of:\" gives no value");
    }
    return values;
  }

  std::string file_;
  std::filesystem::path path_;
  Database database_;
};

}  // namespace

std::vector<std::unique_ptr<Tool>> load_saved_queries(const std::filesystem::path& file,
                                                      const std::filesystem::path& database) {
  std::vector<SavedQuery> queries = parse_saved_queries(read_file(file), file.string());
  Loader loader(file, database);
  std::vector<std::unique_ptr<Tool>> tools;
  for (SavedQuery& query : queries) tools.push_back(loader.load(std::move(query)));
  return tools;
}

}  // namespace orkestra::tools
