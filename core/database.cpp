#include <orkestra/core/database.h>
#include <orkestra/core/database_handle.h>

#include <sqlite3.h>

#include <thread>

namespace orkestra {
namespace {

void check(const DatabaseHandle& handle, int result) {
  if (result != SQLITE_OK) throw handle.error(result);
}

// Refuses what SQLite would block on, create by surprise or explain badly.
void check_file(const std::filesystem::path& path, const DatabaseOptions& options) {
  if (path.empty()) throw Error(ErrorCode::kInvalid, "the database's file name is empty");
  if (path == ":memory:" && !options.read_only) return;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    throw Error(ErrorCode::kInvalid, path.string() + ": a folder, not a database file");
  }
  if (!std::filesystem::exists(status)) {
    if (!options.read_only) return;
    throw Error(ErrorCode::kNotFound, path.string() + ": no such database file; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::kInvalid, path.string() + ": not a regular file");
  }
}

// SQLite reads "file:..." as a URI in some builds; a path never starts with a scheme here.
std::string sqlite_name(const std::filesystem::path& path) {
  const std::string name = path.string();
  return name.starts_with("file:") ? "./" + name : name;
}

void make_durable(Database& database, const DatabaseHandle& handle) {
  const auto give_up = std::chrono::steady_clock::now() + handle.busy_timeout;
  for (;;) {
    try {
      Statement mode = database.prepare("PRAGMA journal_mode=WAL");
      if (!mode.step() || mode.text(0) != "wal") {
        throw Error(ErrorCode::kUnsupported,
                    handle.path.string() +
                        ": a write-ahead log is not possible there; choose a "
                        "file on a local disk");
      }
      break;
    } catch (const Error& e) {
      // Changing the mode does not always wait for the lock by itself.
      if (e.code() != ErrorCode::kConflict || std::chrono::steady_clock::now() >= give_up) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  database.execute("PRAGMA synchronous=FULL");
}

// https://www.sqlite.org/security.html, "Untrusted SQLite Database Files".
void harden(Database& database, sqlite3* db) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  database.execute("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0");
}

// Bounds on SQL and values from outside; a stricter limit set before stays.
void limit_sizes(sqlite3* db) {
  const auto lower = [db](int which, int value) {
    if (sqlite3_limit(db, which, -1) > value) sqlite3_limit(db, which, value);
  };
  lower(SQLITE_LIMIT_LENGTH, 8 << 20);
  lower(SQLITE_LIMIT_SQL_LENGTH, 256 << 10);
  lower(SQLITE_LIMIT_COLUMN, 1000);
  lower(SQLITE_LIMIT_EXPR_DEPTH, 200);
  lower(SQLITE_LIMIT_COMPOUND_SELECT, 100);
  lower(SQLITE_LIMIT_VDBE_OP, 250'000);
  lower(SQLITE_LIMIT_FUNCTION_ARG, 64);
  lower(SQLITE_LIMIT_ATTACHED, 0);
  lower(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200);
  lower(SQLITE_LIMIT_VARIABLE_NUMBER, 1000);
  lower(SQLITE_LIMIT_TRIGGER_DEPTH, 10);
  lower(SQLITE_LIMIT_WORKER_THREADS, 0);
}

}  // namespace

Database::Database(std::unique_ptr<DatabaseHandle> handle) : handle_(std::move(handle)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Database Database::open(const std::filesystem::path& path, const DatabaseOptions& options) {
  check_file(path, options);
  auto handle = std::make_unique<DatabaseHandle>();
  handle->path = path;
  handle->busy_timeout = std::chrono::milliseconds(options.busy_timeout_ms);
  const int flags =
      (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(sqlite_name(path).c_str(), &handle->db, flags, nullptr);
  if (!handle->db) throw Error(ErrorCode::kExhausted, path.string() + ": out of memory");
  check(*handle, opened);
  handle->install_limits();
  sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  // A double-quoted word that names no column is an error, not a string.
  sqlite3_db_config(handle->db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);

  Database database(std::move(handle));
  if (options.untrusted) {
    harden(database, database.handle());
    limit_sizes(database.handle());
  }
  // SQLite opens lazily: read the header now, so that a bad file fails here.
  database.prepare("PRAGMA schema_version").run();
  if (options.durable) make_durable(database, *database.handle_);
  return database;
}

Statement Database::prepare(std::string_view sql) {
  handle_->refused.clear();
  if (sql.size() >
      static_cast<std::size_t>(sqlite3_limit(handle_->db, SQLITE_LIMIT_SQL_LENGTH, -1))) {
    throw Error(ErrorCode::kExhausted, handle_->path.string() + ": the SQL is too long");
  }
  if (sql.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::kInvalid, handle_->path.string() + ": the SQL holds a NUL character");
  }
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  check(*handle_, sqlite3_prepare_v3(handle_->db, sql.data(), static_cast<int>(sql.size()),
                                     SQLITE_PREPARE_PERSISTENT, &raw, &rest));
  if (!raw) throw Error(ErrorCode::kInvalid, handle_->path.string() + ": the SQL is empty");
  Statement statement(*handle_, raw);

  // Whatever follows must compile to nothing: white space, comments, semicolons.
  const char* const end = sql.data() + sql.size();
  while (rest < end) {
    sqlite3_stmt* more = nullptr;
    const int result =
        sqlite3_prepare_v2(handle_->db, rest, static_cast<int>(end - rest), &more, &rest);
    sqlite3_finalize(more);
    if (result != SQLITE_OK || more) {
      throw Error(ErrorCode::kInvalid,
                  handle_->path.string() + ": exactly one SQL statement is allowed at a time");
    }
  }
  // VACUUM INTO and EXPLAIN never ask the authorizer.
  if (handle_->reading_only && (sqlite3_column_count(raw) == 0 || !sqlite3_stmt_readonly(raw) ||
                                sqlite3_stmt_isexplain(raw) != 0)) {
    handle_->refused = "a statement that is not a SELECT";
    throw handle_->error(SQLITE_AUTH);
  }
  return statement;
}

void Database::execute(std::string_view sql) {
  handle_->refused.clear();
  if (handle_->reading_only) {
    prepare(sql).run();
    return;
  }
  check(*handle_, sqlite3_exec(handle_->db, std::string(sql).c_str(), nullptr, nullptr, nullptr));
}

void Database::transaction(const std::function<void()>& work) {
  execute("BEGIN IMMEDIATE");
  try {
    work();
    execute("COMMIT");
  } catch (...) {
    // SQLite has rolled back by itself after some errors; a limit must not stop this one.
    if (!sqlite3_get_autocommit(handle_->db)) {
      sqlite3_progress_handler(handle_->db, 0, nullptr, nullptr);
      sqlite3_exec(handle_->db, "ROLLBACK", nullptr, nullptr, nullptr);
      handle_->install_limits();
    }
    throw;
  }
}

void Database::restrict_to_reading() {
  limit_sizes(handle_->db);
  handle_->install_authorizer();
}

void Database::set_limits(const Limits& limits) { handle_->limits = limits; }
void Database::clear_limits() { handle_->limits.reset(); }
const std::filesystem::path& Database::path() const { return handle_->path; }
sqlite3* Database::handle() { return handle_->db; }

}  // namespace orkestra
