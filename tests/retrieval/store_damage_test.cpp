#include <orkestra/core/database.h>
#include <orkestra/core/error.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/retrieval/store_folder.h>

#include <signal.h>
#include <sys/wait.h>

#include <random>

using namespace orkestra;
using namespace orkestra::retrieval;
namespace fs = std::filesystem;

namespace {

ErrorCode open_code(const fs::path& path) {
  try {
    Store::create(path);
  } catch (const Error& e) {
    CHECK(e.message().find(path.filename().string()) != std::string::npos);
    return e.code();
  }
  FAIL("was opened");
  return ErrorCode::kInternal;
}

// Sections of one number only: a document that is half of one number is half replaced.
std::string numbered(int number) {
  std::string out;
  for (int i = 0; i < 12; ++i) {
    out += "# Part " + std::to_string(i) + "\n\nnumber" + std::to_string(number) + "\n\n";
  }
  return out;
}

}  // namespace

TEST_CASE("a file that is no store is refused and left as it was") {
  const StoreFolder folder;
  const fs::path text = folder.write("text.db", "this is no database, whatever its name says");
  CHECK(open_code(text) == ErrorCode::kCorrupt);
  CHECK(bytes_of(text) == "this is no database, whatever its name says");
  const fs::path other = folder.documents / "other.db";
  Database::open(other).execute("create table t(x)");
  const std::string before = bytes_of(other);
  CHECK(open_code(other) == ErrorCode::kCorrupt);
  CHECK(bytes_of(other) == before);
  CHECK_FALSE(fs::exists(other.string() + "-wal"));
  CHECK(open_code(folder.documents) == ErrorCode::kInvalid);
  CHECK_THROWS_AS(Store::open(folder.folder / "none.db"), Error);
  CHECK_FALSE(fs::exists(folder.folder / "none.db"));
}

TEST_CASE("a store with another schema or a newer format is refused") {
  const StoreFolder folder;
  { Store::create(folder.store); }
  {
    Database::open(folder.store)
        .execute("create trigger t after delete on chunk begin select 1; end");
  }
  CHECK(open_code(folder.store) == ErrorCode::kCorrupt);
  { Database::open(folder.store).execute("drop trigger t; pragma user_version = 99"); }
  CHECK(open_code(folder.store) == ErrorCode::kUnsupported);
}

TEST_CASE("damaged vectors are made anew, never believed") {
  const StoreFolder folder;
  folder.write("a.txt", "moons of mars");
  folder.write("b.txt", "rings of saturn");
  const fs::path vectors = folder.store.string() + ".vectors";
  {
    Store store = Store::create(folder.store);
    store.add(folder.documents);
    store.refresh();
    CHECK(store.stats().vectors == "current");
  }
  const std::string good = bytes_of(vectors);
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    std::string bad = good;
    if (i % 2 == 0) {
      bad[random() % bad.size()] ^= 1;
    } else {
      bad.resize(random() % bad.size());
    }
    std::ofstream(vectors, std::ios::binary | std::ios::trunc) << bad;
    Store store = Store::open(folder.store);
    CHECK(store.stats().vectors == "damaged");
    CHECK(store.check().intact());
    CHECK(store.search("moons", 1).at(0).text == "moons of mars");
    CHECK(bytes_of(vectors) == good);
  }
  // Another store's vectors, whole as they are.
  StoreFolder other;
  other.write("c.txt", "clouds of venus");
  {
    Store store = Store::create(other.store);
    store.add(other.documents);
    store.refresh();
  }
  fs::copy_file(other.store.string() + ".vectors", vectors, fs::copy_options::overwrite_existing);
  Store store = Store::open(folder.store);
  CHECK(store.stats().vectors == "stale");
  CHECK(store.search("moons", 1).at(0).text == "moons of mars");
}

TEST_CASE("vectors that can't be stored are computed and used all the same") {
  const StoreFolder folder;
  folder.write("a.txt", "moons of mars");
  fs::create_directories(folder.store.string() + ".vectors/full");
  Store store = Store::create(folder.store);
  store.add(folder.documents);
  CHECK(store.search("moons", 1).size() == 1);
}

TEST_CASE("check finds what was changed behind the store's back") {
  const StoreFolder folder;
  folder.write("a.txt", "moons of mars");
  folder.write("b.txt", "rings of saturn");
  {
    Store store = Store::create(folder.store);
    store.add(folder.documents);
    CHECK(store.check().intact());
  }
  const auto damaged_by = [&](const char* sql, const char* mention) {
    const fs::path copy = folder.folder / "copy.db";
    fs::copy_file(folder.store, copy, fs::copy_options::overwrite_existing);
    { Database::open(copy).execute(sql); }
    const CheckReport report = Store::open(copy).check();
    CAPTURE(sql);
    CHECK_FALSE(report.intact());
    bool said = false;
    for (const auto& each : report.findings) {
      said |= each.damage && each.what.find(mention) != std::string::npos;
    }
    CHECK(said);
    fs::remove(copy);
  };
  damaged_by("update chunk set text = 'moons of venus' where id = 1", "chunk 1");
  damaged_by("delete from chunk where id = 1", "without a chunk");
  damaged_by("delete from lexical where rowid = 1", "missing from the lexical index");
  damaged_by("update lexical_data set block = x'00' where id > 10", "lexical index");
}

TEST_CASE("a store killed while it takes files in holds each of them whole, old or new") {
  const StoreFolder folder;
  constexpr int kFiles = 70;  // more than share a transaction
  const auto write_all = [&](int number) {
    for (int i = 0; i < kFiles; ++i) folder.write(std::to_string(i) + ".md", numbered(number));
  };
  write_all(0);
  { Store::create(folder.store).add(folder.documents); }
  std::mt19937 random(11);
  for (int round = 1; round <= 12; ++round) {
    write_all(round);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        Store store = Store::open(folder.store);
        store.add(folder.documents, {.progress = [&](std::size_t, std::size_t, const std::string&) {
                    if (random() % 60 == 0) ::kill(::getpid(), SIGKILL);
                  }});
        store.remove(folder.documents / "0.md");
      } catch (...) {
        ::_exit(3);
      }
      ::_exit(0);
    }
    random.discard(17);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    Database look = Database::open(folder.store, {.read_only = true});
    Statement rows = look.prepare(
        "select count(*), count(distinct substr(text, instr(text, 'number'))) from chunk "
        "group by document");
    int documents = 0;
    while (rows.step()) {
      ++documents;
      CHECK(rows.integer(0) == 12);
      CHECK(rows.integer(1) == 1);
    }
    CHECK(documents >= kFiles - 1);
  }
  Store store = Store::open(folder.store);
  CHECK(store.check().intact());
  store.add(folder.documents);
  CHECK(store.list().size() == kFiles);
  CHECK(store.search("number12", 500).size() >= kFiles);
  CHECK(store.search("number3", 5).empty());
}
