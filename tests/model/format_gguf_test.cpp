// What a well-formed GGUF file reads as.

#include <orkestra/core/error.h>
#include <orkestra/model/format/gguf.h>
#include <orkestra/tests/catch.h>
#include <orkestra/tests/model/format_gguf_builder.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace orkestra;
using namespace orkestra::tests;
using model::GgufFile;
using model::TensorType;

namespace {

ErrorCode code_of(const std::filesystem::path& path) {
  try {
    GgufFile::open(path);
  } catch (const Error& e) {
    CHECK(e.message().find(path.string()) != std::string::npos);
    return e.code();
  }
  FAIL("opened " << path);
  return ErrorCode::kInternal;
}

// A folder of its own, removed at the end.
struct TemporaryFolder {
  TemporaryFolder() {
    path =
        std::filesystem::temp_directory_path() / ("orkestra-format-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("a GGUF file's metadata reads back, integers widened") {
  const Bytes bytes = sample_file().build();
  const auto file = GgufFile::parse(bytes, "sample");
  CHECK(file->name() == "sample");
  CHECK(file->metadata().size() == 17);
  CHECK(file->text("general.name") == "sample");
  CHECK(file->integer("u8") == 200);
  CHECK(file->integer("i8") == -5);
  CHECK(file->integer("u16") == 60000);
  CHECK(file->integer("i16") == -6);
  CHECK(file->integer("u32") == 4000000000);
  CHECK(file->integer("i32") == -7);
  CHECK(file->integer("u64") == std::int64_t{1} << 40);
  CHECK(file->integer("i64") == -8);
  CHECK(file->number("f32") == 0.5);
  CHECK(file->number("f64") == 0.25);
  CHECK(file->boolean("flag", false));
  const auto array = [&](const char* key) {
    return std::get<model::GgufArray>(file->metadata().find(key)->second);
  };
  CHECK(std::get<std::vector<std::string_view>>(array("words")) ==
        std::vector<std::string_view>{"", "one", "two words"});
  CHECK(std::get<std::vector<std::int64_t>>(array("numbers")) ==
        std::vector<std::int64_t>{1, -2, 3});
  CHECK(std::get<std::vector<double>>(array("reals")) == std::vector<double>{1.5, -2.5});
  CHECK(std::get<std::vector<bool>>(array("flags")) == std::vector<bool>{true, false, true});
  CHECK(std::get<std::vector<std::int64_t>>(array("none")).empty());
}

TEST_CASE("typed look-ups name the key and what it must be") {
  const Bytes bytes = sample_file().build();
  const auto file = GgufFile::parse(bytes, "sample");
  CHECK(file->integer("missing", 3) == 3);
  CHECK(file->number("missing", 1.5) == 1.5);
  CHECK(file->text("missing", "none") == "none");
  CHECK_FALSE(file->boolean("missing", false));
  const auto message = [](auto look_up) -> std::string {
    try {
      look_up();
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kCorrupt);
      return e.message();
    }
    return "no error";
  };
  CHECK(message([&] { file->integer("missing"); }) ==
        "sample: metadata key missing is missing; it must be an integer");
  CHECK(message([&] { file->number("missing"); }).find("must be a number") != std::string::npos);
  CHECK(message([&] { file->text("u8"); }) ==
        "sample: metadata key u8 must be a string, it is an integer");
  // A fallback stands in for a missing key, never for a wrong one.
  CHECK(message([&] { file->integer("words", 3); }).find("it is an array") != std::string::npos);
  CHECK(message([&] { file->boolean("f32", true); }).find("a boolean") != std::string::npos);
}

TEST_CASE("a GGUF file's tensors are views of its bytes") {
  const Bytes bytes = sample_file().build();
  const auto file = GgufFile::parse(bytes, "sample");
  REQUIRE(file->tensors().size() == 7);
  std::size_t end = file->header_bytes().size();
  for (const auto& tensor : file->tensors()) {
    CHECK(file->find_tensor(tensor.name) == &tensor);
    CHECK(tensor.data.size() == tensor.row_bytes() * static_cast<std::size_t>(tensor.rows()));
    const auto at = static_cast<std::size_t>(tensor.data.data() - bytes.data());
    CHECK(at % 32 == 0);
    CHECK(at >= end);
    CHECK(tensor.data[1] == std::byte{1});
    end = at + tensor.data.size();
  }
  CHECK(end == bytes.size());
  CHECK(file->find_tensor("nothing") == nullptr);
  const auto* q5 = file->find_tensor("q5_0.weight");
  REQUIRE(q5 != nullptr);
  CHECK(q5->type == TensorType::kQ5_0);
  CHECK(q5->shape == std::vector<std::int64_t>{32, 1, 1, 2});
  CHECK(q5->rows() == 2);
  CHECK(q5->row_bytes() == 22);
}

TEST_CASE("version 2 and another alignment are read") {
  GgufBuilder b;
  b.version = 2;
  b.alignment = 512;
  b.value("general.alignment", 4, std::uint32_t{512})
      .tensor("a", 0, {3}, 12)
      .tensor("b", 0, {3}, 12);
  const Bytes bytes = b.build();
  const auto file = GgufFile::parse(bytes, "v2");
  CHECK(file->tensors()[1].data.data() == bytes.data() + 1024);
}

TEST_CASE("open maps a file and refuses what is none") {
  const TemporaryFolder folder;
  const auto path = folder.path / "sample.gguf";
  const Bytes bytes = sample_file().build();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  CHECK(GgufFile::open(path)->tensors().size() == 7);
  CHECK(code_of(folder.path / "absent.gguf") == ErrorCode::kNotFound);
  CHECK(code_of(folder.path) == ErrorCode::kInvalid);
  const auto empty = folder.path / "empty.gguf";
  std::ofstream{empty};
  CHECK(code_of(empty) == ErrorCode::kCorrupt);
}

TEST_CASE("bytes in memory must be aligned") {
  Bytes bytes = sample_file().build();
  bytes.insert(bytes.begin(), std::byte{0});
  CHECK_THROWS_AS(GgufFile::parse(std::span(bytes).subspan(1), "odd"), Error);
}

TEST_CASE("every golden model reads") {
  int n = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ORKESTRA_SOURCE_DIR) + "/tests/golden")) {
    if (entry.path().extension() != ".gguf") continue;
    INFO(entry.path());
    const auto file = GgufFile::open(entry.path());
    const auto* embedding = file->find_tensor("token_embd.weight");
    REQUIRE(embedding != nullptr);
    CHECK(embedding->rows() == 512);
    ++n;
  }
  CHECK(n >= 8);
}
