// DatabaseHandle: one SQLite connection, the limits its statements run under and what they may do.
// Private to core/database*.cpp; owned by a Database, used by one thread at a time.
#pragma once

#include <orkestra/core/error.h>
#include <orkestra/core/limits.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

struct sqlite3;

namespace orkestra {

struct DatabaseHandle {
  DatabaseHandle() = default;
  DatabaseHandle(const DatabaseHandle&) = delete;
  DatabaseHandle& operator=(const DatabaseHandle&) = delete;
  ~DatabaseHandle();

  sqlite3* db = nullptr;
  std::filesystem::path path;
  std::chrono::milliseconds busy_timeout{0};
  std::optional<Limits> limits;
  bool reading_only = false;
  std::string refused;  // what the authorizer refused last: "INSERT into customers"

  bool limit_reached() const {
    return limits && (limits->stop.stop_requested() || limits->expired());
  }
  // The Error for SQLite's `result` code; reads the connection's message and `refused`.
  Error error(int result) const;
  // Callbacks into SQLite, installed for the connection's whole life.
  void install_limits();
  void install_authorizer();
};

}  // namespace orkestra
