#include <orkestra/core/database.h>
#include <orkestra/core/hash.h>
#include <orkestra/core/text.h>
#include <orkestra/core/words.h>
#include <orkestra/planner/verify/records.h>

#include <algorithm>
#include <optional>
#include <set>

namespace orkestra::planner {
namespace {

constexpr std::size_t kMaxTables = 200;
constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kRowsPerTable = 50;
constexpr std::size_t kMaxRowBytes = 16384;
constexpr std::size_t kMaxClaimNumbers = 16;

using Role = Record::Field::Role;

struct Column {
  std::string name;
  bool primary = false;
  Role role = Role::kStated;
};

// "orders.customer_id names a row of customers": shown as the customer's name.
struct Reference {
  std::string column;
  std::string table;
  std::string target;  // the referenced column
  std::string label;   // its naming column
  std::string shown;   // the field's name: "customer"
  Role role = Role::kStated;
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<Reference> references;
  std::vector<std::string> identity;  // what finds a row again: its primary key, else rowid
  bool has_rowid = true;
};

std::string sql_name(std::string_view identifier) {
  std::string out = "\"";
  for (const char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string shown_name(const std::string& column, const std::string& table) {
  for (const std::string_view ending : {"_id", "_code", "_key", "Id"}) {
    if (column.size() > ending.size() && column.ends_with(ending))
      return column.substr(0, column.size() - ending.size());
  }
  return singular(fold(table));
}

class Schema {
 public:
  static std::vector<Table> read(Database& database) {
    std::vector<Table> tables;
    auto names = database.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE "
        "'\\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name");
    while (names.step() && tables.size() < kMaxTables)
      tables.push_back({names.text(0), {}, {}, {}, true});
    for (auto& table : tables) read_columns(database, table);
    for (auto& table : tables) read_references(database, table, tables);
    return tables;
  }

 private:
  static void read_columns(Database& database, Table& table) {
    auto info = database.prepare("SELECT name, pk FROM pragma_table_info(:table)");
    info.bind("table", Json(table.name));
    while (info.step() && table.columns.size() < kMaxColumns) {
      table.columns.push_back({info.text(0), info.integer(1) > 0, Role::kStated});
      if (table.columns.back().primary) table.identity.push_back(info.text(0));
    }
    for (auto& column : table.columns) {
      if (column.name == "rowid" || column.name == "oid") table.has_rowid = false;
      const bool alone = column.primary && table.identity.size() == 1;
      if (alone || own_name(column.name, table.name) || unique(database, table, column)) {
        column.role = Role::kKey;
      } else if (column.primary) {
        // Half of a composite key tells no row from another: a claim must name all of it.
        column.role = Role::kArgument;
      }
    }
  }

  // "name" and "customer_name" in customers, not "warehouse_name" there.
  static bool own_name(const std::string& column, const std::string& table) {
    if (!names_thing(column)) return false;
    const auto parts = identifier_words(column);
    if (parts.size() == 1) return true;
    const auto of = identifier_words(table);
    return parts.size() == 2 && !of.empty() && singular(parts[0].key) == singular(of.back().key);
  }

  static bool unique(Database& database, const Table& table, const Column& column) {
    auto list = database.prepare(
        "SELECT 1 FROM pragma_index_list(:table) AS i WHERE i.\"unique\" AND "
        "(SELECT count(*) FROM pragma_index_info(i.name)) = 1 AND "
        "(SELECT name FROM pragma_index_info(i.name)) = :column");
    list.bind("table", Json(table.name));
    list.bind("column", Json(column.name));
    return list.step();
  }

  static void read_references(Database& database, Table& table, const std::vector<Table>& tables) {
    auto list = database.prepare(
        "SELECT \"from\", \"table\", coalesce(\"to\", '') FROM pragma_foreign_key_list(:table)");
    list.bind("table", Json(table.name));
    while (list.step()) {
      const auto other = std::find_if(tables.begin(), tables.end(),
                                      [&](const Table& t) { return t.name == list.text(1); });
      if (other == tables.end()) continue;
      Reference reference;
      reference.column = list.text(0);
      reference.table = other->name;
      reference.target = list.text(2);
      if (reference.target.empty() && other->identity.size() == 1)
        reference.target = other->identity[0];
      for (const auto& column : other->columns) {
        const auto parts = identifier_words(column.name);
        const bool label =
            !parts.empty() && (parts.back().key == "name" || parts.back().key == "title");
        if (reference.label.empty() && label) reference.label = column.name;
      }
      reference.shown = shown_name(reference.column, reference.table);
      if (reference.target.empty() || reference.label.empty()) continue;
      if (reference.target == reference.label) continue;  // the column already shows it
      // Part of a composite key that refers elsewhere may be named by what it refers to.
      for (auto& column : table.columns) {
        if (column.name == reference.column && column.role == Role::kArgument)
          reference.role = column.role;
      }
      table.references.push_back(reference);
    }
  }
};

class DatabaseSource final : public Source {
 public:
  explicit DatabaseSource(const std::filesystem::path& file)
      : file_(file),
        database_(Database::open(file, DatabaseOptions{.read_only = true, .untrusted = true})),
        tables_(Schema::read(database_)) {
    database_.restrict_to_reading();
  }

  std::vector<Record> find(const Claim& claim, const Limits& limits) override {
    std::vector<Record> out;
    database_.set_limits(limits);
    for (const auto& table : tables_) find_in(table, claim, out);
    database_.clear_limits();
    return out;
  }

 private:
  // Every row with a cell that stands in the claim, those with the most such cells first.
  void find_in(const Table& table, const Claim& claim, std::vector<Record>& out) {
    std::vector<std::string> numbers;
    for (const auto& word : words_only(claim.text)) {
      const bool number = word.kind == Word::Kind::kNumber && numbers.size() < kMaxClaimNumbers;
      if (number) numbers.push_back(word.key);
    }
    std::string matches;
    const auto match = [&](const std::string& column) {
      matches += matches.empty() ? "" : " + ";
      matches += "(typeof(" + column + ") = 'text' AND length(" + column +
                 ") > 0 AND (instr(:lower, lower(" + column + ")) > 0 OR instr(:claim, " + column +
                 ") > 0))";
      if (numbers.empty()) return;
      matches += " + (typeof(" + column + ") IN ('integer', 'real') AND " + column + " IN (";
      for (std::size_t i = 0; i < numbers.size(); ++i)
        matches += (i ? ", :n" : ":n") + std::to_string(i);
      matches += "))";
    };
    for (const auto& column : table.columns) match("t." + sql_name(column.name));
    for (std::size_t i = 0; i < table.references.size(); ++i) match(label(table, i));
    if (matches.empty()) return;
    const std::string sql = select(table) + ", (" + matches + ") AS matches_ FROM " + from(table) +
                            " WHERE matches_ > 0 ORDER BY matches_ DESC LIMIT " +
                            std::to_string(kRowsPerTable);
    auto rows = database_.prepare(sql);
    if (sql.find(":lower") != std::string::npos) {
      rows.bind("lower", Json(fold(claim.text)));
      rows.bind("claim", Json(claim.text));
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::string name = "n" + std::to_string(i);
      const bool whole = numbers[i].find('.') == std::string::npos && numbers[i].size() < 18;
      rows.bind(name, whole ? Json(std::stoll(numbers[i]))
                            : Json(std::strtod(numbers[i].c_str(), nullptr)));
    }
    while (rows.step()) out.push_back(record_of(table, rows));
  }

  static std::string label(const Table& table, std::size_t reference) {
    return "r" + std::to_string(reference) + "." + sql_name(table.references[reference].label);
  }

  static std::string select(const Table& table) {
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      sql += (i ? ", t." : "t.") + sql_name(table.columns[i].name);
    }
    for (std::size_t i = 0; i < table.references.size(); ++i) {
      sql += ", " + label(table, i) + " AS " + sql_name(reference_name(table, i));
    }
    if (table.identity.empty() && table.has_rowid) sql += ", t.rowid AS \"rowid\"";
    return sql;
  }

  static std::string from(const Table& table) {
    std::string sql = sql_name(table.name) + " AS t";
    for (std::size_t i = 0; i < table.references.size(); ++i) {
      const Reference& reference = table.references[i];
      const std::string alias = "r" + std::to_string(i);
      sql += " LEFT JOIN " + sql_name(reference.table) + " AS " + alias + " ON " + alias + "." +
             sql_name(reference.target) + " = t." + sql_name(reference.column);
    }
    return sql;
  }

  static std::string reference_name(const Table& table, std::size_t i) {
    const std::string& shown = table.references[i].shown;
    const bool taken = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const Column& column) { return column.name == shown; });
    return taken ? shown + " name" : shown;
  }

