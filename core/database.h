// Database, Statement: the only door to SQLite. A Database is owned by one thread at a time.
// Errors of SQLite become Error with the file's name: kCorrupt, kExhausted (disk full), kConflict
// (locked), kDeadline, kDenied (authorizer, read-only), kNotFound, kInvalid (bad SQL).
#pragma once

#include <orkestra/core/json.h>
#include <orkestra/core/limits.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace orkestra {

struct DatabaseOptions {
  bool read_only = false;  // the file must exist; opened SQLITE_OPEN_READONLY
  bool durable = false;    // WAL, synchronous=FULL: a commit survives power loss
  bool untrusted = false;  // trusted_schema=OFF, defensive, cell size checks, length limits
  int busy_timeout_ms = 5000;
};

class Database;
struct DatabaseHandle;  // one connection and what may be done with it

// A prepared statement. Must not outlive its Database (moving the Database is fine). Columns count
// from 0, parameters from 1, as in SQLite.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_null(int parameter);
  // By name without its ':' — JSON null, boolean, number or string. Throws kInvalid when the
  // statement has no such parameter.
  Statement& bind(std::string_view parameter, const Json& value);

  bool step();   // true: a row is ready
  void reset();  // ready to run again; bindings are kept
  // Binds nothing, steps to the end, resets.
  void run();

  int parameters() const;
  std::string parameter_name(int parameter) const;  // without its ':'; "" when it has no name
  int columns() const;
  std::string column_name(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  Json json(int column) const;  // null, integer, real or text; a blob as {"blob_bytes": n}

 private:
  friend class Database;
  Statement(DatabaseHandle& database, sqlite3_stmt* statement);
  Statement& checked(int result);
  DatabaseHandle* database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  static Database open(const std::filesystem::path& path, const DatabaseOptions& options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Statement prepare(std::string_view sql);  // exactly one statement, else kInvalid
  void execute(std::string_view sql);       // any number of statements, no results
  // Runs `work` inside BEGIN IMMEDIATE .. COMMIT; rolls back when it throws.
  void transaction(const std::function<void()>& work);

  // Only SELECTs that read tables and call allow-listed functions may be prepared from now on
  // (sqlite3_set_authorizer): no ATTACH, PRAGMA, writes, load_extension, readfile, ...
  void restrict_to_reading();
  // Statements stop with kDeadline / kCancelled when these limits are reached. Until cleared.
  void set_limits(const Limits& limits);
  void clear_limits();

  const std::filesystem::path& path() const;
  sqlite3* handle();  // for core/ and tests only

 private:
  explicit Database(std::unique_ptr<DatabaseHandle> handle);
  std::unique_ptr<DatabaseHandle> handle_;
};

}  // namespace orkestra
