#include <orkestra/core/error.h>
#include <orkestra/core/html.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/retrieval/store_folder.h>

#include <sys/stat.h>

#include <limits>

using namespace orkestra;
using namespace orkestra::retrieval;
namespace fs = std::filesystem;

namespace {

ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    CHECK(e.message().size() > 10);
    return e.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::kInternal;
}

std::string first_document(Store& store, std::string_view query) {
  const auto found = store.search(query, 1);
  return found.empty() ? "" : fs::path(found[0].document).filename().string();
}

std::string reason_of(const AddReport& report, const std::string& name) {
  for (const auto& each : report.skipped) {
    if (fs::path(each.path).filename() == name) return each.reason;
  }
  return "";
}

void write_planets(const StoreFolder& folder) {
  folder.write("mars.md",
               "# Mars\n\n## Moons\n\nPhobos and Deimos circle the red planet.\n\n"
               "## Surface\n\nOlympus Mons is the tallest volcano.\n");
  folder.write("saturn.txt", "Saturn has rings of ice.\n\nTitan is its largest moon.\n");
  folder.write("deep/venus.html",
               "<title>Venus</title><h1>Venus</h1><p>Thick <b>clouds</b> of acid &amp; heat.</p>");
}

}  // namespace

TEST_CASE("a folder is taken in and its passages are found at their bytes") {
  const StoreFolder folder;
  write_planets(folder);
  Store store = Store::create(folder.store);
  const AddReport report = store.add(folder.documents);
  CHECK(report.added.size() == 3);
  CHECK(report.skipped.empty());
  CHECK(first_document(store, "Which moons has the red planet?") == "mars.md");
  CHECK(first_document(store, "rings of ice") == "saturn.txt");
  CHECK(first_document(store, "acid clouds") == "venus.html");
  for (const auto& query : {"moons", "volcano", "clouds heat", "titan"}) {
    const auto found = store.search(query, 10);
    REQUIRE(!found.empty());
    for (const Passage& passage : found) {
      const OpenedPassage opened = Store::open_passage(passage);
      CHECK_FALSE(opened.changed);
      CHECK(opened.bytes ==
            bytes_of(passage.document).substr(passage.begin, passage.end - passage.begin));
      CHECK(passage.score > 0);
      CHECK(passage.score <= 1.0001);
      if (passage.verbatim) {
        CHECK(opened.bytes == passage.text);
      } else {
        const std::string says = html_to_text(read_html(bytes_of(passage.document)));
        CHECK(says.find(passage.text) != std::string::npos);
      }
    }
  }
  const auto moons = store.search("Phobos Deimos", 1);
  CHECK(moons[0].headings == std::vector<std::string>{"Mars", "Moons"});
  CHECK(moons[0].title == "Mars");
}

TEST_CASE("an unchanged file costs nothing, a changed one replaces its chunks") {
  const StoreFolder folder;
  write_planets(folder);
  StoreFolder::make_old(folder.documents / "mars.md");
  Store store = Store::create(folder.store);
  store.add(folder.documents);
  const auto chunks = store.stats().chunks;
  CHECK(store.add(folder.documents).unchanged == 3);

  folder.write("mars.md", "# Mars\n\nIts ice caps are of dry snow.\n");
  const AddReport report = store.add(folder.documents);
  CHECK(report.unchanged == 2);
  REQUIRE(report.replaced.size() == 1);
  CHECK(store.stats().chunks == chunks - 1);
  CHECK(first_document(store, "dry snow") == "mars.md");
  for (const Passage& passage : store.search("Phobos volcano moon", 20)) {
    CHECK(passage.text.find("Phobos") == std::string::npos);
  }
}

TEST_CASE("a file changed within the clock's grain, to the same size, is noticed") {
  const StoreFolder folder;
  const fs::path file = folder.write("a.txt", "first words");
  Store store = Store::create(folder.store);
  store.add(file);
  const auto time = fs::last_write_time(file);
  folder.write("a.txt", "other words");
  fs::last_write_time(file, time);
  CHECK(store.add(file).replaced.size() == 1);
}

