// `orkestra model quantize` and `perplexity` as a person at a shell sees them.

#include <orkestra/bench/random_model/shapes.h>
#include <orkestra/core/json.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/catch.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace orkestra;

namespace {

struct Folder {
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("orkestra-quantize-command-" + std::to_string(::getpid()))),
        in(path / "in.gguf"),
        out(path / "out.gguf") {
    std::filesystem::create_directories(path);
    bench::write_random_model(*bench::find_shape("jamba-tiny"), {.f32 = true}, in);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string command(const std::string& type) const {
    return "model quantize " + in.string() + " " + out.string() + " " + type;
  }
  std::string bytes() const {
    std::ifstream file(out, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::filesystem::path path;
  std::filesystem::path in;
  std::filesystem::path out;
};

}  // namespace

TEST_CASE("quantize tells each tensor's error and the total") {
  const Folder folder;
  const CommandResult text = orkestra_command(folder.command("Q4_K_M"));
  CHECK(text.status == 0);
  CHECK_THAT(text.output, Catch::Matchers::Contains("F32 -> Q4_K") &&
                              Catch::Matchers::Contains("error of the quantised weights 6."));
  const CommandResult json = orkestra_command(folder.command("q8_0") + " --json");
  CHECK(json.status == 0);
  const Json report = parse_json(json.output);
  CHECK(report.at("tensors").size() == 63);
  CHECK(report.at("relative_error").get<double>() < 0.006);
  CHECK(model::GgufFile::open(folder.out)->tensors().size() == 63);
}

TEST_CASE("quantize names what it can't do") {
  const Folder folder;
  const CommandResult type = orkestra_command(folder.command("Q9"));
  CHECK(type.status == 2);
  CHECK_THAT(type.output,
             Catch::Matchers::Contains("Q9 is not a type to quantise to; there are F16, BF16, "
                                       "Q8_0, Q6_K, Q5_K_M, Q5_1, Q5_0, Q4_K_M, Q4_1, Q4_0"));
  CHECK_FALSE(std::filesystem::exists(folder.out));
}

TEST_CASE("quantize killed at any moment leaves no file or a whole one") {
  const Folder folder;
  REQUIRE(orkestra_command(folder.command("Q4_K_M")).status == 0);
  const std::string whole = folder.bytes();
  for (const char* after : {"0.01", "0.03", "0.05", "0.08", "0.12", "0.2"}) {
    std::filesystem::remove(folder.out);
    shell_command(std::string("timeout -s KILL ") + after +
                  " " ORKESTRA_BINARY_DIR "/bin/orkestra " + folder.command("Q4_K_M"));
    INFO(after);
    if (std::filesystem::exists(folder.out)) CHECK(folder.bytes() == whole);
  }
}

TEST_CASE("perplexity of a text is told, and a text that is too short refused") {
  const Folder folder;
  const auto text = folder.path / "text.txt";
  std::ofstream(text) << "the quick brown fox jumps over the lazy dog and goes on to the river";
  const std::string command = "model perplexity " + folder.in.string() + " --text " + text.string();
  const CommandResult result = orkestra_command(command + " -c 16 --json");
  CHECK(result.status == 0);
  CHECK(parse_json(result.output).at("perplexity").get<double>() > 1.0);
  const CommandResult refused = orkestra_command(command);
  CHECK(refused.status == 2);
  CHECK_THAT(refused.output, Catch::Matchers::Contains("fewer than one context of 512"));
  CHECK(orkestra_command(command + "x").status == 1);
}
