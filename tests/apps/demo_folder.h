// A private copy of the sales example's database and a store beside it, removed at the end.
#pragma once

#include <orkestra/agent/agent.h>

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <string>

namespace orkestra {

class DemoFolder {
 public:
  DemoFolder() {
    static std::atomic<int> next{0};
    path_ = std::filesystem::temp_directory_path() /
            ("orkestra-demo-" + std::to_string(getpid()) + "-" + std::to_string(next++));
    std::filesystem::create_directories(path_);
    std::filesystem::copy_file(sales() / "sales.db", database(),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::permissions(database(), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
  }
  ~DemoFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  DemoFolder(const DemoFolder&) = delete;
  DemoFolder& operator=(const DemoFolder&) = delete;

  static std::filesystem::path sales() {
    return std::filesystem::path(ORKESTRA_SOURCE_DIR) / "examples/sales";
  }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  std::filesystem::path database() const { return file("sales.db"); }

  agent::AgentOptions options() const {
    return {.model = ORKESTRA_BINARY_DIR "/share/orkestra/models/nano.gguf",
            .databases = {database()},
            .queries = {sales() / "queries.sql"},
            .store = file("store.db")};
  }
  // The same for the command line.
  std::string flags() const {
    return " --db " + database().string() + " --queries " + (sales() / "queries.sql").string() +
           " --store " + file("store.db").string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace orkestra
