// What the README tells a reader to do, done: its commands run, its C++ is compiled.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/examples/example_folder.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orkestra {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(ORKESTRA_SOURCE_DIR "/" + file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? "" : line.substr(begin);
}

// The README's lines between two that are `begin` and `end`.
std::vector<std::string> between(const std::string& begin, const std::string& end) {
  std::vector<std::string> found;
  bool inside = false;
  for (const std::string& line : lines_of("README.md")) {
    if (inside && line == end) return found;
    if (inside && !trimmed(line).empty()) found.push_back(trimmed(line));
    if (line == begin) inside = true;
  }
  FAIL("the README has no part from " << begin << " to " << end);
  return {};
}

}  // namespace

TEST_CASE("every command of the README does what it is there for") {
  const ExampleFolder folder;
  std::filesystem::copy(ORKESTRA_SOURCE_DIR "/examples", folder.file("examples"),
                        std::filesystem::copy_options::recursive);
  std::filesystem::create_directories(folder.file("build"));
  std::filesystem::create_directory_symlink(ORKESTRA_BINARY_DIR, folder.file("build/release"));
  const std::string at = "cd " + folder.file("examples").string() +
                         " && export XDG_DATA_HOME=" + folder.file("data").string() + " && ";
  int ran = 0;
  std::string setting;
  for (const std::string& line : between("<!-- commands:begin -->", "<!-- commands:end -->")) {
    if (line.starts_with("export ")) {
      setting = line + " && ";
      continue;
    }
    REQUIRE(line.starts_with("orkestra "));
    const CommandResult result = shell_command(at + setting + line);
    CAPTURE(line, result.output);
    CHECK(result.status == 0);
    ++ran;
  }
  CHECK(ran >= 10);
}

TEST_CASE("the README's C++ stands in an example that is compiled and run") {
  const std::vector<std::string> example = lines_of("examples/sdk/own_tool.cpp");
  std::size_t next = 0;
  const std::vector<std::string> snippet = between("```cpp", "```");
  REQUIRE(snippet.size() > 10);
  for (const std::string& line : snippet) {
    CAPTURE(line);
    while (next < example.size() && trimmed(example[next]) != line) ++next;
    REQUIRE(next < example.size());
  }
}

}  // namespace orkestra
