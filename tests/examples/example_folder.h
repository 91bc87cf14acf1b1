// An empty folder to run the built programs in; removed at the end.
#pragma once

#include <orkestra/tests/apps/command_line.h>

#include <unistd.h>
#include <atomic>
#include <filesystem>
#include <string>

namespace orkestra {

class ExampleFolder {
 public:
  ExampleFolder() {
    static std::atomic<int> next{0};
    path_ = std::filesystem::temp_directory_path() /
            ("orkestra-examples-" + std::to_string(getpid()) + "-" + std::to_string(next++));
    std::filesystem::create_directories(path_);
  }
  ~ExampleFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ExampleFolder(const ExampleFolder&) = delete;
  ExampleFolder& operator=(const ExampleFolder&) = delete;

  std::filesystem::path file(const std::string& name) const { return path_ / name; }

  // A built program by name, with shell words.
  CommandResult run(const std::string& command) const {
    return shell_command("cd " + path_.string() + " && " ORKESTRA_BINARY_DIR "/bin/" + command);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace orkestra
