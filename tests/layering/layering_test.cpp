// The house keeps its own rules: read every source file of the tree and hold it against them.
#include <orkestra/tests/catch.h>
#include <orkestra/tests/layering/rules.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace orkestra::layering;

namespace {

std::vector<SourceFile> source_files(const std::filesystem::path& root) {
  std::vector<SourceFile> files;
  for (std::filesystem::recursive_directory_iterator entry(root), end; entry != end; ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() && (name == "build" || name.starts_with('.'))) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file() || (!name.ends_with(".h") && !name.ends_with(".cpp"))) continue;
    std::ifstream stream(entry->path(), std::ios::binary);
    files.push_back({std::filesystem::relative(entry->path(), root).generic_string(),
                     {std::istreambuf_iterator<char>(stream), {}}});
  }
  return files;
}

std::vector<std::string> check(const std::string& path, const std::string& text) {
  return check_file({path, text});
}

}  // namespace

TEST_CASE("every file of the tree keeps the rules of the house") {
  const auto files = source_files(ORKESTRA_SOURCE_DIR);
  // The walk found the tree, this file included.
  REQUIRE(std::any_of(files.begin(), files.end(), [](const SourceFile& file) {
    return file.path == "tests/layering/layering_test.cpp";
  }));
  REQUIRE(files.size() > 50);
  for (const SourceFile& file : files) {
    for (const std::string& broken : check_file(file)) FAIL_CHECK(broken);
  }
  for (const std::string& ring : check_cycles(files)) FAIL_CHECK(ring);
}

TEST_CASE("an include from a layer above is told with its place") {
  const auto broken = check("core/x.cpp", "\n#include <orkestra/model/model.h>\n");
  REQUIRE(broken.size() == 1);
  CHECK(broken[0] == "core/x.cpp:2: core may not include model (orkestra/model/model.h)");
}

TEST_CASE("the table of layers is enforced") {
  struct Case {
    const char* from;
    const char* to;
    bool allowed;
  };
  const Case each = GENERATE(values<Case>({
      {"core", "core", true},        {"core", "tools", false},      {"model", "core", true},
      {"model", "retrieval", false}, {"retrieval", "model", false}, {"retrieval", "core", true},
      {"tools", "retrieval", true},  {"tools", "model", false},     {"tools", "planner", false},
      {"plugins", "tools", true},    {"plugins", "model", false},   {"plugins", "retrieval", false},
      {"planner", "model", true},    {"planner", "tools", true},    {"planner", "agent", false},
      {"planner", "plugins", false}, {"agent", "planner", true},    {"agent", "apps", false},
      {"service", "agent", true},    {"service", "apps", false},    {"apps", "service", true},
      {"apps", "core", true},        {"apps", "tests", false},      {"core", "tests", false},
      {"tests", "apps", true},       {"examples", "agent", true},   {"garage", "core", false},
  }));
  INFO(each.from << " includes " << each.to);
  const auto broken = check(std::string(each.from) + "/x.cpp",
                            "#include <orkestra/" + std::string(each.to) + "/y.h>\n");
  CHECK(broken.empty() == each.allowed);
}

TEST_CASE("third parties are included only at their door") {
  CHECK(check("tools/x.cpp", "#include <sqlite3.h>").size() == 1);
  CHECK(check("core/database_x.cpp", "#include <sqlite3.h>").empty());
  CHECK(check("core/x.cpp", "#include <openssl/sha.h>").size() == 1);
  CHECK(check("core/hash.cpp", "#include <openssl/sha.h>").empty());
  CHECK(check("tools/x.cpp", "# include <faiss/IndexFlat.h>").size() == 1);
  CHECK(check("agent/x.cpp", "#include <boost/beast/core.hpp>").size() == 1);
  CHECK(check("service/x.cpp", "#include <boost/beast/core.hpp>").empty());
  CHECK(check("agent/x.cpp", "  #  include  <CLI/CLI.hpp>").size() == 1);
  CHECK(check("apps/x.cpp", "#include <CLI/CLI.hpp>").empty());
  CHECK(check("tests/core/x.cpp", "#include <catch2/catch.hpp>").size() == 1);
  CHECK(check("tests/catch.h", "// x\n#pragma once\n#include <catch2/catch.hpp>").empty());
  CHECK(check("model/engine/x.cpp", "#include <cuda_runtime.h>").size() == 1);
}

TEST_CASE("headers begin with a comment and are guarded; includes have one form") {
  CHECK(check("core/x.h", "// X: a thing.\n#pragma once\n").empty());
  CHECK(check("core/x.h", "#pragma once\n").size() == 1);
  CHECK(check("core/x.h", "// X: a thing.\n").size() == 1);
  CHECK(check("core/x.cpp", "#include \"core/y.h\"\n").size() == 1);
  CHECK(check("core/x.cpp", "const char* text = \"#include <sqlite3.h>\";\n").empty());
  CHECK(check("core/x.cpp", "// #include <sqlite3.h>\n").empty());
}

TEST_CASE("a file of more than 500 lines is two files") {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\n";
  CHECK(check("core/x.cpp", text).empty());
  CHECK(check("core/x.cpp", text + "\n").size() == 1);
}

TEST_CASE("rings of layers are found, each once") {
  const auto file = [](const char* path, const char* reached) {
    return SourceFile{path, "#include <orkestra/" + std::string(reached) + "/y.h>\n"};
  };
  CHECK(check_cycles({file("tools/a.h", "core"), file("planner/a.h", "tools")}).empty());
  CHECK(check_cycles({file("tests/a.h", "core"), file("core/a.h", "tests")}).empty());
  const auto rings = check_cycles({file("tools/a.h", "core"), file("core/a.h", "model"),
                                   file("model/a.h", "tools"), file("agent/a.h", "tools")});
  REQUIRE(rings.size() == 1);
  CHECK(rings[0] == "core -> model -> tools -> core");
}
