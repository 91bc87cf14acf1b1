// The program from outside: exit statuses, reports, journal commands, and clear errors.
#include <orkestra/core/database.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/apps/demo_folder.h>
#include <orkestra/tests/catch.h>

#include <fstream>

namespace orkestra {
namespace {

const std::string kTask = " 'What is the balance of the customer Stugrux?'";

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("run --json prints the whole report and exits 0") {
  const DemoFolder folder;
  const CommandResult result = orkestra_command("run --json" + kTask + folder.flags());
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  const Json report = Json::parse(result.output);
  for (const char* member : {"id", "status", "answer", "citations", "requirements_result", "claims",
                             "data_sources", "steps", "usage", "budget"}) {
    CAPTURE(member);
    CHECK(report.contains(member));
  }
  CHECK(report.at("usage").at("reused_tokens").get<int>() > 0);
}

TEST_CASE("a report is verified again; after the figure changes it is contradicted") {
  const DemoFolder folder;
  const CommandResult run = orkestra_command("run --json" + kTask + folder.flags());
  REQUIRE(run.status == 0);
  write(folder.file("report.json"), run.output);
  const std::string verify =
      "verify " + folder.file("report.json").string() + " --db " + folder.database().string();
  const CommandResult before = orkestra_command(verify);
  CAPTURE(before.output);
  REQUIRE(before.status == 0);

  Database::open(folder.database())
      .execute("update customers set balance = 79798 where name = 'Stugrux'");
  const CommandResult after = orkestra_command(verify);
  CAPTURE(after.output);
  REQUIRE(after.status == 7);
  const CommandResult text = orkestra_command(
      "verify 'The balance of the customer Stugrux is 79797.' --db " + folder.database().string());
  CAPTURE(text.output);
  REQUIRE(text.status == 7);
}

TEST_CASE("a run is listed, shown, and replays to the same events with the model computed again") {
  const DemoFolder folder;
  const std::string store = " --store " + folder.file("store.db").string();
  const Json report = Json::parse(orkestra_command("run --json" + kTask + folder.flags()).output);
  const auto id = report.at("id").get<std::string>();

  const CommandResult list = orkestra_command("runs list" + store);
  CHECK(list.status == 0);
  CHECK(list.output.find(id) != std::string::npos);
  const CommandResult show = orkestra_command("runs show " + id + store);
  CHECK(show.status == 0);
  CHECK(show.output.find("79797") != std::string::npos);
  const CommandResult replay = orkestra_command("runs replay --recompute " + id + store);
  CAPTURE(replay.output);
  CHECK(replay.status == 0);
  const CommandResult resume = orkestra_command("runs resume --json " + id + store);
  CHECK(resume.status == 0);
  CHECK(Json::parse(resume.output) == report);
}

TEST_CASE("an unmet requirement exits 3 and an unanswerable question 6, both saying why") {
  const DemoFolder folder;
  const CommandResult unmet =
      orkestra_command("run --require 'mention: warranty'" + kTask + folder.flags());
  CHECK(unmet.status == 3);
  CHECK(unmet.output.find("warranty") != std::string::npos);
  const CommandResult undecided =
      orkestra_command("run --require 'be polite'" + kTask + folder.flags());
  CHECK(undecided.status == 3);
  CHECK(undecided.output.find("\"be polite\" is undecided") != std::string::npos);
  const CommandResult unknown =
      orkestra_command("run 'What is the phone of the customer Stugrux?'" + folder.flags());
  CHECK(unknown.status == 6);
  CHECK(unknown.output.find("phone") != std::string::npos);
}

TEST_CASE("usage errors exit 2 and name the thing") {
  const DemoFolder folder;
  CHECK(orkestra_command("").status == 2);
  CHECK(orkestra_command("run").status == 2);
  for (const std::string wrong : {"no-such-command", "runs no-such-command"}) {
    const CommandResult result = orkestra_command(wrong);
    CAPTURE(result.output);
    CHECK(result.status == 2);
    CHECK(result.output.find("no command \"no-such-command\"") != std::string::npos);
    CHECK(result.output.find("there are: ") != std::string::npos);
  }
  const CommandResult budget = orkestra_command("run --budget lavish" + kTask + folder.flags());
  CHECK(budget.status == 2);
  CHECK(budget.output.find("lavish") != std::string::npos);
  const CommandResult tool = orkestra_command("run --allow no_such_tool" + kTask + folder.flags());
  CHECK(tool.status == 2);
  CHECK(tool.output.find("names of get_balance, ") != std::string::npos);
  CHECK(orkestra_command("run --help").status == 0);
}

TEST_CASE("a task without any source says which flags name one") {
  const DemoFolder folder;
  const std::string store = " --store " + folder.file("store.db").string();
  const CommandResult without = orkestra_command("run" + kTask + store);
  CAPTURE(without.output);
  CHECK(without.status == 6);
  CHECK(without.output.find("no source was named: add --db") != std::string::npos);
  const CommandResult with =
      orkestra_command("run 'Who is the president of France?'" + folder.flags());
  CHECK(with.status == 6);
  CHECK(with.output.find("no source was named") == std::string::npos);
}

TEST_CASE("the bundled models are listed by name") {
  const CommandResult list = orkestra_command("model list --json");
  CAPTURE(list.output);
  REQUIRE(list.status == 0);
  const Json rows = Json::parse(list.output);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("name") == "nano");
  CHECK(std::filesystem::exists(rows[0].at("file").get<std::string>()));
}

TEST_CASE("files that are missing, cut off or hostile end in one clear line") {
  const DemoFolder folder;
  const auto fails = [&](const std::string& arguments, const std::string& mention) {
    const CommandResult result = orkestra_command(arguments);
    CAPTURE(arguments, result.output);
    CHECK(result.status == 1);
    CHECK(result.output.find(mention) != std::string::npos);
    CHECK(result.output.find("internal error") == std::string::npos);
  };
  fails("run --model nowhere.gguf" + kTask + folder.flags(), "nowhere.gguf");
  write(folder.file("cut.gguf"), std::string("GGUF\x03\0\0\0\xff\xff\xff\xff", 12));
  fails("model info " + folder.file("cut.gguf").string(), "cut.gguf");
  fails("run --model " + folder.file("cut.gguf").string() + kTask + folder.flags(), "cut.gguf");
  write(folder.file("not.db"), "this is no database, whatever its name says");
  fails("run" + kTask + " --db " + folder.file("not.db").string() + " --store " +
            folder.file("store.db").string(),
        "not.db");
  fails("runs list --store " + folder.file("not.db").string(), "not.db");
  fails("runs show r000000000000 --store " + folder.file("none.db").string(), "none.db");
}

TEST_CASE("events are lines of JSON, in order, ending with the finish") {
  const DemoFolder folder;
  const CommandResult result = orkestra_command("run --events" + kTask + folder.flags());
  REQUIRE(result.status == 0);
  std::istringstream lines(result.output);
  std::int64_t seq = 0;
  std::string last_kind;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    REQUIRE(event.at("seq") == ++seq);
    last_kind = event.at("kind");
  }
  REQUIRE(last_kind == "run_finished");
}

}  // namespace orkestra
