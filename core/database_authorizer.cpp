// The allow-list of what a connection restricted to reading may do.
#include <orkestra/core/database_handle.h>

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace orkestra {
namespace {

// Deterministic, free of effects and bounded in output by SQLITE_LIMIT_LENGTH. Date functions read
// the clock, nothing else. Sorted, for binary search.
constexpr auto kFunctions = std::to_array<std::string_view>({
    "->",
    "->>",
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "avg",
    "bm25",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "cos",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_quote",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "match",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "snippet",
    "sqrt",
    "strftime",
    "substr",
    "substring",
    "sum",
    "tan",
    "time",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
});
static_assert(std::is_sorted(kFunctions.begin(), kFunctions.end()));

bool allowed_function(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::binary_search(kFunctions.begin(), kFunctions.end(), std::string_view(lower));
}

// What an action is called in SQL, for the message.
std::string describe(int action, const char* first, const char* second) {
  const auto named = [&](std::string_view verb, const char* what) {
    return what ? std::string(verb) + " " + what : std::string(verb);
  };
  switch (action) {
    case SQLITE_INSERT:
      return named("INSERT into", first);
    case SQLITE_UPDATE:
      return named("UPDATE of", first);
    case SQLITE_DELETE:
      return named("DELETE from", first);
    case SQLITE_ATTACH:
      return "ATTACH";
    case SQLITE_DETACH:
      return "DETACH";
    case SQLITE_PRAGMA:
      return named("PRAGMA", first);
    case SQLITE_FUNCTION:
      return named("the function", second);
    case SQLITE_TRANSACTION:
      return named("the transaction command", first);
    case SQLITE_SAVEPOINT:
      return named("SAVEPOINT", first);
    case SQLITE_ANALYZE:
      return named("ANALYZE", first);
    case SQLITE_REINDEX:
      return named("REINDEX", first);
    case SQLITE_ALTER_TABLE:
      return named("ALTER TABLE", second);
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_VTABLE:
      return named("CREATE TABLE", first);
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TEMP_VIEW:
      return named("CREATE VIEW", first);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TEMP_INDEX:
      return named("CREATE INDEX", first);
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
      return named("CREATE TRIGGER", first);
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_VTABLE:
      return named("DROP TABLE", first);
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_TEMP_VIEW:
      return named("DROP VIEW", first);
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TEMP_INDEX:
      return named("DROP INDEX", first);
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TEMP_TRIGGER:
      return named("DROP TRIGGER", first);
    default:
      return "a statement that is not a SELECT";
  }
}

int authorize(void* self, int action, const char* first, const char* second, const char*,
              const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      if (second && allowed_function(second)) return SQLITE_OK;
      break;
    case SQLITE_PRAGMA:
      // Full-text tables ask for it before they read; it has no effect.
      if (first && std::string_view(first) == "data_version" && !second) return SQLITE_OK;
      break;
    case SQLITE_UPDATE:
      // Connecting a virtual table compiles an update of its schema row that never runs. One that
      // is asked for can't run either: the schema is not writable, and prepare takes only
      // statements that SQLite calls read-only.
      if (first && std::string_view(first) == "sqlite_master") return SQLITE_OK;
      break;
    default:
      break;
  }
  static_cast<DatabaseHandle*>(self)->refused = describe(action, first, second);
  return SQLITE_DENY;
}

}  // namespace

void DatabaseHandle::install_authorizer() {
  reading_only = true;
  sqlite3_set_authorizer(db, authorize, this);
}

}  // namespace orkestra
