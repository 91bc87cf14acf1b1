#include <orkestra/planner/journal_file.h>

#include <string>
#include <system_error>

namespace orkestra::planner {
namespace {

// `run` holds what only moves forward: the epoch, how many events there are and the last one's
// hash, so that a cut-off tail is noticed. The triggers let nothing happen to an event but the
// erasure of its body.
constexpr const char* kSchema = R"sql(
CREATE TABLE run(
  id TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL,
  events INTEGER NOT NULL,
  head TEXT NOT NULL
) STRICT;
CREATE TABLE event(
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  branch TEXT NOT NULL,
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  label TEXT NOT NULL,
  body TEXT,
  body_hash TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY(run, seq)
) STRICT;
CREATE TABLE blob(
  hash TEXT NOT NULL PRIMARY KEY,
  bytes TEXT NOT NULL
) STRICT;
CREATE TABLE forgotten(
  hash TEXT NOT NULL PRIMARY KEY
) STRICT;
CREATE TRIGGER event_added_at_the_end BEFORE INSERT ON event
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM event WHERE run = NEW.run)
BEGIN
  SELECT RAISE(ABORT, 'events are only added at the end of their run');
END;
CREATE TRIGGER event_never_changed BEFORE UPDATE ON event
WHEN NEW.body IS NOT NULL OR NEW.run IS NOT OLD.run OR NEW.seq IS NOT OLD.seq
  OR NEW.epoch IS NOT OLD.epoch OR NEW.branch IS NOT OLD.branch OR NEW.kind IS NOT OLD.kind
  OR NEW.version IS NOT OLD.version OR NEW.at IS NOT OLD.at OR NEW.label IS NOT OLD.label
  OR NEW.body_hash IS NOT OLD.body_hash OR NEW.prev_hash IS NOT OLD.prev_hash
  OR NEW.hash IS NOT OLD.hash
BEGIN
  SELECT RAISE(ABORT, 'events are never changed; only their bodies can be forgotten');
END;
CREATE TRIGGER event_never_deleted BEFORE DELETE ON event
BEGIN
  SELECT RAISE(ABORT, 'events are never deleted');
END;
)sql";

std::int64_t single_integer(Database& database, std::string_view sql) {
  Statement statement = database.prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

// Every table, index and trigger as it was created; SQLite's own are left out.
std::string schema_of(Database& database) {
  Statement rows = database.prepare(
      "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name");
  std::string schema;
  while (rows.step()) schema += rows.text(0) + ";\n";
  return schema;
}

std::string expected_schema() {
  Database database = Database::open(":memory:");
  database.execute(kSchema);
  return schema_of(database);
}

enum class Found { kJournal, kEmpty };

// Throws kCorrupt when the file is neither a journal of this format nor an empty database.
Found identify(Database& database, const std::filesystem::path& path) {
  const std::int64_t application = single_integer(database, "PRAGMA application_id");
  const std::int64_t format = single_integer(database, "PRAGMA user_version");
  if (application == 0 && format == 0 &&
      single_integer(database, "SELECT count(*) FROM sqlite_schema") == 0) {
    return Found::kEmpty;
  }
  const auto refuse = [&](const std::string& cause) {
    return Error(ErrorCode::kCorrupt, path.string() + ": " + cause);
  };
  if (application != kJournalApplicationId) {
    throw refuse("a database, but not a journal. Name another file for the store.");
  }
  if (format > kJournalFormat) {
    throw refuse("a journal of format " + std::to_string(format) +
                 ", written by a newer Orkestra; this one reads formats up to " +
                 std::to_string(kJournalFormat) + ". Use the newer program.");
  }
  // Exactly ours: a trigger somebody added would run with every append.
  if (format != kJournalFormat || schema_of(database) != expected_schema()) {
    throw refuse("a damaged journal: its tables are not those of format " +
                 std::to_string(kJournalFormat) + ". Restore it from a copy.");
  }
  return Found::kJournal;
}

void create_folders(const std::filesystem::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code failure;
  std::filesystem::create_directories(path.parent_path(), failure);
  if (!failure) return;
  const bool full = failure == std::errc::no_space_on_device;
  throw Error(
      full ? ErrorCode::kExhausted : ErrorCode::kDenied,
      path.parent_path().string() + ": the journal's folder can't be made: " + failure.message());
}

// Refuses a file that is something else before it is opened for writing, which would switch it to
// a write-ahead log.
void look_at(const std::filesystem::path& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  if (failure || size == 0) return;
  const auto look = [&](bool read_only) {
    Database database = Database::open(path, {.read_only = read_only, .untrusted = true});
    identify(database, path);
  };
  try {
    look(true);
  } catch (const Error& error) {
    // Somebody died while changing the file; SQLite must first roll that back.
    if (error.code() != ErrorCode::kDenied) throw;
    look(false);
  }
}

Database open_and_check(const std::filesystem::path& path) {
  look_at(path);
  Database database = Database::open(path, {.durable = true});
  // Erased bodies are overwritten, not just unlinked.
  database.execute("PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON");
  if (identify(database, path) == Found::kEmpty) {
    database.transaction([&] {
      // Another process may have been first.
      if (identify(database, path) == Found::kJournal) return;
      database.execute(kSchema);
      database.execute("PRAGMA application_id = " + std::to_string(kJournalApplicationId));
      database.execute("PRAGMA user_version = " + std::to_string(kJournalFormat));
    });
  }
  return database;
}

}  // namespace

Database open_journal_file(const std::filesystem::path& path) {
  create_folders(path);
  try {
    return open_and_check(path);
  } catch (const Error& error) {
    // The SQL is fixed: when it does not run, the file is at fault.
    std::error_code ignored;
    if (error.code() != ErrorCode::kInvalid || !std::filesystem::is_regular_file(path, ignored)) {
      throw;
    }
    throw Error(ErrorCode::kCorrupt, path.string() + ": a damaged journal: " + error.message());
  }
}

Database open_journal_reader(const std::filesystem::path& path) {
  Database database = Database::open(path, {.read_only = true});
  database.execute("PRAGMA cell_size_check = ON");
  return database;
}

}  // namespace orkestra::planner
