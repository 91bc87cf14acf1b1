// `orkestra model bench`, whose JSON others compute with, and bench/compare, which does. No figure
// of speed is tested here: what is measured is, and that nothing is missing or mixed up.
#include <orkestra/apps/model_bench.h>
#include <orkestra/core/json.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/apps/demo_folder.h>
#include <orkestra/tests/catch.h>

#include <filesystem>
#include <fstream>

namespace orkestra {
namespace {

const std::string kNano = ORKESTRA_BINARY_DIR "/share/orkestra/models/nano.gguf";
const std::string kGolden = ORKESTRA_SOURCE_DIR "/tests/golden/";

// An executable shell script.
std::string script(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << "#!/bin/sh\n" << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path.string();
}

std::string peer_row(int n_prompt, int n_gen, int n_depth, const std::string& samples) {
  return R"({"build_commit": "abc", "n_prompt": )" + std::to_string(n_prompt) + R"(, "n_gen": )" +
         std::to_string(n_gen) + R"(, "n_depth": )" + std::to_string(n_depth) +
         R"(, "samples_ts": [)" + samples + "]}";
}

// compare.py on the bundled model with a peer of fixed answers and a small measure of the machine.
CommandResult compare(const DemoFolder& folder, const std::string& peer_text,
                      const std::string& more) {
  const std::string peer = script(folder.file("llama-bench"), peer_text);
  const std::string machine =
      script(folder.file("machine"), "exec " ORKESTRA_BINARY_DIR "/bin/bench_machine $1 16\n");
  return shell_command(ORKESTRA_SOURCE_DIR "/bench/compare/compare.py --ours " ORKESTRA_BINARY_DIR
                                           "/bin/orkestra --peer " +
                       folder.file("").string() + " --machine " + machine + " --model " + kNano +
                       " -p 8 -n 2 -d 0,4 -t 1 -r 1 --rounds 3 " + more);
}

}  // namespace

TEST_CASE(
    "bench --json has one whole object for each depth and length, under llama-bench's names") {
  const CommandResult result =
      orkestra_command("model bench " + kNano + " -p 8,16 -n 4 -d 0,96 -t 1 -r 2 --json");
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  const Json rows = Json::parse(result.output);
  REQUIRE(rows.size() == 6);
  const std::int64_t file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(kNano));
  std::vector<std::array<int, 3>> tests;
  for (const Json& row : rows) {
    tests.push_back({row.at("n_prompt"), row.at("n_gen"), row.at("n_depth")});
    CHECK(row.at("model_filename") == kNano);
    CHECK(row.at("file_bytes") == file_bytes);
    CHECK(row.at("model_size").get<std::int64_t>() < file_bytes);
    CHECK(row.at("model_n_params").get<std::int64_t>() > 1'000'000);
    CHECK(row.at("n_threads") == 1);
    CHECK(row.at("n_batch") == 512);
    CHECK_FALSE(row.at("kernels").get<std::string>().empty());
    CHECK_FALSE(row.at("cpu_info").get<std::string>().empty());
    CHECK(row.at("load_ms").get<double>() > 0.0);
    // The model was read, so it was resident.
    CHECK(row.at("peak_rss_bytes").get<std::int64_t>() > row.at("model_size").get<std::int64_t>());
    REQUIRE(row.at("samples_ns").size() == 2);
    REQUIRE(row.at("samples_ts").size() == 2);
    const double tokens = row.at("n_prompt").get<double>() + row.at("n_gen").get<double>();
    const double ns = row.at("samples_ns").at(1).get<double>();
    CHECK(row.at("samples_ts").at(1).get<double>() == Approx(1e9 * tokens / ns));
    CHECK(row.at("avg_ts").get<double>() ==
          Approx(apps::mean(row.at("samples_ts").get<std::vector<double>>())));
  }
  CHECK(tests == std::vector<std::array<int, 3>>{
                     {8, 0, 0}, {16, 0, 0}, {0, 4, 0}, {8, 0, 96}, {16, 0, 96}, {0, 4, 96}});
  // The tests at a depth begin with a state that holds it: more than a page of tokens.
  CHECK(rows.at(3).at("state_bytes").get<int>() > rows.at(0).at("state_bytes").get<int>());
}

