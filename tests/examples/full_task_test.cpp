// The full task: a database, a handbook, a calculator, a requirement, three statements. The model
// is scripted; tools, sources and checks are real. Every way in gives the same report.
#include <orkestra/core/json.h>
#include <orkestra/service/server.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/examples/example_folder.h>
#include <orkestra/tests/service/service_client.h>

#include <fstream>
#include <iterator>
#include <thread>

namespace orkestra {
namespace {

const std::string kExamples = ORKESTRA_SOURCE_DIR "/examples";
const std::string kTask =
    "Which region missed its target in Q3 by the most, by how much, and what must then happen "
    "according to the handbook?";

std::string flags(const std::string& handbook) {
  return "'" + kTask + "' --model script:" + kExamples + "/missed_target.jsonl --db " + kExamples +
         "/sales/sales.db --queries " + kExamples + "/sales/reports.sql --docs " + handbook +
         " --require 'mention: recovery plan' --require cite --store full.db --json";
}

// The task asked of the service, over its socket.
Json ask_service(const ExampleFolder& folder) {
  agent::Agent agent({.model = "script:" + kExamples + "/missed_target.jsonl",
                      .databases = {kExamples + "/sales/sales.db"},
                      .queries = {kExamples + "/sales/reports.sql"},
                      .documents = {kExamples + "/handbook"},
                      .store = folder.file("service.db")});
  service::Server server(agent, {.port = 0});
  std::thread serving([&] { server.run(); });
  const service::Reply reply =
      service::Client(server.port())
          .ask("POST", "/v1/runs",
               dump_json({{"task", kTask},
                          {"requirements", {"mention: recovery plan", "cite"}},
                          {"wait", true}}));
  server.stop();
  serving.join();
  REQUIRE(reply.status == 200);
  return reply.json();
}

Json same_everywhere(Json report) {
  report.erase("id");
  report.erase("work");
  report.erase("error");
  report.at("usage").erase("seconds");
  return report;
}

}  // namespace

TEST_CASE("the full task is verified, and program, SDK and service give the same report") {
  const ExampleFolder folder;
  const CommandResult cli = folder.run("orkestra run " + flags(kExamples + "/handbook"));
  CAPTURE(cli.output);
  REQUIRE(cli.status == 0);
  const Json report = Json::parse(cli.output);
  REQUIRE(report.at("claims").size() == 3);
  REQUIRE(report.at("steps").size() == 3);
  // The first draft stated a wrong figure: it was refused, and repaired on a branch of its own.
  REQUIRE(report.at("branches") == 2);

  const CommandResult sdk = folder.run("example_missed_target " + kExamples);
  CAPTURE(sdk.output);
  REQUIRE(sdk.status == 0);
  REQUIRE(same_everywhere(Json::parse(sdk.output)) == same_everywhere(report));
  REQUIRE(same_everywhere(ask_service(folder)) == same_everywhere(report));
}

TEST_CASE("without the handbook's page the run says what it could not verify") {
  const ExampleFolder folder;
  std::filesystem::create_directories(folder.file("handbook"));
  std::filesystem::copy_file(kExamples + "/handbook/travel.md", folder.file("handbook/travel.md"));
  const CommandResult result =
      folder.run("orkestra run " + flags(folder.file("handbook").string()));
  CAPTURE(result.output);
  REQUIRE((result.status == 3 || result.status == 6));
  const Json report = Json::parse(result.output);
  REQUIRE(report.at("reason").get<std::string>().find("recovery plan") != std::string::npos);
}

TEST_CASE("a handbook that changes after the run no longer supports the answer") {
  const ExampleFolder folder;
  std::filesystem::copy(kExamples + "/handbook", folder.file("handbook"));
  const CommandResult run = folder.run("orkestra run " + flags(folder.file("handbook").string()));
  REQUIRE(run.status == 0);
  std::ofstream(folder.file("report.json")) << run.output;
  REQUIRE(folder.run("orkestra verify report.json --db " + kExamples + "/sales/sales.db").status ==
          0);
  const std::filesystem::path page = folder.file("handbook/sales.md");
  std::ifstream in(page);
  std::string text(std::istreambuf_iterator<char>(in), {});
  text.replace(text.find("within 14 days"), 14, "within 21 days");
  std::ofstream(page) << text;
  const CommandResult after =
      folder.run("orkestra verify report.json --db " + kExamples + "/sales/sales.db");
  CAPTURE(after.output);
  REQUIRE((after.status == 3 || after.status == 7));
}

}  // namespace orkestra
