#include <orkestra/core/database_handle.h>

#include <sqlite3.h>

#include <cerrno>
#include <thread>

namespace orkestra {
namespace {

// Called about every kProgressSteps virtual machine instructions (some tens of microseconds).
constexpr int kProgressSteps = 1000;

int on_progress(void* self) { return static_cast<DatabaseHandle*>(self)->limit_reached() ? 1 : 0; }

// Waits for another connection's lock in short steps, so that a stop request is seen.
int on_busy(void* self, int times) {
  constexpr std::chrono::milliseconds kStep{5};
  const auto& handle = *static_cast<DatabaseHandle*>(self);
  if (handle.limit_reached() || times * kStep >= handle.busy_timeout) return 0;
  std::this_thread::sleep_for(kStep);
  return 1;
}

ErrorCode error_code(int primary, int system_errno) {
  switch (primary) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
      return ErrorCode::kExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
      return ErrorCode::kConflict;
    case SQLITE_AUTH:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return ErrorCode::kDenied;
    case SQLITE_NOTFOUND:
      return ErrorCode::kNotFound;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
      const bool full = system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
      return full ? ErrorCode::kExhausted : ErrorCode::kUnavailable;
    }
    case SQLITE_MISUSE:
    case SQLITE_INTERNAL:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kInvalid;
  }
}

}  // namespace

DatabaseHandle::~DatabaseHandle() { sqlite3_close_v2(db); }

Error DatabaseHandle::error(int result) const {
  const int primary = result & 0xff;
  const std::string file = path.string();
  if (limit_reached() && (primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY)) {
    if (limits->stop.stop_requested()) {
      return {ErrorCode::kCancelled, file + ": the query was stopped"};
    }
    return {ErrorCode::kDeadline,
            file + ": the query ran past its time limit; ask for less or add a condition"};
  }
  // A virtual table that prepares what is refused reports it as a plain error.
  if (primary == SQLITE_AUTH || (primary == SQLITE_ERROR && !refused.empty())) {
    return {ErrorCode::kDenied, file + ": only reading is allowed; refused: " +
                                    (refused.empty() ? std::string("this statement") : refused)};
  }
  std::string message = sqlite3_errmsg(db);
  switch (primary) {
    case SQLITE_NOTADB:
      message = "not a SQLite database";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      message = "locked by another connection; try again when it is done";
      break;
    case SQLITE_FULL:
      message = "no space left to write; free some and try again";
      break;
    case SQLITE_READONLY:
      message = "can not be written: it is open or stored read-only";
      break;
    case SQLITE_INTERRUPT:
      return {ErrorCode::kCancelled, file + ": the query was stopped"};
    default:
      break;
  }
  return {error_code(primary, sqlite3_system_errno(db)), file + ": " + message};
}

void DatabaseHandle::install_limits() {
  sqlite3_progress_handler(db, kProgressSteps, on_progress, this);
  sqlite3_busy_handler(db, on_busy, this);
}

}  // namespace orkestra