TEST_CASE("a fabricated depth costs the memory of a real one, and is called what it is") {
  for (const std::string kv : {"auto", "q8_0"}) {
    const std::string bench =
        "model bench " + kNano + " -p 0 -n 2 -d 0,96 -t 1 -r 1 --json --kv " + kv;
    const CommandResult read = orkestra_command(bench);
    const CommandResult made_up = orkestra_command(bench + " --fabricate");
    CAPTURE(read.output, made_up.output);
    REQUIRE(read.status == 0);
    REQUIRE(made_up.status == 0);
    const Json read_rows = Json::parse(read.output);
    const Json rows = Json::parse(made_up.output);
    REQUIRE(rows.size() == 2);
    CHECK(rows.at(1).at("state_bytes") == read_rows.at(1).at("state_bytes"));
    CHECK(rows.at(1).at("depth_fabricated") == true);
    CHECK(rows.at(0).at("depth_fabricated") == false);
    CHECK(read_rows.at(1).at("depth_fabricated") == false);
    CHECK(rows.at(1).at("type_k") == kv);
  }
}

TEST_CASE("the long-context table has what was measured and what attention alone would take") {
  const DemoFolder folder;
  const CommandResult result = shell_command(
      ORKESTRA_SOURCE_DIR "/bench/long_context/long_context.py --ours " ORKESTRA_BINARY_DIR
                          "/bin/orkestra --model " +
      kNano + " -d 0,256,512 -t 1 -r 1 -p 8 -n 4 --json --svg " + folder.file("plot.svg").string());
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  const Json rows = Json::parse(result.output);
  REQUIRE(rows.size() == 3);
  for (const Json& row : rows) {
    CHECK(row.at("decode").get<double>() > 0.0);
    CHECK(row.at("prefill").get<double>() > 0.0);
    CHECK(row.at("same_heads").at("memory").get<double>() >= row.at("memory").get<double>());
  }
  // Three of six layers are attention: as much again as what the state has grown by.
  const double grown = rows.at(2).at("state").get<double>() - rows.at(0).at("state").get<double>();
  CHECK(rows.at(2).at("same_heads").at("memory").get<double>() ==
        Approx(rows.at(2).at("memory").get<double>() + grown));
  std::ifstream svg(folder.file("plot.svg"));
  std::string first;
  std::getline(svg, first);
  CHECK(first.rfind("<svg ", 0) == 0);
}

TEST_CASE(
    "bench measures from the first token on when asked to, and refuses what it can't measure") {
  const std::string bench = "model bench " + kNano;
  const CommandResult cold = orkestra_command(bench + " -p 0 -n 1 -t 1 -r 1 --no-warmup --json");
  CAPTURE(cold.output);
  REQUIRE(cold.status == 0);
  CHECK(Json::parse(cold.output).size() == 1);
  const CommandResult negative = orkestra_command(bench + " -p -5 -n 1");
  CAPTURE(negative.output);
  CHECK(negative.status != 0);
  CHECK(negative.output.find("-p") != std::string::npos);
  CHECK(orkestra_command(bench + " -r 0").status != 0);
  CHECK(orkestra_command(bench + " --kernels fastest").status != 0);
  const CommandResult kv = orkestra_command(bench + " --kv q4_0");
  CHECK(kv.status != 0);
  CHECK(kv.output.find("auto, f32, f16 or q8_0") != std::string::npos);
}

