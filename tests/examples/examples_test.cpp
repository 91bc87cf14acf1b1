// The example programs, run as a reader of them would.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/examples/example_folder.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace orkestra {
TEST_CASE("ask_database answers from the sample database") {
  const CommandResult result =
      ExampleFolder().run("example_ask_database " ORKESTRA_SOURCE_DIR "/examples");
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  REQUIRE(result.output.find("7326.41") != std::string::npos);
}

TEST_CASE("own_tool answers through its own function, and only what that knows") {
  const ExampleFolder folder;
  const CommandResult known = folder.run("example_own_tool");
  CAPTURE(known.output);
  REQUIRE(known.status == 0);
  REQUIRE(known.output.find("is sent [1]") != std::string::npos);
  const CommandResult unknown =
      folder.run("example_own_tool 'What is the status of the order K-500?'");
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
