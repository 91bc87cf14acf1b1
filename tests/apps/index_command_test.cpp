#include <orkestra/core/json.h>
#include <orkestra/tests/apps/command_line.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/retrieval/store_folder.h>

#include <sstream>

using namespace orkestra;

namespace {

std::string quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

struct IndexFolder : StoreFolder {
  IndexFolder() {
    write("mars.md", "# Mars\n\nPhobos and Deimos circle the red planet.\n");
    write("two words.txt", "Saturn has rings of ice.");
    write("image.bin", std::string_view("\0\1\2", 3));
  }
  CommandResult run(const std::string& command, const std::string& rest = "") const {
    return orkestra_command("index " + command + " --store " + quoted(store) + " " + rest);
  }
};

}  // namespace

TEST_CASE("a folder is added, searched, listed, counted, checked and removed") {
  const IndexFolder folder;
  const CommandResult added = folder.run("add", quoted(folder.documents));
  CAPTURE(added.output);
  REQUIRE(added.status == 0);
  CHECK(added.output.find("2 added") != std::string::npos);
  CHECK(added.output.find("image.bin: binary") != std::string::npos);
  CHECK(added.output.find('\r') == std::string::npos);  // no progress bar off a terminal
  const Json again = Json::parse(folder.run("add --json", quoted(folder.documents)).output);
  CHECK(again.at("added").empty());
  CHECK(again.at("unchanged") == 2);
  CHECK(again.at("skipped").size() == 1);

  const Json found =
      Json::parse(folder.run("search --json -k 1", "'moons of the red planet'").output);
  REQUIRE(found.size() == 1);
  const std::string bytes = bytes_of(found[0].at("document").get<std::string>());
  const auto begin = found[0].at("begin").get<std::size_t>();
  const auto end = found[0].at("end").get<std::size_t>();
  CHECK(bytes.substr(begin, end - begin) == found[0].at("text"));
  CHECK(folder.run("search", "rings").output.find("Saturn has rings") != std::string::npos);
  CHECK(folder.run("search", "zebra").output == "nothing found\n");

  CHECK(Json::parse(folder.run("list --json").output).size() == 2);
  CHECK(folder.run("list").output.find("mars.md  1 chunks") != std::string::npos);
  const Json stats = Json::parse(folder.run("stats --json").output);
  CHECK(stats.at("documents") == 2);
  CHECK(stats.at("vectors") == "current");
  CHECK(folder.run("stats").output.find("chunks: 2") != std::string::npos);
  CHECK(folder.run("check").output == "the store is intact\n");

  folder.write("mars.md", "changed");
  const Json checked = Json::parse(folder.run("check --json").output);
  CHECK(checked.at("intact") == true);
  CHECK(checked.at("findings").size() == 1);
  CHECK(folder.run("remove", quoted(folder.documents / "mars.md")).output == "1 removed\n");
  CHECK(folder.run("remove", quoted(folder.documents / "mars.md")).status == 1);
}

TEST_CASE("queries of a file become the lines of a TREC run") {
  const IndexFolder folder;
  REQUIRE(folder.run("add", quoted(folder.documents)).status == 0);
  const auto queries = folder.write("../queries.tsv", "q1\tred planet\n\nq2\trings of ice\r\n");
  const CommandResult result = folder.run("search --trec tag -k 5 --queries " + quoted(queries));
  CAPTURE(result.output);
  REQUIRE(result.status == 0);
  std::istringstream lines(result.output);
  std::string id, q0, document, tag;
  int rank = 0;
  double score = 0;
  REQUIRE((lines >> id >> q0 >> document >> rank >> score >> tag));
  CHECK(id == "q1");
  CHECK(q0 == "Q0");
  CHECK(document.ends_with("/mars.md"));
  CHECK(rank == 1);
  CHECK(score > 0);
  CHECK(tag == "tag");
  CHECK(result.output.find("q2 Q0 " + (folder.documents / "two%20words.txt").string() + " 1 ") !=
        std::string::npos);
  const auto bad = folder.write("../bad.tsv", "no tab here\n");
  const CommandResult refused = folder.run("search --trec tag --queries " + quoted(bad));
  CHECK(refused.status != 0);
  CHECK(refused.output.find("bad.tsv:1") != std::string::npos);
}

TEST_CASE("mistakes are told in one line") {
  const IndexFolder folder;
  const auto fails = [&](const CommandResult& result, const std::string& mention) {
    CAPTURE(result.output);
    CHECK(result.status != 0);
    CHECK(result.output.find(mention) != std::string::npos);
    CHECK(result.output.find("internal error") == std::string::npos);
  };
  fails(folder.run("search", "x"), "store.db");
  fails(folder.run("list"), "index add");
  fails(folder.run("add", "/nowhere/at/all"), "/nowhere/at/all");
  fails(orkestra_command("index search x"), "--store");
  fails(orkestra_command("index"), "subcommand");
  fails(folder.run("add", quoted(folder.documents / "image.bin")), "binary");
  fails(folder.run("search"), "query");
  fails(orkestra_command("index list --store " + quoted(folder.documents / "mars.md")), "mars.md");
}