  Record record_of(const Table& table, const Statement& rows) const {
    Record record;
    Json row = Json::object();
    const std::size_t shown = table.columns.size() + table.references.size();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < shown; ++i) {
      const int column = static_cast<int>(i);
      Json value = rows.json(column);
      const std::string text = scalar_text(value);
      bytes += text.size();
      if (bytes > kMaxRowBytes || value.is_structured()) continue;
      row[rows.column_name(column)] = value;
      if (value.is_null()) continue;
      const Role role = i < table.columns.size() ? table.columns[i].role
                                                 : table.references[i - table.columns.size()].role;
      record.fields.push_back({rows.column_name(column), text, role});
    }
    for (const auto& word : identifier_words(table.name)) {
      record.context += word.key + " ";
    }
    if (!record.context.empty()) {
      record.context.pop_back();
      record.context += " " + singular(record.context);
    }
    Evidence& evidence = record.evidence;
    evidence.value = row;
    evidence.quote = dump_json_spaced(row);
    evidence.hash = sha256_hex(evidence.quote);
    evidence.description = "a row of " + table.name;
    evidence.origin.kind = Origin::Kind::kSql;
    evidence.origin.locator = file_.string();
    evidence.origin.detail = fetch_again(table, rows, shown);
    return record;
  }

  static Json fetch_again(const Table& table, const Statement& rows, std::size_t shown) {
    Json params = Json::object();
    std::string where;
    const auto equals = [&](const std::string& column, const Json& value) {
      const std::string name = "k" + std::to_string(params.size());
      where += (where.empty() ? "t." : " AND t.") + sql_name(column) + " = :" + name;
      params[name] = value;
    };
    if (table.identity.empty()) {
      if (table.has_rowid) equals("rowid", rows.json(static_cast<int>(shown)));
    } else {
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const auto& name = table.columns[i].name;
        const bool part =
            std::find(table.identity.begin(), table.identity.end(), name) != table.identity.end();
        if (part) equals(name, rows.json(static_cast<int>(i)));
      }
    }
    Table only_shown = table;
    only_shown.has_rowid = false;
    return {{"sql", select(only_shown) + " FROM " + from(table) +
                        (where.empty() ? "" : " WHERE " + where)},
            {"params", params}};
  }

  std::filesystem::path file_;
  Database database_;
  std::vector<Table> tables_;
};

}  // namespace

std::unique_ptr<Source> make_database_source(const std::filesystem::path& file) {
  return std::make_unique<DatabaseSource>(file);
}

}  // namespace orkestra::planner