TEST_CASE("a token costs the matrices it is multiplied with: not the embedding, not idle experts") {
  const auto cost = [](const std::string& name) {
    const auto file = model::GgufFile::open(kGolden + name);
    std::int64_t bytes = 0;
    std::int64_t embedding = 0;
    std::int64_t experts = 0;
    for (const model::TensorView& tensor : file->tensors()) {
      const auto n = static_cast<std::int64_t>(tensor.data.size());
      bytes += n;
      if (tensor.name == "token_embd.weight") embedding = n;
      if (tensor.name.find("_exps.") != std::string::npos) experts += n;
    }
    if (file->find_tensor("output.weight") == nullptr) embedding = 0;
    const std::string architecture(file->text("general.architecture"));
    const std::int64_t n_experts = file->integer(architecture + ".expert_count", 0);
    const std::int64_t n_used = file->integer(architecture + ".expert_used_count", 0);
    const std::int64_t idle = n_experts > 0 ? experts / n_experts * (n_experts - n_used) : 0;
    return std::array<std::int64_t, 2>{apps::token_cost(*file).weight_bytes,
                                       bytes - embedding - idle};
  };
  const auto dense = cost("dense-h64-f32.gguf");
  CHECK(dense[0] == dense[1]);
  const auto experts = cost("moe-h64-f32.gguf");
  CHECK(experts[0] == experts[1]);
}

TEST_CASE("a comparison pairs each test with the peer's of the same round") {
  const DemoFolder folder;
  const std::string rows = peer_row(8, 0, 0, "2.0") + "," + peer_row(0, 2, 0, "4.0") + "," +
                           peer_row(8, 0, 4, "1.0") + "," + peer_row(0, 2, 4, "0.5");
  const std::string peer = "echo '[" + rows + "]'\n";
  const CommandResult result = compare(folder, peer, "--json");
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.output);
  CHECK(json.at("rounds") == 3);
  CHECK(json.at("peer_build") == "abc");
  REQUIRE(json.at("machine").size() == 3);
  CHECK(json.at("machine").at(0).at("read_gb_s").at("median").get<double>() > 0.0);
  std::vector<std::string> names;
  for (const Json& test : json.at("tests")) {
    names.push_back(test.at("test").get<std::string>());
    CHECK(test.at("ours").at("samples").size() == 3);
    CHECK(test.at("peer").at("samples").size() == 3);
    CHECK(test.at("ratios").size() == 3);
  }
  CHECK(names == std::vector<std::string>{"pp8", "tg2", "pp8 @ d4", "tg2 @ d4", "start", "memory"});
  const Json& written = json.at("tests").at(1);
  CHECK(written.at("peer").at("median") == 4.0);
  CHECK(written.at("ratio").get<double>() ==
        Approx(written.at("ours").at("median").get<double>() / 4.0));
  CHECK(written.at("ours_of_limit").get<double>() ==
        Approx(written.at("ours").at("median").get<double>() / written.at("limit").get<double>()));

  const CommandResult table = compare(folder, peer, "");
  CAPTURE(table.output);
  CHECK(table.status == 0);
  CHECK(table.output.find("pp8 @ d4") != std::string::npos);
}

TEST_CASE("a comparison with a peer that fails, or measures something else, says so") {
  const DemoFolder folder;
  const CommandResult fails = compare(folder, "echo no such model >&2; exit 1\n", "");
  CAPTURE(fails.output);
  CHECK(fails.status == 1);
  CHECK(fails.output.find("llama-bench") != std::string::npos);
  CHECK(fails.output.find("no such model") != std::string::npos);
  const CommandResult other = compare(folder, "echo '[" + peer_row(8, 0, 0, "2.0") + "]'\n", "");
  CAPTURE(other.output);
  CHECK(other.status == 1);
  CHECK(other.output.find("tg2") != std::string::npos);
  const CommandResult prose = compare(folder, "echo 2 tokens a second\n", "");
  CAPTURE(prose.output);
  CHECK(prose.status == 1);
}

}  // namespace orkestra
