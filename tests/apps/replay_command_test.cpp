// `orkestra model replay`: the fixed form that measurements rely on.
#include <orkestra/core/json.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/apps/demo_folder.h>
#include <orkestra/tests/catch.h>

#include <fstream>
#include <numeric>

namespace orkestra {
namespace {

std::string line(const std::string& id, const std::vector<int>& tokens, std::size_t mark,
                 const std::vector<int>& output, const std::string& group = "") {
  Json request = {{"id", id}, {"tokens", tokens}, {"marks", {mark}}, {"forced_output", output}};
  if (!group.empty()) request["group"] = group;
  return dump_json(request) + "\n";
}

std::vector<int> joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("replay tells what was reused and what was computed, of branches and on the way back") {
  const DemoFolder folder;
  std::vector<int> stem(120);
  std::iota(stem.begin(), stem.end(), 300);
  const std::vector<int> said{500, 501, 502};
  const auto turn = joined(stem, said);
  const auto left = joined(turn, {600, 601});
  const auto right = joined(turn, {700, 701});
  std::ofstream(folder.file("t.jsonl"))
      << line("first", stem, 100, said) << line("left", left, 123, said, "both")
      << line("right", right, 123, said, "both") << line("back", joined(turn, {800}), 123, {})
      << line("system", joined({stem.begin(), stem.begin() + 100}, {900, 901}), 100, {});
  const CommandResult result =
      orkestra_command("model replay nano " + folder.file("t.jsonl").string() + " --json");
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  const Json requests = Json::parse(result.output).at("requests");
  const auto is = [&](std::size_t i, const char* id, int reused, int processed) {
    CAPTURE(id);
    CHECK(requests[i].at("id") == id);
    CHECK(requests[i].at("reused") == reused);
    CHECK(requests[i].at("processed") == processed);
    CHECK(requests[i].at("tokens") == reused + processed);
    CHECK(requests[i].at("first_token_ms") > 0.0);
    CHECK(requests[i].at("total_ms") >= requests[i].at("first_token_ms"));
  };
  REQUIRE(requests.size() == 5);
  is(0, "first", 0, 120);
  is(1, "left", 123, 2);
  is(2, "right", 123, 2);
  is(3, "back", 123, 1);
  is(4, "system", 100, 2);
  std::ofstream(folder.file("bad.jsonl")) << "{\"tokens\":[1,-2]}";
  const CommandResult bad =
      orkestra_command("model replay nano " + folder.file("bad.jsonl").string());
  CHECK(bad.status == 2);
  CHECK(bad.output.find("line 1") != std::string::npos);
}

TEST_CASE("what replay has read is known to the next one that is given the same states") {
  const DemoFolder folder;
  std::vector<int> stem(120);
  std::iota(stem.begin(), stem.end(), 300);
  std::ofstream(folder.file("t.jsonl")) << line("first", stem, 100, {});
  std::ofstream(folder.file("u.jsonl")) << line("second", joined(stem, {7}), 100, {});
  const auto reused = [&](const std::string& trace) {
    const CommandResult result =
        orkestra_command("model replay nano " + folder.file(trace).string() + " --json --states " +
                         folder.file("states").string());
    CAPTURE(result.output);
    REQUIRE(result.status == 0);
    return Json::parse(result.output).at("requests")[0].at("reused").get<int>();
  };
  CHECK(reused("t.jsonl") == 0);
  CHECK(reused("u.jsonl") == 120);
  std::ofstream(folder.file("states"), std::ios::app) << "x";
  const CommandResult damaged =
      orkestra_command("model replay nano " + folder.file("u.jsonl").string() + " --states " +
                       folder.file("states").string());
  CHECK(damaged.status == 1);
  CHECK(damaged.output.find("goes on behind its last state") != std::string::npos);
}

}  // namespace orkestra
