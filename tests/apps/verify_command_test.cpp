// `orkestra verify` from its arguments to what it prints and its exit status.
#include <orkestra/apps/verify_command.h>
#include <orkestra/core/database.h>
#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/planner/verify_fixtures.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace orkestra::apps {
namespace {

using planner::testing::ScratchFolder;

struct Outcome {
  int status = -1;
  std::string printed;
};

Outcome run(std::vector<std::string> arguments, const std::string& input = "") {
  CLI::App app;
  Outcome outcome;
  add_verify_command(app, outcome.status);
  std::ostringstream out;
  std::istringstream in(input);
  auto* const screen = std::cout.rdbuf(out.rdbuf());
  auto* const keyboard = std::cin.rdbuf(in.rdbuf());
  const auto restore = [&] {
    std::cout.rdbuf(screen);
    std::cin.rdbuf(keyboard);
  };
  arguments.insert(arguments.begin(), "verify");
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (...) {
    restore();
    throw;
  }
  restore();
  outcome.printed = out.str();
  return outcome;
}

constexpr const char* kCustomers =
    "create table customers (name text primary key, balance numeric);"
    "insert into customers values ('Bruna Kelly', 4211.5), ('Ben Silva', 300)";

Json report(const std::string& answer, const std::filesystem::path& database) {
  Evidence evidence;
  evidence.id = "1";
  evidence.value = {{"balance", 4211.5}};
  evidence.quote = dump_json_spaced(evidence.value);
  evidence.hash = sha256_hex(evidence.quote);
  evidence.description = "Get the balance of a customer.";
  evidence.origin = {Origin::Kind::kSql,
                     database.string(),
                     {{"sql", "select balance from customers where name = :customer"},
                      {"params", {{"customer", "Bruna Kelly"}}}}};
  return {{"answer", answer},
          {"claims",
           Json::array({{{"text", answer}, {"evidence", Json::array({to_json(evidence)})}}})}};
}

TEST_CASE("a text is verified against documents and databases") {
  const ScratchFolder folder;
  const auto database = folder.database("c.db", kCustomers).string();
  const auto fees = folder.file("fees.md", "# Fees\n\nThe late fee is 5 euros.\n").string();
  CHECK(run({"The late fee is 5 euros.", "--source", fees}).status == 0);
  CHECK(run({"The late fee is 6 euros.", "--source", fees}).status == 7);
  CHECK(run({"The early fee is 5 euros.", "--source", fees}).status == 3);
  CHECK(run({"The balance of the customer Bruna Kelly is 4211.5. The late fee is 5 euros.", "--db",
             database, "--source", fees})
            .status == 0);
  CHECK(
      run({"The balance of the customer Bruna Kelly is 300. The early fee is 5.", "--db", database})
          .status == 7);
  CHECK_THROWS_AS(run({"", "--source", fees}), Error);
}

TEST_CASE("the bundled model reads claims in other words, unless none is wanted") {
  const ScratchFolder folder;
  const auto notes =
      folder.file("notes.md", "We note 300 as the price of the lamp Zor.\n").string();
  const std::string claim = "The lamp Zor has a price of 300.";
  const Outcome read = run({claim, "--source", notes});
  CHECK(read.status == 0);
  CHECK(read.printed.find("in other words: price of lamp Zor: 300") != std::string::npos);
  CHECK(run({"The lamp Zor has a price of 310.", "--source", notes}).status == 7);
  CHECK(run({"The lamp Zor has a weight of 300.", "--source", notes}).status == 3);
  CHECK(run({"The lamp Bor has a price of 300.", "--source", notes}).status == 3);
  CHECK(run({claim, "--source", notes, "--model", "none"}).status == 3);
  const std::string other = ORKESTRA_SOURCE_DIR "/tests/golden/agent/nano-v0.gguf";
  CHECK_THROWS_WITH(run({claim, "--source", notes, "--model", other}),
                    Catch::Matchers::Contains("was not trained to read sentences"));
}

TEST_CASE("the answer comes from a file, standard input or as text") {
  const ScratchFolder folder;
  const auto fees = folder.file("fees.md", "The late fee is 5 euros.").string();
  const auto answer = folder.file("answer", "The late fee is 5 euros.").string();
  CHECK(run({answer, "--source", fees}).status == 0);
  CHECK(run({"-", "--source", fees}, "The late fee is 5 euros.").status == 0);
  CHECK(run({"-", "--source", fees}, "").status == 3);
  CHECK_THROWS_AS(run({"missing.txt", "--source", fees}), Error);
  CHECK_THROWS_AS(run({"The late fee is 5 euros."}), Error);
  CHECK_THROWS_AS(run({"The late fee is 5 euros.", "--db", (folder / "none.db").string()}), Error);
}

TEST_CASE("verdicts are printed for people and as JSON") {
  const ScratchFolder folder;
  const auto fees = folder.file("fees.md", "The late fee is 5 euros.").string();
  const auto shown = run({"The late fee is 6 euros.", "--source", fees});
  CHECK(shown.printed.find("✗ The late fee is 6 euros.") != std::string::npos);
  CHECK(shown.printed.find("the source says 5, not 6") != std::string::npos);
  CHECK(shown.printed.find("\"The late fee is 5 euros.\"") != std::string::npos);
  CHECK(shown.printed.find("fees.md, bytes 0-24") != std::string::npos);
  const Json json =
      parse_json(run({"The late fee is 6 euros.", "--source", fees, "--json"}).printed);
  CHECK(json.at("status") == "contradicted");
  CHECK(json.at("claims").at(0).at("verdict") == "contradicted");
  CHECK(json.at("claims").at(0).at("evidence").at(0).at("quote") == "The late fee is 5 euros.");
}

TEST_CASE("a changed figure in the database turns text and report from supported to contradicted") {
  const ScratchFolder folder;
  const auto original = folder.database("sales.db", kCustomers);
  const auto copy = folder / "copy.db";
  std::filesystem::copy_file(original, copy);
  {
    Database database = Database::open(copy);
    database.execute("update customers set balance = 4211.6 where name = 'Bruna Kelly'");
  }
  const std::string text = "The balance of the customer Bruna Kelly is 4211.5 [1].";
  const auto full = folder.file("full.json", dump_json(report(text, original))).string();
  const auto bare = folder.file("bare.json", dump_json(report("4211.5 [1]", original))).string();
  for (const auto& answer : {text, full, bare}) {
    CAPTURE(answer);
    CHECK(run({answer, "--db", original.string()}).status == 0);
    CHECK(run({answer, "--db", copy.string()}).status == 7);
  }
  CHECK(run({full}).status == 0);  // the recorded database
  std::filesystem::remove(original);
  CHECK(run({full}).status == 3);
}

TEST_CASE("a report whose evidence was edited supports nothing") {
  const ScratchFolder folder;
  const auto database = folder.database("sales.db", kCustomers);
  Json edited = report("300 [1]", database);
  edited["claims"][0]["evidence"][0]["value"]["balance"] = 300;
  CHECK(
      run({folder.file("a.json", dump_json(edited)).string(), "--db", database.string()}).status ==
      7);
  edited["claims"][0]["evidence"][0]["quote"] = "{\"balance\": 300}";
  CHECK(
      run({folder.file("b.json", dump_json(edited)).string(), "--db", database.string()}).status ==
      3);
  edited["claims"][0]["evidence"][0].erase("hash");
  const auto broken = folder.file("c.json", dump_json(edited)).string();
  CHECK_THROWS_AS(run({broken, "--db", database.string()}), Error);
}

}  // namespace
}  // namespace orkestra::apps
