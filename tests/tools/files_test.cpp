#include <orkestra/tests/catch.h>
#include <orkestra/tools/files.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>

using namespace orkestra;
namespace fs = std::filesystem;

namespace {

// A folder with a secret beside it.
struct Sample {
  fs::path base, folder;
  tools::ToolRegistry registry;
  explicit Sample(const tools::FilesOptions& options = {}) {
    static std::atomic<int> count{0};
    base = fs::temp_directory_path() /
           ("orkestra_files_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    folder = base / "shared";
    fs::create_directories(folder / "sub");
    write(base / "secret.txt", "hunter2");
    write(folder / "notes.txt", "one\ntwo\nthree\n");
    write(folder / "sub" / "deep.txt", "deep");
    for (auto& tool : tools::make_file_tools(folder, options)) registry.add(std::move(tool));
  }
  ~Sample() { fs::remove_all(base); }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  ToolResult read(const Json& arguments) {
    return registry.call({"c", "read_file", arguments}, Limits{});
  }
  ToolResult read_path(const std::string& path) { return read({{"path", path}}); }
  ToolResult list(const Json& arguments = Json::object()) {
    return registry.call({"c", "list_files", arguments}, Limits{});
  }
};

}  // namespace

TEST_CASE("a file is read as a part that can be found again by its bytes") {
  Sample sample;
  const ToolResult result = sample.read_path("notes.txt");
  REQUIRE(result.ok);
  CHECK(result.value == Json::parse(R"({"path":"notes.txt","begin":0,"end":14,"size":14,
                                        "text":"one\ntwo\nthree\n"})"));
  REQUIRE(result.parts.size() == 1);
  CHECK(result.parts[0].text == "one\ntwo\nthree\n");
  CHECK(result.parts[0].origin.kind == Origin::Kind::kDocument);
  CHECK(result.parts[0].origin.locator == (sample.folder / "notes.txt").string());
  CHECK(result.parts[0].origin.detail == Json{{"begin", 0}, {"end", 14}});
  CHECK(result.label == Label{Integrity::kTrusted, Confidentiality::kPrivate});
  CHECK(sample.registry.find("read_file")->traits.reads_private);
}

TEST_CASE("reading on from each end gives the whole file, cut at lines and characters") {
  Sample sample;
  std::mt19937 random(7);
  const std::vector<std::string> pieces{"a",  "ü",    "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                        "\n", "word "};
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 80; ++i) text += pieces[random() % pieces.size()];
    Sample::write(sample.folder / "mixed.txt", text);
    std::string whole;
    for (std::uint64_t at = 0; at < text.size();) {
      const ToolResult result =
          sample.read({{"path", "mixed.txt"}, {"offset", at}, {"limit", 1 + random() % 20}});
      REQUIRE(result.ok);
      REQUIRE(result.value.at("begin") == at);
      const auto end = result.value.at("end").get<std::uint64_t>();
      REQUIRE(end > at);
      whole += result.value.at("text").get<std::string>();
      at = end;
    }
    REQUIRE(whole == text);
  }
}

TEST_CASE("an offset inside a character begins with the next one") {
  Sample sample;
  Sample::write(sample.folder / "euro.txt", "\xE2\x82\xACx");
  const ToolResult result = sample.read({{"path", "euro.txt"}, {"offset", 1}});
  REQUIRE(result.ok);
  CHECK(result.value.at("begin") == 3);
  CHECK(result.value.at("text") == "x");
  CHECK(sample.read({{"path", "euro.txt"}, {"offset", 4}}).value.at("text") == "");
  CHECK(sample.read({{"path", "euro.txt"}, {"offset", 5}}).code == ErrorCode::kInvalid);
  CHECK(sample.read({{"path", "euro.txt"}, {"offset", 1e300}}).code == ErrorCode::kInvalid);
  CHECK(sample.read({{"path", "euro.txt"}, {"offset", -1}}).code == ErrorCode::kInvalid);
}

TEST_CASE("no path leads out of the folder") {
  Sample sample;
  fs::create_symlink(sample.base / "secret.txt", sample.folder / "absolute");
  fs::create_symlink("../secret.txt", sample.folder / "relative");
  fs::create_symlink("..", sample.folder / "up");
  fs::create_symlink("/proc/self/root", sample.folder / "magic");
  fs::create_symlink("loop", sample.folder / "loop");
  for (const std::string path :
       {"../secret.txt", "sub/../../secret.txt", "absolute", "relative", "up/secret.txt", "magic",
        "/etc/passwd", "magic/etc/passwd", "loop", "..", "sub/../.."}) {
    INFO(path);
    CHECK(sample.read_path(path).code == ErrorCode::kDenied);
    CHECK(sample.list({{"path", path}}).code == ErrorCode::kDenied);
  }
  CHECK(sample.read_path(sample.base / "secret.txt").code == ErrorCode::kDenied);
  CHECK(sample.read_path(std::string("notes.txt\0x", 11)).code == ErrorCode::kInvalid);
  CHECK(sample.read_path("").code == ErrorCode::kNotFound);
  CHECK(sample.read_path(std::string(5000, 'x')).code == ErrorCode::kInvalid);
  // What leads out is not listed either: not even its size is told.
  CHECK(dump_json(sample.list().value) ==
        R"([{"path":"notes.txt","type":"file","bytes":14},{"path":"sub","type":"folder"}])");
}

TEST_CASE("links within the folder are followed, and paths may go up inside it") {
  Sample sample;
  fs::create_symlink("sub/deep.txt", sample.folder / "link");
  CHECK(sample.read_path("link").value.at("text") == "deep");
  CHECK(sample.read_path("sub/../notes.txt").ok);
  CHECK(dump_json(sample.list({{"path", "sub"}}).value) ==
        R"([{"path":"sub/deep.txt","type":"file","bytes":4}])");
}

TEST_CASE("what is no text file is refused") {
  Sample sample;
  Sample::write(sample.folder / "zero", std::string("a\0b", 3));
  Sample::write(sample.folder / "latin", "caf\xE9 au lait");
  REQUIRE(::mkfifo((sample.folder / "pipe").c_str(), 0600) == 0);
  for (const char* path : {"zero", "latin", "pipe", "sub"}) {
    INFO(path);
    CHECK(sample.read_path(path).code == ErrorCode::kUnsupported);
  }
  CHECK(sample.read_path("none.txt").code == ErrorCode::kNotFound);
  CHECK(sample.list({{"path", "notes.txt"}}).code == ErrorCode::kNotFound);
}

TEST_CASE("what is read and listed is bounded") {
  Sample sample({.max_read_bytes = 100, .max_entries = 5});
  Sample::write(sample.folder / "long.txt", std::string(1000, 'x'));
  CHECK(sample.read_path("long.txt").value.at("text").get<std::string>().size() == 100);
  CHECK(sample.read({{"path", "long.txt"}, {"limit", 1e30}}).value.at("end") == 100);
  CHECK(sample.read_path("long.txt").value.at("size") == 1000);
  for (int i = 0; i < 10; ++i) Sample::write(sample.folder / std::to_string(i), "x");
  const ToolResult listed = sample.list();
  CHECK(listed.value.size() == 5);
  CHECK(listed.truncated);
}

TEST_CASE("a folder that is not there is refused when the tools are made") {
  CHECK_THROWS_AS(tools::make_file_tools("/no/such/folder"), Error);
  Sample sample;
  CHECK_THROWS_AS(tools::make_file_tools(sample.folder / "notes.txt"), Error);
}