TEST_CASE("documents are removed one by one or by folder, and nothing else") {
  const StoreFolder folder;
  write_planets(folder);
  folder.write("deep0/other.txt", "another planet");
  Store store = Store::create(folder.store);
  store.add(folder.documents);
  CHECK(store.remove(folder.documents / "deep") == 1);
  CHECK(store.remove(folder.documents / "mars.md") == 1);
  CHECK(store.list().size() == 2);
  CHECK(store.search("Phobos Deimos", 5).empty());
  CHECK(code_of([&] { store.remove(folder.documents / "mars.md"); }) == ErrorCode::kNotFound);
  fs::remove(folder.documents / "saturn.txt");
  CHECK(store.remove(folder.documents / "saturn.txt") == 1);  // gone from the disk, too
  CHECK(store.check().intact());
}

TEST_CASE("what can't be taken in from a folder is passed over and said") {
  const StoreFolder folder;
  folder.write("good.txt", "good");
  folder.write(".hidden", "secret");
  folder.write(".git/config", "secret");
  folder.write("image.png", std::string_view("\x89PNG\0\0\1\2", 8));
  folder.write("paper.pdf", "%PDF-1.7 ...");
  folder.write("wide.txt", std::string_view("\xFF\xFEh\0i\0", 6));
  folder.write("../outside.txt", "outside");
  fs::create_symlink(folder.folder / "outside.txt", folder.documents / "out");
  fs::create_symlink(folder.documents / "good.txt", folder.documents / "in");
  fs::create_symlink(folder.folder / "nothing", folder.documents / "broken");
  fs::create_directory_symlink(folder.documents, folder.documents / "loop");
  REQUIRE(::mkfifo((folder.documents / "pipe").c_str(), 0600) == 0);
  {
    std::ofstream big(folder.documents / "big.txt");
    big.seekp(static_cast<std::streamoff>(kMaxDocumentBytes));
    big << "x";
  }
  Store store = Store::create(folder.documents / "store.db");
  const AddReport report = store.add(folder.documents);
  CHECK(report.added == std::vector<std::string>{(folder.documents / "good.txt").string()});
  CHECK(reason_of(report, ".hidden") == "hidden");
  CHECK(reason_of(report, ".git") == "hidden");
  CHECK(reason_of(report, "image.png") == "binary");
  CHECK(reason_of(report, "paper.pdf").find("PDF") != std::string::npos);
  CHECK(reason_of(report, "wide.txt").find("UTF-16") != std::string::npos);
  CHECK(reason_of(report, "out").find("leaves the folder") != std::string::npos);
  CHECK(reason_of(report, "in").find("link") != std::string::npos);
  CHECK(reason_of(report, "broken").find("nothing") != std::string::npos);
  CHECK(reason_of(report, "loop").find("link") != std::string::npos);
  CHECK(reason_of(report, "pipe") == "not a regular file");
  CHECK(reason_of(report, "big.txt").find("32 MiB") != std::string::npos);
  CHECK(reason_of(report, "store.db") == "the store itself");
  CHECK(code_of([&] { store.add(folder.documents / "image.png"); }) == ErrorCode::kUnsupported);
  CHECK(code_of([&] { store.add(folder.documents / "big.txt"); }) == ErrorCode::kExhausted);
  CHECK(code_of([&] { store.add(folder.documents / "none"); }) == ErrorCode::kNotFound);
}

TEST_CASE("an empty store, an empty file and a single chunk can be searched") {
  const StoreFolder folder;
  Store store = Store::create(folder.store);
  CHECK(store.search("anything", 5).empty());
  CHECK(store.check().intact());
  store.add(folder.write("empty.txt", ""));
  CHECK(store.stats().chunks == 0);
  CHECK(store.search("anything", 5).empty());
  store.add(folder.write("one.txt", "The answer is forty-two."));
  CHECK(first_document(store, "answer") == "one.txt");
  CHECK(store.search("question", 5).empty());
  CHECK(store.search("answer", 0).empty());
}

