// Free rewordings of what the README and ./dev demo ask (model/nano/tasks/rewordings.tsv), on the
// bundled model: how many are answered may only grow, and none may be answered wrongly.
#include <orkestra/tests/apps/demo_folder.h>
#include <orkestra/tests/catch.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace orkestra {
namespace {

std::filesystem::path root() { return ORKESTRA_SOURCE_DIR; }

agent::AgentOptions sources(const DemoFolder& folder, const std::string& name) {
  agent::AgentOptions options = folder.options();
  if (name == "sales") return options;
  options.databases.clear();
  options.queries.clear();
  if (name == "handbook") options.documents = {root() / "examples/handbook"};
  if (name == "tools") options.files = root() / "examples/handbook";
  if (name == "plugin") options.plugins = {ORKESTRA_BINARY_DIR "/plugins/word_count.so"};
  return options;
}

}  // namespace

TEST_CASE("three rewordings of every question: most are answered, none wrongly") {
  const DemoFolder folder;
  std::map<std::string, int> answered;
  std::ifstream list(root() / "model/nano/tasks/rewordings.tsv");
  int asked = 0;
  std::map<std::string, std::unique_ptr<agent::Agent>> agents;
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream fields(line);
    std::string source, task, value;
    std::getline(fields, source, '\t');
    std::getline(fields, task, '\t');
    std::getline(fields, value, '\t');
    auto& agent = agents[source];
    if (!agent) agent = std::make_unique<agent::Agent>(sources(folder, source));
    const Json report = agent->run(task);
    const auto answer = report.at("answer").get<std::string>();
    UNSCOPED_INFO(task << " -> " << report.at("status") << ": " << answer);
    ++asked;
    if (report.at("status") != "verified") continue;
    CAPTURE(task, answer, value);
    CHECK(answer.find(value) != std::string::npos);
    ++answered[source];
  }
  CHECK(asked == 24);
  CHECK(answered["sales"] >= 13);
  CHECK(answered["handbook"] >= 2);
  CHECK(answered["tools"] >= 2);
  CHECK(answered["plugin"] >= 2);
}

}  // namespace orkestra
