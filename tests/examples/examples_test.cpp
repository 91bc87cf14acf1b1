// The example programs, run as a reader of them would.
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/catch.h>

#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace orkestra {
namespace {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("orkestra-examples-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  CommandResult run(const std::string& example, const std::string& arguments = "") const {
    return shell_command("cd " + path_.string() + " && " ORKESTRA_BINARY_DIR "/bin/example_" +
                         example + " " + arguments);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("ask_database answers from the sample database") {
  const CommandResult result = Folder().run("ask_database", ORKESTRA_SOURCE_DIR "/examples");
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  REQUIRE(result.output.find("7326.41") != std::string::npos);
}

TEST_CASE("own_tool answers through its own function, and only what that knows") {
  const Folder folder;
  const CommandResult known = folder.run("own_tool");
  CAPTURE(known.output);
  REQUIRE(known.status == 0);
  REQUIRE(known.output.find("is sent [1]") != std::string::npos);
  const CommandResult unknown = folder.run("own_tool", "'What is the status of the order K-500?'");
  CAPTURE(unknown.output);
  REQUIRE(unknown.status == 3);
}

TEST_CASE("every example program fits on a page") {
  constexpr long kLines = 50;
  int seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(ORKESTRA_SOURCE_DIR "/examples/sdk")) {
    std::ifstream file(entry.path());
    const long lines = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    CAPTURE(entry.path().string());
    CHECK(lines <= kLines);
    ++seen;
  }
  CHECK(seen >= 2);
}

}  // namespace orkestra
