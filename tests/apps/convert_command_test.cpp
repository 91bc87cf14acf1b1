// `orkestra model convert` as a person at a shell sees it.

#include <orkestra/core/json.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/checkpoints.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace orkestra;
using namespace orkestra::tests;

namespace {

struct Folder {
  std::string command(const std::string& checkpoint) const {
    return "model convert " + checkpoint_path(checkpoint) + " " + out.string();
  }
  std::string bytes() const {
    std::ifstream file(out, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TemporaryFolder folder;
  std::filesystem::path out = folder.path() / "out.gguf";
};

}  // namespace

TEST_CASE("a converted folder is a model that can be looked into and tokenises") {
  const Folder folder;
  const CommandResult result = orkestra_command(folder.command("llama") + " --type bf16 --json");
  REQUIRE(result.status == 0);
  CHECK(parse_json(result.output).at("architecture") == "llama");
  CHECK(model::GgufFile::open(folder.out)->find_tensor("blk.0.attn_q.weight")->type ==
        model::TensorType::kBF16);
  const CommandResult ids =
      orkestra_command("model tokenize " + folder.out.string() + " --text 'a<|end|>'");
  CHECK(ids.status == 0);
  CHECK(ids.output == "100 63 127 104 113 103 127 65\n");  // spelled out: no control token
  const CommandResult info = orkestra_command("model info " + folder.out.string());
  CHECK_THAT(info.output, Catch::Matchers::Contains("llama"));
}

TEST_CASE("convert names what it can't do and leaves no file") {
  const Folder folder;
  const CommandResult type = orkestra_command(folder.command("llama") + " --type q4");
  CHECK(type.status == 2);
  CHECK_THAT(type.output, Catch::Matchers::Contains("--type q4: give f32, f16 or bf16"));
  const CommandResult nothing = orkestra_command("model convert " + folder.folder.path().string() +
                                                 " " + folder.out.string());
  CHECK(nothing.status == 1);
  CHECK_THAT(nothing.output, Catch::Matchers::Contains("config.json"));
  CHECK_FALSE(std::filesystem::exists(folder.out));
}

TEST_CASE("convert killed at any moment leaves no file or a whole one") {
  const Folder folder;
  REQUIRE(orkestra_command(folder.command("jamba")).status == 0);
  const std::string whole = folder.bytes();
  for (const char* after : {"0.005", "0.01", "0.02", "0.03", "0.05"}) {
    std::filesystem::remove(folder.out);
    shell_command(std::string("timeout -s KILL ") + after +
                  " " ORKESTRA_BINARY_DIR "/bin/orkestra " + folder.command("jamba"));
    INFO(after);
    if (std::filesystem::exists(folder.out)) CHECK(folder.bytes() == whole);
  }
}