TEST_CASE("any text is a query") {
  const StoreFolder folder;
  write_planets(folder);
  Store store = Store::create(folder.store);
  store.add(folder.documents);
  for (const std::string& query : std::vector<std::string>{
           "", " ", "\"", "'; DROP TABLE chunk; --", "terms:mars", "mars OR", "NEAR(a b, 3)", "*",
           "mars*", "^mars", "(", "-moon", "\"unclosed", "a AND NOT", std::string("nul\0mars", 8),
           "\xFF\xFE\x80", "the of and", "\xE6\x9C\x88", std::string(200'000, 'x')}) {
    INFO(query.substr(0, 40));
    CHECK_NOTHROW(store.search(query, 5));
  }
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "word" + std::to_string(i) + " ";
  CHECK_NOTHROW(store.search(many + "mars", 5));
  CHECK(store.check().intact());
  CHECK(first_document(store, "(\"Phobos\" OR *) AND -x:") == "mars.md");
}

TEST_CASE("letters of every script are found") {
  const StoreFolder folder;
  folder.write("de.txt", "Die Müllerin fährt über die Brücke.");
  folder.write("ru.txt",
               "\xD0\x9B\xD1\x83\xD0\xBD\xD0\xB0 \xD0\xB8 \xD0\x9C\xD0\xB0\xD1\x80\xD1\x81");
  folder.write("zh.txt",
               "\xE7\x81\xAB\xE6\x98\x9F\xE6\x9C\x89\xE5\x8D\xAB\xE6\x98\x9F\xE3\x80\x82");
  folder.write("odd.txt", "latin one: caf\xE9 cr\xE8me and more words around");
  Store store = Store::create(folder.store);
  CHECK(store.add(folder.documents).added.size() == 4);
  CHECK(first_document(store, "MÜLLERIN") == "de.txt");
  CHECK(first_document(store, "\xD0\xBC\xD0\xB0\xD1\x80\xD1\x81") == "ru.txt");
  CHECK(first_document(store, "\xE5\x8D\xAB\xE6\x98\x9F") == "zh.txt");
  CHECK(first_document(store, "latin words") == "odd.txt");
  const auto odd = store.search("latin", 1);
  CHECK(Store::open_passage(odd[0]).bytes == odd[0].text);
  CHECK(store.check().intact());
}

TEST_CASE("the same store and query give the same passages, in another process's Store too") {
  const StoreFolder folder;
  for (int i = 0; i < 60; ++i) {
    folder.write(std::to_string(i) + ".txt", "word" + std::to_string(i % 7) + " and word" +
                                                 std::to_string(i % 11) + " on planets");
  }
  const auto shown = [](const std::vector<Passage>& passages) {
    std::string out;
    for (const Passage& p : passages) {
      out += p.document + " " + std::to_string(p.score) + " " + std::to_string(p.semantic) + "\n";
    }
    return out;
  };
  Store first = Store::create(folder.store);
  first.add(folder.documents);
  const std::string before = shown(first.search("word3 word5 planets", 50));
  CHECK(shown(first.search("word3 word5 planets", 50)) == before);
  Store second = Store::open(folder.store);
  CHECK(shown(second.search("word3 word5 planets", 50)) == before);
  fs::remove(folder.store.string() + ".vectors");
  Store third = Store::open(folder.store);
  CHECK(shown(third.search("word3 word5 planets", 50)) == before);
}

TEST_CASE("a Store sees what another has changed") {
  const StoreFolder folder;
  write_planets(folder);
  Store reader = Store::create(folder.store);
  CHECK(reader.search("rings", 5).empty());
  Store writer = Store::open(folder.store);
  writer.add(folder.documents);
  CHECK(first_document(reader, "rings") == "saturn.txt");
  writer.remove(folder.documents / "saturn.txt");
  CHECK(reader.search("Titan", 5).empty());
}

TEST_CASE("labels are kept, private and trusted unless said otherwise") {
  const StoreFolder folder;
  const fs::path file = folder.write("a.txt", "words to find");
  const Label untrusted{Integrity::kUntrusted, Confidentiality::kPublic};
  {
    Store store = Store::create(folder.store);
    store.add(file);
    CHECK(store.list()[0].label == Label{Integrity::kTrusted, Confidentiality::kPrivate});
    store.add(file, {.label = untrusted});
  }
  Store store = Store::open(folder.store);
  CHECK(store.list()[0].label == untrusted);
  CHECK(store.search("words", 1)[0].label == untrusted);
}

TEST_CASE("a passage says when its file has changed or is gone") {
  const StoreFolder folder;
  const fs::path file = folder.write("a.txt", "some words that were here at first");
  Store store = Store::create(folder.store);
  store.add(file);
  const Passage passage = store.search("words", 1).at(0);
  folder.write("a.txt", "short");
  CHECK(Store::open_passage(passage).changed);
  CHECK(Store::open_passage(passage).bytes == "short");
  const CheckReport changed = store.check();
  CHECK(changed.intact());
  CHECK(changed.findings.back().what.find("changed") != std::string::npos);
  fs::remove(file);
  CHECK(code_of([&] { Store::open_passage(passage); }) == ErrorCode::kNotFound);
  CHECK(store.check().findings.back().what.find("gone") != std::string::npos);
}

TEST_CASE("adding and indexing stop when asked, and keep what was done") {
  const StoreFolder folder;
  for (int i = 0; i < 10; ++i) folder.write(std::to_string(i) + ".txt", "text");
  Store store = Store::create(folder.store);
  std::stop_source stop;
  AddOptions options{.stop = stop.get_token()};
  options.progress = [&](std::size_t done, std::size_t, const std::string&) {
    if (done == 4) stop.request_stop();
  };
  CHECK(code_of([&] { store.add(folder.documents, options); }) == ErrorCode::kCancelled);
  CHECK(store.list().size() == 5);
  Limits limits;
  limits.stop = stop.get_token();
  CHECK(code_of([&] { store.search("text", 3, limits); }) == ErrorCode::kCancelled);
  CHECK(store.search("text", 3).size() == 3);
}

namespace {

// Counts what it is asked; a text's vector is its first letter and its length.
class LetterEmbedder final : public Embedder {
 public:
  explicit LetterEmbedder(int& calls) : calls_(calls) {}
  std::string id() const override { return "letters/1"; }
  std::size_t dimension() const override { return 26; }
  std::vector<float> embed_documents(std::span<const std::string_view> texts) override {
    std::vector<float> out;
    for (const auto text : texts) {
      ++calls_;
      const auto row = embed_query(text.substr(text.find('\n') + 1));
      out.insert(out.end(), row.begin(), row.end());
    }
    return out;
  }
  std::vector<float> embed_query(std::string_view text) override {
    std::vector<float> row(26);
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
      row[static_cast<std::size_t>(text[0] - 'a')] = 3;
    if (text.starts_with("bad")) row[0] = std::numeric_limits<float>::quiet_NaN();
    return row;
  }

 private:
  int& calls_;
};

}  // namespace

TEST_CASE("a given embedder is asked once per text, and only for what is new") {
  const StoreFolder folder;
  folder.write("x.txt", "xylophone");
  folder.write("y.txt", "yellow");
  int calls = 0;
  {
    Store store = Store::create(folder.store, std::make_unique<LetterEmbedder>(calls));
    store.add(folder.documents);
    CHECK(first_document(store, "xenon") == "x.txt");  // no word in common
    CHECK(calls == 2);
    store.search("yes", 1);
    CHECK(calls == 2);
  }
  folder.write("z.txt", "zebra");
  folder.write("bad.txt", "bad numbers");
  Store store = Store::open(folder.store, std::make_unique<LetterEmbedder>(calls));
  store.add(folder.documents);
  CHECK(first_document(store, "zoo") == "z.txt");
  CHECK(calls == 4);
  CHECK(first_document(store, "numbers") == "bad.txt");
  CHECK(store.stats().embedder == "letters/1");
}
