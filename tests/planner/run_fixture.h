// A folder with a small sales database, saved queries over it and scripts for the scripted model;
// removed when it goes out of scope. For tests of whole runs.
#pragma once

#include <orkestra/agent/agent.h>
#include <orkestra/core/database.h>

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

namespace orkestra::planner {

class RunFixture {
 public:
  RunFixture() {
    static std::atomic<int> next{0};
    folder_ = std::filesystem::temp_directory_path() /
              ("orkestra-run-" + std::to_string(getpid()) + "-" + std::to_string(next++));
    std::filesystem::create_directories(folder_);
    Database database = Database::open(file("sales.db"));
    database.execute(
        "create table regions(name text primary key, revenue integer, target integer,"
        " manager text);"
        "insert into regions values('North', 4200, 5000, 'Ada Moss'),"
        " ('South', 6100, 6000, 'Ben Hale'), ('Westmark', 3300, 3300, 'Cleo Finch');");
    write("queries.sql",
          "-- name: region_revenue\n"
          "-- description: Get the revenue of a region.\n"
          "-- param region: string, copied from the request, one of: select name from regions\n"
          "-- answer: The revenue of the region {region} is {revenue}.\n"
          "select revenue from regions where name = :region;\n"
          "\n"
          "-- name: region_target\n"
          "-- description: Get the target of a region.\n"
          "-- param region: string, copied from the request, one of: select name from regions\n"
          "-- answer: The target of the region {region} is {target}.\n"
          "select target from regions where name = :region;\n");
  }
  ~RunFixture() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RunFixture(const RunFixture&) = delete;
  RunFixture& operator=(const RunFixture&) = delete;

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }

  // Options that run `script` (JSON Lines) over the fixture's database.
  agent::AgentOptions scripted(const std::string& script,
                               const std::string& store = "store.db") const {
    write("script.jsonl", script);
    return {.model = "script:" + file("script.jsonl").string(),
            .databases = {file("sales.db")},
            .queries = {file("queries.sql")},
            .store = file(store)};
  }

 private:
  std::filesystem::path folder_;
};

// A script line that calls a tool.
inline std::string call_line(const std::string& name, const Json& arguments) {
  return dump_json({{"call", {{"name", name}, {"arguments", arguments}}}}) + "\n";
}
inline std::string text_line(const std::string& text) { return dump_json({{"text", text}}) + "\n"; }

}  // namespace orkestra::planner
