// Folder: a temporary folder of one test, removed with everything in it. And what the journal
// tests have in common: a step into the file past the journal, and events to append.
#pragma once

#include <orkestra/core/database.h>
#include <orkestra/planner/journal.h>

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace orkestra::planner {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "journal.XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline NewEvent event(std::string kind, Json body = Json::object(), std::int64_t at_ms = 1000) {
  NewEvent made;
  made.kind = std::move(kind);
  made.at_ms = at_ms;
  made.body = std::move(body);
  return made;
}

// The code of the Error that `work` throws; fails the test when it throws none.
template <typename Work>
ErrorCode code_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  throw std::runtime_error("no Error was thrown");
}

// Changes the file behind the journal's back: without its triggers.
inline void tamper(const std::filesystem::path& path, std::string_view sql) {
  Database database = Database::open(path);
  Statement triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type='trigger'");
  std::vector<std::string> created;
  std::string drop;
  while (triggers.step()) {
    drop += "DROP TRIGGER " + triggers.text(0) + ";";
    created.push_back(triggers.text(1));
  }
  database.execute(drop);
  database.execute(sql);
  for (const std::string& each : created) database.execute(each);
}

}  // namespace orkestra::planner
